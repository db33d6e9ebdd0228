package health

import "time"

const (
	// lagWindow is how many seconds of arrivals are looked at for the earliest
	// one: bursts do not count.
	lagWindow = 5

	// steadyDrift is how much three minutes of drift may differ from each other;
	// a slow connection falls behind by fits and starts.
	steadyDrift = 150 * time.Millisecond
)

// arrival compares when media arrives with what its timestamps say. The offset
// of an access unit is its arrival less its decoding time: it grows when things
// come late, and the smallest of some time shows how the clocks run.
type arrival struct {
	begun   bool
	epoch   time.Time
	elapsed time.Duration // server time since epoch, never going back

	running bool // since the run began
	media   time.Duration
	stalls  spells

	second   int64 // of elapsed
	least    time.Duration
	recent   [lagWindow]time.Duration // least offsets by second
	n        int
	haveBase bool
	base     time.Duration // offset without lag

	minuteEnd   time.Duration
	minuteLeast time.Duration
	before      time.Duration // least of the minute before
	minutes     int
	drifts      [3]time.Duration
}

// breakOff prepares for a run whose timestamps are not comparable.
func (a *arrival) breakOff() {
	*a = arrival{begun: a.begun, epoch: a.epoch, elapsed: a.elapsed, stalls: a.stalls}
}

// observeArrival takes an access unit into account.
func (m *Monitor) observeArrival(dts time.Duration, received time.Time) {
	a := &m.arrival
	if !a.begun {
		a.begun, a.epoch = true, received
	}
	before := a.elapsed
	a.elapsed = max(a.elapsed, min(received.Sub(a.epoch), maxMediaTime))
	offset := a.elapsed - dts
	if !a.running {
		a.running, a.media = true, dts
		a.second = int64(a.elapsed / time.Second)
		a.least, a.minuteLeast = offset, offset
		a.minuteEnd = a.elapsed + time.Minute
		return
	}
	// Nothing came for a while though the publisher's clock did not pause.
	if silent := a.elapsed - before; silent > m.cfg.Stall && dts-a.media < silent/2 {
		a.stalls.add(a.elapsed, silent)
	}
	a.media = max(a.media, dts)
	if number := int64(a.elapsed / time.Second); number != a.second {
		a.second = number
		m.judgeArrival()
		a.least = offset
	}
	a.least = min(a.least, offset)
	if a.elapsed >= a.minuteEnd {
		m.judgeDrift()
		a.minuteEnd = a.elapsed + time.Minute
		a.minuteLeast = offset
	}
	a.minuteLeast = min(a.minuteLeast, offset)
}

// judgeArrival is called once a second of server time, when anything arrives.
func (m *Monitor) judgeArrival() {
	a := &m.arrival
	count, _, longest := a.stalls.within(a.elapsed)
	m.judge(Stalls, a.elapsed, count >= 2 || longest >= 2*m.cfg.Stall, longest.Seconds(), float64(count))

	a.recent[a.n%lagWindow] = a.least
	a.n++
	least := a.least
	for i := range min(a.n, lagWindow) {
		least = min(least, a.recent[i])
	}
	// A clock that is a little slow is no lag: the base follows what drift is
	// tolerated, and any drift that has a finding of its own.
	if !a.haveBase || least < a.base || m.conditions[ClockDrift].raised {
		a.base, a.haveBase = least, true
	}
	a.base += min(m.cfg.MaxDrift/60, least-a.base)
	limit := m.cfg.MaxLag
	if m.conditions[Lag].raised {
		limit /= 2
	}
	m.judge(Lag, a.elapsed, least-a.base > limit, (least - a.base).Seconds(), 0)
}

// judgeDrift is called once a minute of server time.
func (m *Monitor) judgeDrift() {
	a := &m.arrival
	if a.minutes++; a.minutes > 1 {
		a.drifts[a.minutes%len(a.drifts)] = a.minuteLeast - a.before
	}
	a.before = a.minuteLeast
	if a.minutes <= len(a.drifts) {
		return
	}
	limit := m.cfg.MaxDrift
	if m.conditions[ClockDrift].raised {
		limit = limit * 3 / 4
	}
	low, high := a.drifts[0], a.drifts[0]
	for _, d := range a.drifts {
		low, high = min(low, d), max(high, d)
	}
	mean := (a.drifts[0] + a.drifts[1] + a.drifts[2]) / 3
	steady := high-low <= max(steadyDrift, max(mean, -mean)/2)
	bad := steady && (low > limit || high < -limit)
	m.judge(ClockDrift, a.elapsed, bad, float64(mean.Milliseconds()), 0)
}
