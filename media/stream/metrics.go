package stream

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/timeline"
)

// dropReason is why a reader lost access units. It is a metric label.
type dropReason uint8

const (
	dropOverflow dropReason = iota // the queue was full and was emptied
	dropSkipped                    // waiting for a random access point after that
)

type metrics struct {
	publications    *prometheus.CounterVec
	receivedBytes   *prometheus.CounterVec
	refusals        *prometheus.CounterVec
	dropped         *prometheus.CounterVec
	discontinuities map[media.DiscontinuityReason]prometheus.Counter
	repairs         map[timeline.Repair]prometheus.Counter
}

// newMetrics registers the hub's metrics. Labels come from closed sets: reader
// names from the code that adds readers, protocols from protocolLabel, codes from
// the refusals in the code. The gauges are read when they are scraped.
func newMetrics(reg prometheus.Registerer, streams, publishing func() float64, lag func() float64) *metrics {
	m := &metrics{
		publications: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_stream_publications_total",
			Help: "Publications that ended, by protocol and reason.",
		}, []string{"protocol", "reason"}),
		receivedBytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_stream_received_bytes_total",
			Help: "Payload bytes written by publishers, by protocol.",
		}, []string{"protocol"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_stream_refusals_total",
			Help: "Publications refused for their media, by code.",
		}, []string{"reason"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_stream_access_units_dropped_total",
			Help: "Access units lost to slow readers, by reader and reason.",
		}, []string{"reader", "reason"}),
		discontinuities: map[media.DiscontinuityReason]prometheus.Counter{},
		repairs:         map[timeline.Repair]prometheus.Counter{},
	}
	discontinuities := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_stream_discontinuities_total",
		Help: "Breaks in the run of access units, by reason.",
	}, []string{"reason"})
	for r := media.DiscontinuityStart; r <= media.DiscontinuityTracks; r++ {
		m.discontinuities[r] = discontinuities.WithLabelValues(r.String())
	}
	repairs := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_stream_samples_repaired_total",
		Help: "Samples that the timeline dropped or moved, by reason.",
	}, []string{"reason"})
	for _, r := range timeline.Repairs() {
		m.repairs[r] = repairs.WithLabelValues(r.String())
	}
	reg.MustRegister(m.publications, m.receivedBytes, m.refusals, m.dropped, discontinuities, repairs,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lectern_stream_streams",
			Help: "Streams that are open, published or not.",
		}, streams),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lectern_stream_publishers",
			Help: "Publishers at present.",
		}, publishing),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lectern_stream_publication_lag_seconds",
			Help: "Server clock minus capture time of the newest access unit, worst publication.",
		}, lag),
	)
	return m
}

// droppedBy returns a reader's counters, indexed by dropReason.
func (m *metrics) droppedBy(reader string) [2]prometheus.Counter {
	return [2]prometheus.Counter{
		dropOverflow: m.dropped.WithLabelValues(reader, "overflow"),
		dropSkipped:  m.dropped.WithLabelValues(reader, "skipped"),
	}
}

// protocolLabel bounds the label to the protocols there are.
func protocolLabel(protocol string) string {
	switch protocol {
	case "rtmp", "rtmps", "rtsp", "rtsp-pull":
		return protocol
	default:
		return "other"
	}
}

// worstLag is the greatest lag of all publications, in seconds.
func worstLag(streams []*Stream, now time.Time) float64 {
	var worst time.Duration
	for _, s := range streams {
		worst = max(worst, s.lag(now))
	}
	return worst.Seconds()
}
