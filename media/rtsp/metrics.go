package rtsp

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtsp/internal/reception"
)

// Metrics are the counters of RTSP ingest. One value serves the server and all
// pullers of a process, since a metric can be registered only once.
type Metrics struct {
	media             *reception.Metrics
	connections       prometheus.Gauge
	connectionsClosed *prometheus.CounterVec
	acceptErrors      prometheus.Counter
	publications      *prometheus.GaugeVec
	publicationsEnded *prometheus.CounterVec
	refusals          *prometheus.CounterVec
	pullAttempts      *prometheus.CounterVec
}

// NewMetrics registers the metrics of this package with reg. All label values
// come from fixed lists in the code.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		media: reception.NewMetrics(reg),
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_rtsp_connections",
			Help: "Open TCP connections to the RTSP listener.",
		}),
		connectionsClosed: counter("lectern_rtsp_connections_closed_total", "TCP connections to the RTSP listener that were closed, by reason.", "reason"),
		acceptErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_rtsp_accept_errors_total",
			Help: "Errors of accept on the RTSP listener, each followed by a pause.",
		}),
		publications: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lectern_rtsp_publications",
			Help: "Publications now received over RTSP.",
		}, []string{"protocol"}),
		publicationsEnded: counter("lectern_rtsp_publications_ended_total", "Publications over RTSP that ended, by reason.", "protocol", "reason"),
		refusals:          counter("lectern_rtsp_refusals_total", "Attempts to publish that were refused, by reason.", "protocol", "reason"),
		pullAttempts:      counter("lectern_rtsp_pull_attempts_total", "Connections made to cameras, by outcome.", "outcome"),
	}
	reg.MustRegister(
		m.connections, m.connectionsClosed, m.acceptErrors, m.publications, m.publicationsEnded, m.refusals, m.pullAttempts,
	)
	return m
}

// events counts what the listener tells.
func (m *Metrics) events() ingest.Events {
	return ingest.Events{
		AcceptFailed: m.acceptErrors.Inc,
		Rejected: func(c ingest.Cap) {
			reason := closedFull
			if c == ingest.CapAddress {
				reason = closedFullByIP
			}
			m.connectionsClosed.WithLabelValues(string(reason)).Inc()
		},
	}
}
