package transcode

import "github.com/prometheus/client_golang/prometheus"

// governorMetrics are those of the Governor. Labels are levels and the reasons of
// LevelChange; classes are never labels.
type governorMetrics struct {
	classes [levels]prometheus.Gauge
	changes *prometheus.CounterVec
	cores   prometheus.Gauge
	cpu     prometheus.Gauge
}

func newGovernorMetrics(reg prometheus.Registerer) *governorMetrics {
	classes := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "lectern_transcode_classes",
		Help: "Classes by how far their ladder is cut back.",
	}, []string{"level"})
	m := &governorMetrics{
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_transcode_level_changes_total",
			Help: "Changes of a class's level, by the new level and the reason.",
		}, []string{"level", "reason"}),
		cores: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_transcode_estimated_cores",
			Help: "Processor cores that the ladders of all classes take at their levels, by estimate.",
		}),
		cpu: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_transcode_host_cpu_ratio",
			Help: "Busy share of the processors, or of the control group's quota, in the last second.",
		}),
	}
	for l := range m.classes {
		m.classes[l] = classes.WithLabelValues(Level(l).String())
	}
	reg.MustRegister(classes, m.changes, m.cores, m.cpu)
	return m
}

func (m *governorMetrics) update(classes map[string]*governed, cal Calibration) {
	var count [levels]int
	cores := 0.0
	for _, c := range classes {
		count[c.level]++
		cores += Cost(c.plan, c.level, cal)
	}
	for l, n := range count {
		m.classes[l].Set(float64(n))
	}
	m.cores.Set(cores)
}
