package ws

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/realtime"
)

type metrics struct {
	connections     prometheus.Gauge
	unauthenticated prometheus.Gauge
	handshakes      *prometheus.CounterVec // outcome
	closes          *prometheus.CounterVec // reason
	dropped         *prometheus.CounterVec // reason
	commands        *prometheus.CounterVec // outcome
	frames          prometheus.Counter
	events          prometheus.Counter
	bytes           prometheus.Counter
	joins           *prometheus.CounterVec // outcome
}

// newMetrics registers the server's metrics. A nil reg is allowed.
func newMetrics(reg prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "lectern_ws_" + name, Help: help})
	}
	vec := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "lectern_ws_" + name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "lectern_ws_" + name, Help: help})
	}
	m := &metrics{
		connections:     gauge("connections", "Connections that are open."),
		unauthenticated: gauge("unauthenticated_connections", "Connections that have not said hello."),
		handshakes:      vec("handshakes_total", "Requests for a connection.", "outcome"),
		closes:          vec("closes_total", "Connections that ended, by why.", "reason"),
		dropped:         vec("events_dropped_total", "Events that a slow client did not get.", "reason"),
		commands:        vec("commands_total", "Commands that came, by what became of them here.", "outcome"),
		frames:          counter("frames_total", "Frames that were written."),
		events:          counter("events_total", "Events that were written."),
		bytes:           counter("written_bytes_total", "Bytes of events that were written, before compression."),
		joins:           vec("batches_total", "Frames to write, by whether another connection's could be used.", "outcome"),
	}
	for _, c := range realtime.Closes() {
		m.closes.WithLabelValues(c.Name)
	}
	if reg != nil {
		reg.MustRegister(m.connections, m.unauthenticated, m.handshakes, m.closes, m.dropped, m.commands, m.frames, m.events, m.bytes, m.joins)
	}
	return m
}
