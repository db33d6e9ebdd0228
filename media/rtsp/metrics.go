package rtsp

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
)

// Metrics are the counters of RTSP ingest. One value serves the server and all
// pullers of a process, since a metric can be registered only once.
type Metrics struct {
	connections       prometheus.Gauge
	connectionsClosed *prometheus.CounterVec
	acceptErrors      prometheus.Counter
	publications      *prometheus.GaugeVec
	publicationsEnded *prometheus.CounterVec
	refusals          *prometheus.CounterVec
	accessUnits       *prometheus.CounterVec
	bytes             *prometheus.CounterVec
	dropped           *prometheus.CounterVec
	packetsLost       prometheus.Counter
	packetsUnreadable prometheus.Counter
	setsMalformed     prometheus.Counter
	dtsFallbacks      prometheus.Counter
	clockRebases      prometheus.Counter
	senderReports     *prometheus.CounterVec
	panics            prometheus.Counter
	pullAttempts      *prometheus.CounterVec
}

// NewMetrics registers the metrics of this package with reg. All label values
// come from fixed lists in the code.
func NewMetrics(reg prometheus.Registerer) *Metrics { return newMetrics(reg) }

func newMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_rtsp_connections",
			Help: "Open TCP connections to the RTSP listener.",
		}),
		connectionsClosed: vec("lectern_rtsp_connections_closed_total", "TCP connections to the RTSP listener that were closed, by reason.", "reason"),
		acceptErrors:      counter("lectern_rtsp_accept_errors_total", "Errors of accept on the RTSP listener, each followed by a pause."),
		publications: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lectern_rtsp_publications",
			Help: "Publications now received over RTSP.",
		}, []string{"protocol"}),
		publicationsEnded: vec("lectern_rtsp_publications_ended_total", "Publications over RTSP that ended, by reason.", "protocol", "reason"),
		refusals:          vec("lectern_rtsp_refusals_total", "Attempts to publish that were refused, by reason.", "protocol", "reason"),
		accessUnits:       vec("lectern_rtsp_access_units_total", "Access units received and written to a publication.", "kind"),
		bytes:             vec("lectern_rtsp_payload_bytes_total", "Payload bytes of the access units written.", "kind"),
		dropped:           vec("lectern_rtsp_access_units_dropped_total", "Access units received but not written, by reason.", "reason"),
		packetsLost:       counter("lectern_rtsp_packets_lost_total", "RTP packets missing from the sequence."),
		packetsUnreadable: counter("lectern_rtsp_packets_unreadable_total", "RTP and RTCP packets whose payload could not be read."),
		setsMalformed:     counter("lectern_rtsp_parameter_sets_malformed_total", "In-band parameter sets that broke their syntax."),
		dtsFallbacks:      counter("lectern_rtsp_dts_fallbacks_total", "Pictures at which the decoding time could no longer be derived from the picture order."),
		clockRebases:      counter("lectern_rtsp_clock_rebases_total", "Jumps of a sender's RTP clock that were smoothed over."),
		senderReports:     vec("lectern_rtsp_sender_reports_total", "RTCP sender reports, by what became of them.", "outcome"),
		panics:            counter("lectern_rtsp_panics_total", "Panics recovered in RTSP callbacks; each ended one publication."),
		pullAttempts:      vec("lectern_rtsp_pull_attempts_total", "Connections made to cameras, by outcome.", "outcome"),
	}
	for _, k := range []media.Kind{media.KindVideo, media.KindAudio} {
		m.accessUnits.WithLabelValues(k.String())
		m.bytes.WithLabelValues(k.String())
	}
	for _, r := range dropReasons() {
		m.dropped.WithLabelValues(string(r))
	}
	reg.MustRegister(
		m.connections, m.connectionsClosed, m.acceptErrors, m.publications, m.publicationsEnded, m.refusals,
		m.accessUnits, m.bytes, m.dropped, m.packetsLost, m.packetsUnreadable, m.setsMalformed, m.dtsFallbacks,
		m.clockRebases, m.senderReports, m.panics, m.pullAttempts,
	)
	return m
}
