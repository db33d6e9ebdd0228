package origin

import (
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// object is what a request asks for: the object label.
type object uint8

const (
	objectUnknown object = iota // no such name, or not GET or HEAD
	objectMultivariant
	objectDVRMultivariant
	objectPlaylist
	objectDVR
	objectIFrames
	objectDVRIFrames
	objectRecording
	objectRecordingIFrames
	objectInit
	objectSegment
	objectPart
	objectSteering
	objectCheck
	objectPicture
	objectTranscript
	objects // how many there are
)

// String returns the value of the object label.
func (o object) String() string {
	return [objects]string{
		"unknown", "multivariant", "dvr_multivariant", "playlist", "dvr", "i_frames", "dvr_i_frames", "recording", "recording_i_frames",
		"init", "segment", "part", "steering", "check", "picture", "transcript",
	}[o]
}

// outcome is how a held request ended: the outcome label.
type outcome uint8

const (
	outcomeServed     outcome = iota // what was asked for came, or became impossible
	outcomeTimeout                   // the hold cap passed
	outcomeClientGone                // the client left, or the server stops
	outcomeOverload                  // too many were held already
	outcomes                         // how many there are
)

// String returns the value of the outcome label.
func (o outcome) String() string {
	return [outcomes]string{"served", "timeout", "client_gone", "overload"}[o]
}

// statusClientGone is the code label of a request whose client left while it
// was held. What goes out on the wire is 503, which nobody reads.
const statusClientGone = 499

// codes is how many status codes the origin has.
const codes = 14

// statusCodes are all codes that requests are counted by.
func statusCodes() [codes]int {
	return [codes]int{0, 200, 204, 206, 304, 400, 403, 404, 405, 412, 416, statusClientGone, 500, 503}
}

// metrics of the origin. Labels come from the constants above and the status
// codes in use; class, rendition, token and URL are never labels. The series of
// every request are looked up once.
type metrics struct {
	requests *prometheus.CounterVec
	waiters  prometheus.Gauge

	codes   [codes]int
	counted [objects][codes]atomic.Pointer[prometheus.Counter]
	bytes   [objects]prometheus.Counter
	blocked [outcomes]prometheus.Observer
	denied  [denials]prometheus.Counter
}

// newMetrics registers the origin's metrics.
func newMetrics(reg prometheus.Registerer) *metrics {
	bytes := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_origin_response_bytes_total",
		Help: "Bytes of response bodies sent.",
	}, []string{"object"})
	blocked := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "lectern_origin_blocked_reload_seconds",
		Help:    "Time that requests for a playlist or part to come were held.",
		Buckets: []float64{.05, .1, .25, .5, .75, 1, 2, 4, 8},
	}, []string{"outcome"})
	denied := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_origin_denied_total",
		Help: "Requests that were refused for want of a valid viewer token or of the shield secret.",
	}, []string{"reason"})
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lectern_origin_requests_total",
			Help: "Requests answered; code 499 means that the client left while it was held.",
		}, []string{"object", "code"}),
		waiters: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_origin_waiters",
			Help: "Requests that are held now.",
		}),
		codes: statusCodes(),
	}
	for o := range objects {
		m.bytes[o] = bytes.WithLabelValues(o.String())
	}
	for o := range outcomes {
		m.blocked[o] = blocked.WithLabelValues(o.String())
	}
	for d := denialNone + 1; d < denials; d++ {
		m.denied[d] = denied.WithLabelValues(d.String())
	}
	reg.MustRegister(m.requests, bytes, blocked, denied, m.waiters)
	return m
}

func (m *metrics) answered(o object, code int, bytes int64) {
	i := max(0, slices.Index(m.codes[:], code))
	c := m.counted[o][i].Load()
	if c == nil {
		made := m.requests.WithLabelValues(o.String(), strconv.Itoa(m.codes[i]))
		c = &made
		m.counted[o][i].Store(c)
	}
	(*c).Inc()
	m.bytes[o].Add(float64(bytes))
}

func (m *metrics) held(o outcome, d time.Duration) { m.blocked[o].Observe(d.Seconds()) }
