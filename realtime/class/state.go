package class

import "fmt"

// State is where a class is in its life:
//
//	scheduled ──publisher arrives──▶ live ──last publisher leaves──▶ interrupted
//	    │                             ▲ │                              │  │
//	    │                             └─┼─────publisher arrives────────┘  │
//	    └────────────End────────────────┴──▶ ended ◀──End or grace over───┘
type State uint8

// The states of a class. Their order is that of a life.
const (
	Scheduled   State = iota + 1 // nothing was published yet
	Live                         // a publisher is connected
	Interrupted                  // the publisher is gone, and may come back until the deadline
	Ended                        // over for ever; the recording stays
)

// States returns all states in order.
func States() []State { return []State{Scheduled, Live, Interrupted, Ended} }

// String returns the name that the API, logs and metrics use.
func (s State) String() string {
	switch s {
	case Scheduled:
		return "scheduled"
	case Live:
		return "live"
	case Interrupted:
		return "interrupted"
	case Ended:
		return "ended"
	default:
		return "unknown"
	}
}

// MarshalText writes the name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the name.
func (s *State) UnmarshalText(text []byte) error {
	for _, known := range States() {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("unknown class state %q", text)
}
