package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// newMetrics registers the handler's metrics. A route is its template, never a
// path. A nil reg is allowed.
func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_api_requests_total",
			Help: "API requests by route and class of status.",
		}, []string{"route", "status"}), // status: 2xx, 4xx, 5xx
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "lectern_api_request_seconds",
			Help:    "Time from an API request's header to its answer.",
			Buckets: []float64{.001, .005, .01, .05, .1, .5, 1, 5},
		}, []string{"route"}),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.seconds)
	}
	return m
}

func (m *metrics) observe(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status/100)+"xx").Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}
