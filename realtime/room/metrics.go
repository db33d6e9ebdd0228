package room

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	open     prometheus.Gauge
	members  prometheus.Gauge
	commands *prometheus.CounterVec
	ack      prometheus.Histogram
	joins    *prometheus.CounterVec
	events   prometheus.Counter
	resets   prometheus.Counter
}

// newMetrics registers the metrics of all rooms. Rooms and people are never
// labels. A nil reg is allowed.
func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_room_open_rooms",
			Help: "Rooms that are in memory.",
		}),
		members: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_room_connections",
			Help: "Connections that are in a room.",
		}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_room_commands_total",
			Help: "Commands by what became of them: ok, again, or the code of the error.",
		}, []string{"outcome"}),
		ack: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "lectern_room_ack_seconds",
			Help:    "Time from a command to its acknowledgement, with the wait for the disk.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}),
		joins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_room_joins_total",
			Help: "Connections that came in, by what they got.",
		}, []string{"outcome"}), // recovered, snapshot, refused
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_room_events_total",
			Help: "Events of the log that were handed out, once for all connections.",
		}),
		resets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_room_resets_total",
			Help: "Rooms that ended since an event could not be kept.",
		}),
	}
	if reg != nil {
		reg.MustRegister(m.open, m.members, m.commands, m.ack, m.joins, m.events, m.resets)
	}
	return m
}
