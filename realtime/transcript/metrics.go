package transcript

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	build   prometheus.Histogram
	entries prometheus.Counter
	bytes   prometheus.Gauge
	dropped prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		build: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "lectern_transcript_build_seconds",
			Help:    "Time that it took to bring a transcript up to date with its log.",
			Buckets: []float64{.0001, .001, .01, .1, .5, 1, 5, 20},
		}),
		entries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_transcript_entries_total",
			Help: "Entries of logs that were read for transcripts.",
		}),
		bytes: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_transcript_cache_bytes",
			Help: "Memory that transcripts take, roughly.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_transcript_dropped_total",
			Help: "Transcripts that were dropped from memory for others.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.build, m.entries, m.bytes, m.dropped)
	}
	return m
}
