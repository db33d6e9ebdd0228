package space

import "github.com/prometheus/client_golang/prometheus"

// metrics are the monitor's own. The limit label is one of the three keys
// without their section; classes are not labels.
type metrics struct {
	used, size  prometheus.Gauge
	recorded    prometheus.Gauge
	alarming    *prometheus.GaugeVec
	full        *prometheus.GaugeVec
	refused     *prometheus.CounterVec
	probeErrors prometheus.Counter
}

// label returns the limit label of a key.
func label(key string) string { return key[len("space."):] }

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		used: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_space_filesystem_used_bytes",
			Help: "Bytes in use on the file system of the data folder.",
		}),
		size: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_space_filesystem_size_bytes",
			Help: "Bytes that the file system of the data folder can hold.",
		}),
		recorded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_space_recorded_bytes",
			Help: "Bytes of recordings: of all classes if space.total_bytes is set, of the open ones otherwise.",
		}),
		alarming: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lectern_space_alarms",
			Help: "Limits whose use is above space.alarm; for class_bytes, classes.",
		}, []string{"limit"}),
		full: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lectern_space_full",
			Help: "Limits that refuse to record; for class_bytes, classes.",
		}, []string{"limit"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_space_refused_bytes_total",
			Help: "Bytes that were not recorded because a limit was reached.",
		}, []string{"limit"}),
		probeErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_space_probe_errors_total",
			Help: "Looks at the file system or at the folder of a class that failed.",
		}),
	}
	for _, key := range []string{keyDisk, keyTotal, keyClass} {
		m.alarming.WithLabelValues(label(key))
		m.full.WithLabelValues(label(key))
		m.refused.WithLabelValues(label(key))
	}
	if reg != nil {
		reg.MustRegister(m.used, m.size, m.recorded, m.alarming, m.full, m.refused, m.probeErrors)
	}
	return m
}
