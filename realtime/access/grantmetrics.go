package access

import "github.com/prometheus/client_golang/prometheus"

type grantMetrics struct {
	minted prometheus.Counter
	checks *prometheus.CounterVec
}

// newGrantMetrics registers the ring's metrics. A nil reg is allowed.
func newGrantMetrics(reg prometheus.Registerer) *grantMetrics {
	m := &grantMetrics{
		minted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_access_grants_minted_total",
			Help: "Grants and passes that were signed.",
		}),
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_access_grant_checks_total",
			Help: "Grants and passes that were checked.",
		}, []string{"kind", "outcome"}),
	}
	if reg != nil {
		reg.MustRegister(m.minted, m.checks)
	}
	return m
}

func (m *grantMetrics) count(kind grantKind, o outcome) {
	name := "grant"
	if kind == kindPass {
		name = "pass"
	}
	m.checks.WithLabelValues(name, o.label()).Inc()
}
