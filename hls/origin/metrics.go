package origin

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// object is what a request asks for: the object label.
type object string

const (
	objectMultivariant object = "multivariant"
	objectPlaylist     object = "playlist"
	objectIFrames      object = "i_frames"
	objectInit         object = "init"
	objectSegment      object = "segment"
	objectPart         object = "part"
	objectUnknown      object = "unknown" // no such name, or not GET or HEAD
)

// outcome is how a held request ended: the outcome label.
type outcome string

const (
	outcomeServed     outcome = "served"      // what was asked for came, or became impossible
	outcomeTimeout    outcome = "timeout"     // the hold cap passed
	outcomeClientGone outcome = "client_gone" // the client left, or the server stops
	outcomeOverload   outcome = "overload"    // too many were held already
)

// statusClientGone is the code label of a request whose client left while it
// was held. What goes out on the wire is 503, which nobody reads.
const statusClientGone = 499

// metrics of the origin. Labels come from the constants above and the status
// codes in use; class, rendition and URL are never labels.
type metrics struct {
	requests *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	blocked  *prometheus.HistogramVec
	waiters  prometheus.Gauge
}

// newMetrics registers the origin's metrics.
func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_origin_requests_total",
			Help: "Requests answered; code 499 means that the client left while it was held.",
		}, []string{"object", "code"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_origin_response_bytes_total",
			Help: "Bytes of response bodies sent.",
		}, []string{"object"}),
		blocked: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "lectern_origin_blocked_reload_seconds",
			Help:    "Time that requests for a playlist or part to come were held.",
			Buckets: []float64{.05, .1, .25, .5, .75, 1, 2, 4, 8},
		}, []string{"outcome"}),
		waiters: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_origin_waiters",
			Help: "Requests that are held now.",
		}),
	}
	for _, o := range []outcome{outcomeServed, outcomeTimeout, outcomeClientGone, outcomeOverload} {
		m.blocked.WithLabelValues(string(o))
	}
	reg.MustRegister(m.requests, m.bytes, m.blocked, m.waiters)
	return m
}

func (m *metrics) answered(o object, code int, bytes int64) {
	m.requests.WithLabelValues(string(o), strconv.Itoa(code)).Inc()
	m.bytes.WithLabelValues(string(o)).Add(float64(bytes))
}

func (m *metrics) held(o outcome, d time.Duration) {
	m.blocked.WithLabelValues(string(o)).Observe(d.Seconds())
}
