package space

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// probeInterval is how often the file system is asked; other programs fill it
	// too.
	probeInterval = 5 * time.Second
	// probeGap is the least time between two looks.
	probeGap = 100 * time.Millisecond
)

// Deps are what a Monitor needs from its surroundings.
type Deps struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics are exposed
	FileSystem FileSystem            // nil: the kernel's
}

// Monitor watches one data folder. Its methods are safe for concurrent use.
type Monitor struct {
	// Set by New, then read-only.
	cfg     Config
	dir     string
	fs      FileSystem
	logger  *slog.Logger
	metrics *metrics
	urgent  chan struct{} // one pending request for a look; more are merged

	mu       sync.Mutex // guards the fields below, never held across I/O
	classes  map[string]*class
	recorded int64 // sum of the classes' bytes
	total    gate
	disk     gate
	usage    Usage     // of the last look
	checked  time.Time // zero before the first look
	probeErr error     // of the last look
	taken    int64     // since the start, less what was given back
	counted  int64     // taken at the last look: contained in usage
}

// news is a change to be told once the lock is free.
type news struct {
	change change
	key    string
	class  string
	used   int64
	err    *FullError // of a refusal
}

// New returns the monitor of the folder that holds one folder a class. cfg must
// be valid. Before Run has looked at the file system only the quotas refuse.
func New(cfg Config, dir string, deps Deps) *Monitor {
	m := &Monitor{
		cfg: cfg, dir: dir, fs: deps.FileSystem,
		logger:  deps.Logger.With("component", "space"),
		metrics: newMetrics(deps.Registerer),
		urgent:  make(chan struct{}, 1),
		classes: map[string]*class{},
		total:   newGate(keyTotal, cfg.TotalBytes, cfg),
		disk:    gate{key: keyDisk},
	}
	if m.fs == nil {
		m.fs = hostFS{}
	}
	return m
}

// Run looks at the file system every few seconds, and sooner after large
// reservations, until ctx ends; then it returns nil. A look that fails leaves
// the last one in force. Call it once.
func (m *Monitor) Run(ctx context.Context) error {
	var scans sync.WaitGroup
	if m.cfg.TotalBytes > 0 {
		scans.Go(func() { m.scanLoop(ctx) })
	}
	tick := time.NewTicker(probeInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		m.probe()
		gap := time.NewTimer(probeGap)
		select { // also when something is urgent
		case <-ctx.Done():
		case <-gap.C:
		}
		gap.Stop()
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-m.urgent:
		}
	}
	scans.Wait()
	return nil
}

// probe looks at the file system once.
func (m *Monitor) probe() {
	m.mu.Lock()
	taken := m.taken
	m.mu.Unlock()
	usage, err := m.fs.Usage(m.dir)

	m.mu.Lock()
	first := err != nil && m.probeErr == nil
	m.probeErr = err
	var told []news
	if err == nil {
		// What was taken while the kernel counted may be missing in its answer.
		m.usage, m.counted, m.checked = usage, taken, time.Now()
		m.disk.resize(usage.Size, m.cfg)
		told = m.lookLocked(&m.disk, "", m.filledLocked())
		m.metrics.used.Set(float64(usage.Used))
		m.metrics.size.Set(float64(usage.Size))
	}
	m.mu.Unlock()
	m.tell(told)
	if err != nil {
		m.metrics.probeErrors.Inc()
	}
	if first {
		m.logger.Warn("file system cannot be looked at, its last state stays in force", "err", err)
	}
}

// filledLocked is the use of the file system: as of the last look, and what was
// taken since.
func (m *Monitor) filledLocked() int64 { return m.usage.Used + m.taken - m.counted }

// takeLocked grants or refuses n bytes.
func (m *Monitor) takeLocked(a *Account, n int64) ([]news, error) {
	if a.closed {
		return nil, ErrClosed
	}
	filled := m.filledLocked()
	for _, l := range []struct {
		gate  *gate
		class string
		used  int64
	}{
		{&a.c.gate, a.c.id, a.c.bytes},
		{&m.total, "", m.recorded},
		{&m.disk, "", filled},
	} {
		err, first := l.gate.admit(l.used, n)
		if err == nil {
			continue
		}
		m.metrics.refused.WithLabelValues(label(l.gate.key)).Add(float64(n))
		if !first {
			return nil, err
		}
		m.metrics.full.WithLabelValues(label(l.gate.key)).Inc()
		return []news{{change: gateFull, key: l.gate.key, class: l.class, used: l.used, err: err}}, err
	}
	a.c.bytes += n
	m.recorded += n
	m.taken += n
	if room := m.disk.stop - m.usage.Used; m.disk.stop > 0 && m.taken-m.counted >= room/4 {
		m.hurry() // a quarter of the room that was left has gone
	}
	return m.lookQuotasLocked(a.c), nil
}

// hurry brings the next look forward.
func (m *Monitor) hurry() {
	select {
	case m.urgent <- struct{}{}:
	default: // one is pending
	}
}

// lookQuotasLocked moves the quotas that c counts for.
func (m *Monitor) lookQuotasLocked(c *class) []news {
	m.metrics.recorded.Set(float64(m.recorded))
	told := m.lookLocked(&m.total, "", m.recorded)
	if c != nil && c.open > 0 {
		told = append(told, m.lookLocked(&c.gate, c.id, c.bytes)...)
	}
	return told
}

func (m *Monitor) lookLocked(g *gate, class string, used int64) []news {
	m.count(g, -1)
	changes := g.look(used)
	m.count(g, +1)
	var told []news
	for _, c := range changes {
		n := news{change: c, key: g.key, class: class, used: used}
		if c == gateFull {
			n.err = &FullError{Key: g.key, Used: used, Limit: g.stop}
		}
		told = append(told, n)
	}
	return told
}

// count adds the gate's state to the gauges, by times.
func (m *Monitor) count(g *gate, by float64) {
	if g.alarming {
		m.metrics.alarming.WithLabelValues(label(g.key)).Add(by)
	}
	if g.full {
		m.metrics.full.WithLabelValues(label(g.key)).Add(by)
	}
}

// dropLocked forgets a class.
func (m *Monitor) dropLocked(c *class) {
	m.recorded -= c.bytes
	m.metrics.recorded.Set(float64(m.recorded))
	delete(m.classes, c.id)
}

// tell logs changes. The lock must be free.
func (m *Monitor) tell(told []news) {
	for _, n := range told {
		l := m.logger
		if n.class != "" {
			l = l.With("class", n.class)
		}
		switch n.change {
		case gateAlarm:
			l.Warn("space for recordings runs low", "reason", n.key, "bytes", n.used)
		case gateCalm:
			l.Info("space for recordings is enough again", "reason", n.key, "bytes", n.used)
		case gateFull:
			l.Warn("recording stops, there is no space", "reason", n.key, "bytes", n.used, "err", n.err)
		case gateOpen:
			l.Info("recording goes on, there is space again", "reason", n.key, "bytes", n.used)
		}
	}
}
