package web

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// The routes a request is counted under.
const (
	routeWatch  = "watch"
	routeClass  = "class"
	routeRoom   = "room"
	routeStudio = "studio"
	routeAsset  = "asset"
	routeNone   = "none"
)

type metrics struct {
	requests *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_web_requests_total",
			Help: "Requests for pages and their files, by route and status code.",
		}, []string{"route", "code"}),
	}
	if reg != nil {
		reg.MustRegister(m.requests)
	}
	return m
}

// answered counts one answer. Both labels come from closed sets: the constants
// above and the few status codes this package writes.
func (m *metrics) answered(route string, status int) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
}
