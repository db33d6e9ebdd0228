package space

import (
	"strings"
	"time"
)

// State is what the API and the readiness page tell of the space. It concerns
// the server as a whole; a class that is full for itself is told by
// [Account.Used].
type State struct {
	// Used and Size are those of the file system in bytes, as of CheckedAt; both
	// are 0 while they are unknown.
	Used, Size int64

	// Recorded is what the recordings take in bytes: of all classes if
	// space.total_bytes is set, of the open ones otherwise.
	Recorded int64

	// CheckedAt is when the file system was looked at last with success; zero if
	// never.
	CheckedAt time.Time

	// Err is why the last look failed; nil if it did not.
	Err error

	// Alarm says that a limit is near, Full that one is reached and nothing is
	// recorded.
	Alarm, Full bool

	// Reason lists the keys of the limits that Alarm and Full come from, those
	// that are reached first, separated by commas. It is empty when all is well.
	Reason string
}

// State returns what is known now.
func (m *Monitor) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := State{Used: m.usage.Used, Size: m.usage.Size, Recorded: m.recorded, CheckedAt: m.checked, Err: m.probeErr}
	var full, near []string
	for _, g := range []*gate{&m.disk, &m.total} {
		switch {
		case g.full:
			full = append(full, g.key)
		case g.alarming:
			near = append(near, g.key)
		}
	}
	s.Full, s.Alarm = len(full) > 0, len(full)+len(near) > 0
	s.Reason = strings.Join(append(full, near...), ",")
	return s
}
