package segment

import "github.com/prometheus/client_golang/prometheus"

// The values of the reason label of lectern_segment_gaps_total; the last four are
// those of lectern_segment_write_faults_total as well.
const (
	reasonOverflow    = "overflow"    // the disk was too slow
	reasonStopped     = "stopped"     // finished after Run had ended
	reasonFull        = "full"        // no room on the disk, or over its quota
	reasonSpace       = "space"       // Deps.Space refused
	reasonDescriptors = "descriptors" // too many open files
	reasonDisk        = "disk"        // the write failed
)

// The values of the reason label of lectern_segment_replay_faults_total.
const (
	faultTorn     = "torn"     // unfinished end of the index, left out
	faultChecksum = "checksum" // damaged line within the index, skipped
	faultFile     = "file"     // listed file absent, of another size or with other bytes
	faultHole     = "hole"     // media sequence number without a line
)

// The values of the kind label of lectern_segment_adopted_total.
const (
	adoptedWhole = "whole" // as it was announced
	adoptedTorn  = "torn"  // up to its last whole part
	adoptedGap   = "gap"   // announced, but its bytes are lost
)

// Metrics are the counters that all logs of a process share. Classes and
// renditions are not labels.
type Metrics struct {
	saved       prometheus.Counter
	savedBytes  prometheus.Counter
	gaps        *prometheus.CounterVec
	writeFaults *prometheus.CounterVec
	uncommitted prometheus.Counter
	released    prometheus.Counter
	adopted     *prometheus.CounterVec
	faults      *prometheus.CounterVec
	queueBytes  prometheus.Gauge
	memoryBytes prometheus.Gauge
	write       prometheus.Histogram
}

// NewMetrics registers the metrics of the package with reg. Call it once a
// registry and give the result to every [Open].
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		saved: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_segment_saved_total",
			Help: "Media Segments that are safe on disk.",
		}),
		savedBytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_segment_saved_bytes_total",
			Help: "Bytes of the Media Segments that are safe on disk.",
		}),
		gaps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_segment_gaps_total",
			Help: "Media Segments that are missing from the recording.",
		}, []string{"reason"}),
		writeFaults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_segment_write_faults_total",
			Help: "Writes that failed or were refused; most are tried again.",
		}, []string{"reason"}),
		uncommitted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_segment_parts_uncommitted_total",
			Help: "Partial Segments that were published before the operating system had them.",
		}),
		adopted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_segment_adopted_total",
			Help: "Media Segments that a crash had left out of the index, found when class folders were opened.",
		}, []string{"kind"}),
		released: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_segment_released_unsaved_total",
			Help: "Media Segments given up to the memory limit while only memory held them.",
		}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_segment_replay_faults_total",
			Help: "Faults found in class folders when they were opened.",
		}, []string{"reason"}),
		queueBytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_segment_queue_bytes",
			Help: "Bytes of finished Media Segments that wait for the disk, all classes.",
		}),
		memoryBytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_segment_memory_bytes",
			Help: "Bytes of media held in memory, all classes whose log is running.",
		}),
		write: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "lectern_segment_write_seconds",
			Help:    "Time to bring one Media Segment safely to disk.",
			Buckets: []float64{.005, .02, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
	}
	for _, r := range []string{reasonFull, reasonSpace, reasonDescriptors, reasonDisk} {
		m.gaps.WithLabelValues(r)
		m.writeFaults.WithLabelValues(r)
	}
	for _, r := range []string{reasonOverflow, reasonStopped} {
		m.gaps.WithLabelValues(r)
	}
	for _, k := range []string{adoptedWhole, adoptedTorn, adoptedGap} {
		m.adopted.WithLabelValues(k)
	}
	for _, r := range []string{faultTorn, faultChecksum, faultFile, faultHole} {
		m.faults.WithLabelValues(r)
	}
	reg.MustRegister(m.saved, m.savedBytes, m.gaps, m.writeFaults, m.uncommitted, m.released, m.adopted, m.faults,
		m.queueBytes, m.memoryBytes, m.write)
	return m
}
