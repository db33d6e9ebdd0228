package worker

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// dropReason says where access units were lost. The value is the `reason` label.
type dropReason uint8

const (
	dropFeed    dropReason = iota // the worker was too slow
	dropEvents                    // the server was too slow
	dropOverlap                   // they were made again, or cannot be decoded after a loss
	dropStale                     // they were of a run that is over
	dropInvalid                   // they cannot be sent to a worker
	dropReasons                   // how many there are
)

// The reasons for a loss, as in transcode.Lost.
const (
	reasonCrashed  = "crashed"
	reasonKilled   = "killed"
	reasonMemory   = "memory"
	reasonSilent   = "silent"
	reasonProtocol = "protocol"
	reasonSpec     = "spec"
	reasonStart    = "start"
)

// Metrics are those of all Hosts of a server. They may be used from any goroutine.
type Metrics struct {
	running  prometheus.Gauge
	memory   prometheus.Gauge
	starts   prometheus.Counter
	lost     map[string]prometheus.Counter
	givenUp  prometheus.Counter
	sent     prometheus.Counter
	received prometheus.Counter
	dropped  [dropReasons]prometheus.Counter
	lines    prometheus.Counter

	// Of video rungs.
	encoded prometheus.Counter
	skipped prometheus.Counter
	busy    prometheus.Counter

	mu   sync.Mutex // guards the field below
	lags map[*Host]time.Duration
}

// NewMetrics registers the metrics. Call it once for a registerer.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &Metrics{
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_worker_processes", Help: "Worker processes that run.",
		}),
		memory: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lectern_worker_resident_memory_bytes", Help: "Resident memory of all worker processes together.",
		}),
		starts:   counter("lectern_worker_starts_total", "Worker processes started."),
		lost:     map[string]prometheus.Counter{},
		givenUp:  counter("lectern_worker_given_up_total", "Times that encoding was switched off for a class after repeated crashes."),
		sent:     counter("lectern_worker_sent_bytes_total", "Bytes sent to worker processes."),
		received: counter("lectern_worker_received_bytes_total", "Bytes received from worker processes."),
		lines:    counter("lectern_worker_dropped_log_lines_total", "Lines that workers wrote to stderr beyond the rate that is logged."),
		encoded:  counter("lectern_worker_encoded_pictures_total", "Pictures encoded, over all rungs."),
		skipped:  counter("lectern_worker_skipped_pictures_total", "Pictures left out of a rung for want of time."),
		busy:     counter("lectern_worker_encoding_seconds_total", "Time spent encoding pictures, over all rungs."),
		lags:     map[*Host]time.Duration{},
	}
	lost := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_worker_losses_total", Help: "Worker processes that ended unasked, by reason.",
	}, []string{"reason"})
	for _, r := range []string{
		reasonCrashed, reasonKilled, reasonMemory, reasonSilent, reasonProtocol, reasonSpec, reasonStart,
	} {
		m.lost[r] = lost.WithLabelValues(r)
	}
	dropped := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "lectern_worker_access_units_dropped_total", Help: "Access units lost on the way to or from a worker, by reason.",
	}, []string{"reason"})
	for r, word := range [dropReasons]string{"feed_full", "events_full", "overlap", "stale", "invalid"} {
		m.dropped[r] = dropped.WithLabelValues(word)
	}
	reg.MustRegister(m.running, m.memory, m.starts, lost, m.givenUp, m.sent, m.received, dropped, m.lines, m.encoded, m.skipped, m.busy,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lectern_worker_lag_seconds", Help: "Time from receiving a picture to having encoded it, worst rung of all classes.",
		}, m.worstLag))
	return m
}

// pictures counts what a run's rungs have done since before.
func (m *Metrics) pictures(before, now []transcode.RungStats) {
	known := map[media.TrackID]transcode.RungStats{}
	for _, r := range before {
		known[r.Track] = r
	}
	for _, r := range now {
		b := known[r.Track]
		if r.Encoded < b.Encoded || r.Dropped < b.Dropped || r.Busy < b.Busy {
			b = transcode.RungStats{} // another process
		}
		// What a worker says is not believed: a counter that falls is a panic.
		m.encoded.Add(float64(max(0, r.Encoded-b.Encoded)))
		m.skipped.Add(float64(max(0, r.Dropped-b.Dropped)))
		m.busy.Add(max(0, r.Busy-b.Busy).Seconds())
	}
}

// lag notes the worst lag of a Host's rungs; a negative one forgets it.
func (m *Metrics) lag(h *Host, d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d < 0 {
		delete(m.lags, h)
		return
	}
	m.lags[h] = d
}

func (m *Metrics) worstLag() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	var worst time.Duration
	for _, d := range m.lags {
		worst = max(worst, d)
	}
	return worst.Seconds()
}

// drop counts n access units.
func (m *Metrics) drop(r dropReason, n int) {
	if n > 0 {
		m.dropped[r].Add(float64(n))
	}
}
