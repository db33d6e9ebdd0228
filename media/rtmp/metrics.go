package rtmp

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtmp/internal/chunk"
)

// metrics of the package. Labels are from closed sets: protocol is the label of
// a listener, reasons are enums or the codes of refusals.
type metrics struct {
	open     *prometheus.GaugeVec
	accepted *prometheus.CounterVec
	rejected *prometheus.CounterVec
	closed   *prometheus.CounterVec
	refusals *prometheus.CounterVec
	dropped  *prometheus.CounterVec
	skipped  *prometheus.CounterVec
	received *prometheus.CounterVec

	acceptErrors prometheus.Counter
	panics       prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &metrics{
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lectern_rtmp_connections",
			Help: "RTMP connections open now.",
		}, []string{"protocol"}),
		accepted: counter("lectern_rtmp_connections_total", "RTMP connections taken.", "protocol"),
		rejected: counter("lectern_rtmp_connections_rejected_total", "RTMP connections closed at once because of a cap.", "protocol", "reason"),
		closed:   counter("lectern_rtmp_connections_closed_total", "RTMP connections ended, by reason.", "protocol", "reason"),
		refusals: counter("lectern_rtmp_refusals_total", "Publishers told why they cannot publish, by reason.", "reason"),
		dropped:  counter("lectern_rtmp_dropped_messages_total", "Messages of peers that were swallowed, by reason.", "reason"),
		skipped:  counter("lectern_rtmp_skipped_tags_total", "Audio and video messages of ended publications that gave no sample, by reason.", "reason"),
		received: counter("lectern_rtmp_received_bytes_total", "Bytes read from RTMP connections.", "protocol"),
		acceptErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_rtmp_accept_errors_total",
			Help: "Failed accepts, such as for want of file descriptors.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_rtmp_panics_total",
			Help: "Connections ended by a bug.",
		}),
	}
	for _, r := range chunk.DropReasons() {
		m.dropped.WithLabelValues(r.String())
	}
	reg.MustRegister(m.open, m.accepted, m.rejected, m.closed, m.refusals, m.dropped, m.skipped, m.received,
		m.acceptErrors, m.panics)
	return m
}

// protocol prepares the series of one listener, so that they start at zero.
func (m *metrics) protocol(name string) {
	m.open.WithLabelValues(name)
	m.accepted.WithLabelValues(name)
	m.received.WithLabelValues(name)
	for _, r := range closeReasons() {
		m.closed.WithLabelValues(name, r.String())
	}
	for _, c := range []ingest.Cap{ingest.CapTotal, ingest.CapAddress} {
		m.rejected.WithLabelValues(name, rejection(c))
	}
}

// events counts what a listener for protocol tells.
func (m *metrics) events(protocol string) ingest.Events {
	return ingest.Events{
		AcceptFailed: m.acceptErrors.Inc,
		Rejected:     func(c ingest.Cap) { m.rejected.WithLabelValues(protocol, rejection(c)).Inc() },
	}
}

// rejection returns the label value for a cap: the configuration key to raise.
func rejection(c ingest.Cap) string {
	if c == ingest.CapAddress {
		return "max_connections_per_ip"
	}
	return "max_connections"
}
