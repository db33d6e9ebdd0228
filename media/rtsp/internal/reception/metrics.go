package reception

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
)

// Metrics counts what is received. The exported counters are for package rtsp,
// where the same happens outside a [Receiver].
type Metrics struct {
	PacketsUnreadable prometheus.Counter
	Panics            prometheus.Counter

	accessUnits   *prometheus.CounterVec
	bytes         *prometheus.CounterVec
	dropped       *prometheus.CounterVec
	packetsLost   prometheus.Counter
	setsMalformed prometheus.Counter
	dtsFallbacks  prometheus.Counter
	clockRebases  prometheus.Counter
	senderReports *prometheus.CounterVec
}

// NewMetrics registers the metrics with reg. All label values come from fixed
// lists in the code.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		accessUnits:       vec("lectern_rtsp_access_units_total", "Access units received and written to a publication.", "kind"),
		bytes:             vec("lectern_rtsp_payload_bytes_total", "Payload bytes of the access units written.", "kind"),
		dropped:           vec("lectern_rtsp_access_units_dropped_total", "Access units received but not written, by reason.", "reason"),
		packetsLost:       counter("lectern_rtsp_packets_lost_total", "RTP packets missing from the sequence."),
		PacketsUnreadable: counter("lectern_rtsp_packets_unreadable_total", "RTP and RTCP packets whose payload could not be read."),
		setsMalformed:     counter("lectern_rtsp_parameter_sets_malformed_total", "In-band parameter sets that broke their syntax."),
		dtsFallbacks:      counter("lectern_rtsp_dts_fallbacks_total", "Pictures at which the decoding time could no longer be derived from the picture order."),
		clockRebases:      counter("lectern_rtsp_clock_rebases_total", "Jumps of a sender's RTP clock that were smoothed over."),
		senderReports:     vec("lectern_rtsp_sender_reports_total", "RTCP sender reports, by what became of them.", "outcome"),
		Panics:            counter("lectern_rtsp_panics_total", "Panics recovered in RTSP callbacks; each ended one publication."),
	}
	for _, k := range []media.Kind{media.KindVideo, media.KindAudio} {
		m.accessUnits.WithLabelValues(k.String())
		m.bytes.WithLabelValues(k.String())
	}
	for _, r := range dropReasons() {
		m.dropped.WithLabelValues(string(r))
	}
	reg.MustRegister(m.accessUnits, m.bytes, m.dropped, m.packetsLost, m.PacketsUnreadable, m.setsMalformed,
		m.dtsFallbacks, m.clockRebases, m.senderReports, m.Panics)
	return m
}
