package rtpclock

import "time"

const (
	// driftWindow is the span of arrival time over which the least delayed
	// access unit is looked for. Network jitter only ever delays, so the least
	// delayed one shows the sender's clock.
	driftWindow = 2500 * time.Millisecond

	// maxDrift is beyond what drift can explain: a pause, or a file pushed
	// faster than real time. The meter starts over.
	maxDrift = 10 * time.Second
)

// driftMeter measures how far a track's media time falls behind (positive) or
// runs ahead of its arrival, since the meter started.
type driftMeter struct {
	started bool
	opened  time.Time     // when the current window was opened
	least   time.Duration // least lateness in it

	based bool
	base  time.Duration // lateness that counts as none
	now   time.Duration // drift as of the last whole window
}

// add takes one access unit that arrived late by the given time, in any fixed
// scale, and returns the drift.
func (m *driftMeter) add(arrival time.Time, late time.Duration) time.Duration {
	if !m.started {
		m.started, m.opened, m.least = true, arrival, late
		return 0
	}
	if arrival.Sub(m.opened) < driftWindow {
		m.least = min(m.least, late)
		return m.now
	}
	if !m.based {
		m.based, m.base = true, m.least
	}
	m.now = m.least - m.base
	if !within(m.now, maxDrift) {
		m.base, m.now = m.least, 0
	}
	m.opened, m.least = arrival, late
	return m.now
}

// corrected tells the meter that media time was moved forward by d.
func (m *driftMeter) corrected(d time.Duration) {
	m.least -= d
	m.now -= d
}
