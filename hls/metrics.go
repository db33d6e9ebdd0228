package hls

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
)

// Values of the reason label of lectern_hls_access_units_dropped_total.
const (
	dropNoTrack = "no_track" // its track is not packaged
	dropNoStart = "no_start" // before the track's first random access point
	dropEmpty   = "empty"    // nothing but parameter sets
	dropLate    = "late"     // of an encoded rendition: before what is settled
	dropBroken  = "broken"   // of an encoded rendition: its segment cannot become whole
)

// Values of the reason label of lectern_hls_irregular_parts_total.
const (
	partLong  = "long"  // one frame lasts longer than PART-TARGET
	partShort = "short" // under 85 % of PART-TARGET and not excused
)

// Metrics are the counters that all packagers of a process share. Classes are
// not labels.
type Metrics struct {
	segments        *prometheus.CounterVec
	gaps            *prometheus.CounterVec
	parts           *prometheus.CounterVec
	bytes           *prometheus.CounterVec
	irregularParts  *prometheus.CounterVec
	forcedCuts      prometheus.Counter
	givenUp         prometheus.Counter
	discontinuities *prometheus.CounterVec
	dropped         *prometheus.CounterVec
	publish         prometheus.Histogram
	delay           prometheus.Histogram
	cues            prometheus.Counter
	cuesLeftOut     *prometheus.CounterVec
}

// NewMetrics registers the metrics of the package with reg. Call it once a
// registry and give the result to every [New].
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{
		segments: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_hls_segments_total",
			Help: "Media Segments completed, gaps included.",
		}, []string{"kind"}),
		gaps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_hls_gap_segments_total",
			Help: "Media Segments without media, or without all of it.",
		}, []string{"kind"}),
		parts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_hls_parts_total",
			Help: "Partial Segments completed.",
		}, []string{"kind"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_hls_media_bytes_total",
			Help: "Bytes of Partial Segments completed.",
		}, []string{"kind"}),
		irregularParts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_hls_irregular_parts_total",
			Help: "Partial Segments longer than PART-TARGET or needlessly shorter than 85 % of it.",
		}, []string{"reason"}),
		forcedCuts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_hls_forced_cuts_total",
			Help: "Media Segments cut without a keyframe because the target duration was reached.",
		}),
		givenUp: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_hls_given_up_segments_total",
			Help: "Media Segments of encoded renditions that were ended because the rendition lagged too far behind.",
		}),
		discontinuities: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_hls_discontinuities_total",
			Help: "Discontinuities received.",
		}, []string{"reason"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_hls_access_units_dropped_total",
			Help: "Access units that are in no segment.",
		}, []string{"reason"}),
		publish: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "lectern_hls_publish_seconds",
			Help:    "Time to build and publish the playlists of all renditions of a class.",
			Buckets: []float64{.0001, .0003, .001, .003, .01, .03, .1},
		}),
		delay: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "lectern_hls_part_delay_seconds",
			Help:    "Wall clock at publication of a part minus the capture time of its end.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2, 5, 10},
		}),
		cues: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_hls_cues_total",
			Help: "Moments of lectures, such as polls and markers, that playlists were made to tell of.",
		}),
		cuesLeftOut: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_hls_cues_left_out_total",
			Help: "Moments of lectures that live playlists, or all playlists of a class, had no room for.",
		}, []string{"list"}),
	}
	for _, k := range []media.Kind{media.KindVideo, media.KindAudio} {
		m.segments.WithLabelValues(k.String())
		m.gaps.WithLabelValues(k.String())
		m.parts.WithLabelValues(k.String())
		m.bytes.WithLabelValues(k.String())
	}
	for _, r := range []string{partLong, partShort} {
		m.irregularParts.WithLabelValues(r)
	}
	for _, r := range []string{dropNoTrack, dropNoStart, dropEmpty, dropLate, dropBroken} {
		m.dropped.WithLabelValues(r)
	}
	for _, l := range []string{leftOutLive, leftOutAll} {
		m.cuesLeftOut.WithLabelValues(l)
	}
	reg.MustRegister(m.segments, m.gaps, m.parts, m.bytes, m.irregularParts, m.forcedCuts,
		m.givenUp, m.discontinuities, m.dropped, m.publish, m.delay, m.cues, m.cuesLeftOut)
	return m
}
