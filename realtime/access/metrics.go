package access

import "github.com/prometheus/client_golang/prometheus"

// outcome is what became of a check.
type outcome uint8

const (
	accepted outcome = iota
	malformed
	unknownKey
	forged
	otherClass
	expired
	revoked
	outcomes // how many there are
)

// label is the outcome in metrics.
func (o outcome) label() string {
	return [outcomes]string{"accepted", "malformed", "unknown_key", "forged", "other_class", "expired", "revoked"}[o]
}

// err is what the caller gets for it.
func (o outcome) err() error {
	return [outcomes]error{nil, ErrMalformed, ErrUnknownKey, ErrForged, ErrOtherClass, ErrExpired, ErrRevoked}[o]
}

type metrics struct {
	checks      [outcomes]prometheus.Counter
	minted      prometheus.Counter
	renewed     prometheus.Counter
	revocations prometheus.Gauge
}

// newMetrics registers the ring's metrics. Classes, viewers and keys are never
// labels. A nil reg is allowed.
func newMetrics(reg prometheus.Registerer) *metrics {
	checks := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_access_token_checks_total",
		Help: "Viewer tokens that were checked.",
	}, []string{"outcome"})
	m := &metrics{
		minted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_access_tokens_minted_total",
			Help: "Viewer tokens that began a chain.",
		}),
		renewed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_access_tokens_renewed_total",
			Help: "Viewer tokens that were given for an older one.",
		}),
		revocations: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_access_revocations",
			Help: "Revocations of a class or a viewer token in force.",
		}),
	}
	for o := range outcomes {
		m.checks[o] = checks.WithLabelValues(o.label()) // looked up once, since each media request is a check
	}
	if reg != nil {
		reg.MustRegister(checks, m.minted, m.renewed, m.revocations)
	}
	return m
}
