package class

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	classes     *prometheus.GaugeVec
	transitions *prometheus.CounterVec
	keyChecks   *prometheus.CounterVec
	failures    prometheus.Counter
}

// newMetrics registers the registry's metrics. Labels come from closed sets;
// classes are never labels. A nil reg is allowed.
func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		classes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lectern_class_classes",
			Help: "Classes in each state.",
		}, []string{"state"}),
		transitions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_class_transitions_total",
			Help: "Times that a class entered a state.",
		}, []string{"state"}),
		keyChecks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_class_key_checks_total",
			Help: "Stream keys that publishers presented.",
		}, []string{"outcome"}), // accepted, unknown, ended, error
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_class_write_failures_total",
			Help: "Changes of a class that the database refused.",
		}),
	}
	for _, s := range States() {
		m.classes.WithLabelValues(s.String())
		m.transitions.WithLabelValues(s.String())
	}
	if reg != nil {
		reg.MustRegister(m.classes, m.transitions, m.keyChecks, m.failures)
	}
	return m
}

// changed counts a committed change; a zero class is none.
func (m *metrics) changed(before, after Class) {
	if before.State == after.State {
		return
	}
	if before.State != 0 {
		m.classes.WithLabelValues(before.State.String()).Dec()
	}
	if after.State != 0 {
		m.classes.WithLabelValues(after.State.String()).Inc()
		m.transitions.WithLabelValues(after.State.String()).Inc()
	}
}
