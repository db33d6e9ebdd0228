package broker

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	events  *prometheus.CounterVec
	commit  prometheus.Histogram
	batch   prometheus.Histogram
	waiting prometheus.Gauge
	reads   prometheus.Counter
}

// newMetrics registers the broker's metrics. Rooms are never labels. A nil reg is
// allowed.
func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_broker_events_total",
			Help: "Events of rooms by what became of them.",
		}, []string{"outcome"}), // kept, again, conflict, failed, busy
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "lectern_broker_commit_seconds",
			Help:    "Time of a commit of events of all rooms, with its fsync.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "lectern_broker_commit_events",
			Help:    "Events that shared a commit.",
			Buckets: prometheus.ExponentialBuckets(1, 4, 8),
		}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_broker_waiting_events",
			Help: "Events that wait for the disk.",
		}),
		reads: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_broker_disk_reads_total",
			Help: "Reads of a room's log that memory could not answer.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.events, m.commit, m.batch, m.waiting, m.reads)
	}
	return m
}
