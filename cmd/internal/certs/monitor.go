package certs

import (
	"context"
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// interval is how often files and renewed certificates are looked at.
	interval = 3 * time.Second
	// soon is how long before its end a certificate is warned of, or a fifth of
	// its lifetime if that is less.
	soon = 7 * 24 * time.Hour
)

// Deps are what a Monitor needs from its surroundings.
type Deps struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Monitor keeps a source up to date.
type Monitor struct {
	// Set by NewMonitor, then read-only.
	source  *Source
	logger  *slog.Logger
	metrics *metrics

	// Owned by Run.
	failing map[string]bool             // names whose last attempt was refused
	warned  map[string]*tls.Certificate // what was warned of as ending soon
	expired map[string]*tls.Certificate // what was warned of as expired
}

// NewMonitor returns the monitor of a source that is not nil, and registers its
// metrics. There is one monitor for a source.
func NewMonitor(s *Source, deps Deps) *Monitor {
	return &Monitor{
		source: s, logger: deps.Logger.With("component", "certs"), metrics: newMetrics(deps.Registerer, s.store.inForce),
		failing: map[string]bool{}, warned: map[string]*tls.Certificate{}, expired: map[string]*tls.Certificate{},
	}
}

// Run keeps the certificates up to date until ctx ends, then returns nil. With
// ACME an order under way may delay that by some seconds. Call it once.
func (m *Monitor) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, m.source.store.close)
	defer stop()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for ctx.Err() == nil {
		m.look(ctx, time.Now())
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	m.source.store.close() // AfterFunc may be late
	return nil
}

func (m *Monitor) look(ctx context.Context, now time.Time) {
	for _, e := range m.source.store.refresh(now) {
		if e.err == nil {
			delete(m.failing, e.name)
			m.metrics.refreshes.WithLabelValues(outcomeTaken).Inc()
			m.logger.InfoContext(ctx, "certificate taken into use", "reason", e.name)
			continue
		}
		m.failing[e.name] = true
		m.metrics.refreshes.WithLabelValues(outcomeRefused).Inc()
		m.logger.WarnContext(ctx, "certificate was not renewed, what was in use stays", "reason", e.name, "err", e.err, "duration", e.again)
	}
	m.metrics.failing.Set(float64(len(m.failing)))
	for name, cert := range m.source.store.inForce() {
		left, life := cert.Leaf.NotAfter.Sub(now), cert.Leaf.NotAfter.Sub(cert.Leaf.NotBefore)
		switch {
		case left <= 0 && m.expired[name] != cert:
			m.expired[name] = cert
			m.logger.ErrorContext(ctx, "certificate has expired", "reason", name)
		case left > 0 && left < min(soon, life/5) && m.warned[name] != cert:
			m.warned[name] = cert
			m.logger.WarnContext(ctx, "certificate expires soon", "reason", name, "duration", left.Round(time.Minute))
		}
	}
}
