package loop

import "github.com/prometheus/client_golang/prometheus"

// reason is why a connection was handed over: the reason label.
type reason uint8

const (
	reasonNone      reason = iota
	reasonPath             // it asks for something else
	reasonMethod           // neither GET nor HEAD
	reasonProtocol         // not HTTP/1.1
	reasonBody             // a body follows, or would like to
	reasonUpgrade          // another protocol is to follow, or other options of the connection
	reasonSize             // the head is large
	reasonMalformed        // unusual or wrong
	reasons                // how many there are
)

// String returns the value of the reason label.
func (r reason) String() string {
	return [reasons]string{"none", "path", "method", "protocol", "body", "upgrade", "size", "malformed"}[r]
}

// ending is why a connection was closed here: the reason label.
type ending uint8

const (
	endClient   ending = iota // the client left
	endAsked                  // the client or the handler wanted it
	endHead                   // no head of a request in time
	endIdle                   // no request in time
	endWrite                  // the client did not take the answer
	endFault                  // the answer broke off: a file was too short, the handler failed
	endOverload               // too many connections, or net/http does not accept them
	endShutdown               // the server stops
	endings                   // how many there are
)

// String returns the value of the reason label.
func (e ending) String() string {
	return [endings]string{"client", "asked", "head_timeout", "idle_timeout", "write_timeout", "fault", "overload", "shutdown"}[e]
}

// metrics of the loops. Labels are the constants above.
type metrics struct {
	connections prometheus.Gauge
	parked      prometheus.Gauge
	accepted    prometheus.Counter
	handed      [reasons]prometheus.Counter
	closed      [endings]prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	handed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_loop_handed_over_connections_total",
		Help: "Connections handed to net/http for good, by what their first request was that is none of a loop's.",
	}, []string{"reason"})
	closed := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_loop_closed_connections_total",
		Help: "Connections that ended in a loop.",
	}, []string{"reason"})
	m := &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_loop_connections",
			Help: "Connections in the loops.",
		}),
		parked: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_loop_parked_connections",
			Help: "Connections in the loops whose request is held.",
		}),
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "lectern_loop_accepted_connections_total",
			Help: "Connections that came to the loops.",
		}),
	}
	for r := reasonNone + 1; r < reasons; r++ {
		m.handed[r] = handed.WithLabelValues(r.String())
	}
	for e := range endings {
		m.closed[e] = closed.WithLabelValues(e.String())
	}
	reg.MustRegister(m.connections, m.parked, m.accepted, handed, closed)
	return m
}
