package certs

import (
	"crypto/tls"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The values of the outcome label.
const (
	outcomeTaken   = "taken"   // a new certificate is in use
	outcomeRefused = "refused" // it was broken, or the authority gave none
)

type metrics struct {
	refreshes *prometheus.CounterVec
	failing   prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer, inForce func() map[string]*tls.Certificate) *metrics {
	m := &metrics{
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_certs_refreshes_total",
			Help: "Certificates that were to replace others, or the first ones of ACME.",
		}, []string{"outcome"}),
		failing: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_certs_failing",
			Help: "Certificates whose last replacement was refused.",
		}),
	}
	for _, o := range []string{outcomeTaken, outcomeRefused} {
		m.refreshes.WithLabelValues(o)
	}
	reg.MustRegister(m.refreshes, m.failing, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lectern_certs_expiry_seconds",
		Help: "Time until the first of the certificates in use expires; negative afterwards, NaN while there is none.",
	}, func() float64 {
		left := math.NaN()
		for _, cert := range inForce() {
			// The comparison holds for NaN as well.
			if s := time.Until(cert.Leaf.NotAfter).Seconds(); !(s >= left) {
				left = s
			}
		}
		return left
	}))
	return m
}
