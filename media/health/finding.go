package health

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// maxEvents is how many events are kept.
const maxEvents = 100

// Finding is something to tell the person who publishes.
type Finding struct {
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`

	// Text is one plain sentence or two, and Setting says where to change what
	// in OBS; it is empty if there is nothing to change.
	Text    string `json:"text"`
	Setting string `json:"setting,omitempty"`

	// Since is when it was raised, and Value the latest measurement in the unit
	// of the package's table.
	Since time.Time `json:"since"`
	Value float64   `json:"value"`
}

// Event is a finding that came or went.
type Event struct {
	At      time.Time `json:"at"`
	Raised  bool      `json:"raised"` // or cleared
	Finding Finding   `json:"finding"`
}

// entry is a raised code with its measurements.
type entry struct {
	raised       bool
	since        time.Time
	value, other float64 // other goes into the text only
}

func (e entry) finding(c Code) Finding {
	text, setting := sentence(c, e.value, e.other)
	return Finding{Code: c, Severity: c.Severity(), Text: text, Setting: setting, Since: e.since, Value: e.value}
}

// board is what is known at present. It may be used from any goroutine.
type board struct {
	mu      sync.Mutex // guards the fields below
	entries [numCodes]entry
	events  []Event // ring, oldest at next once it is full
	next    int
}

// turn raises or clears a code.
func (b *board) turn(c Code, at time.Time, raised bool, value, other float64) Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &b.entries[c]
	if raised {
		*e = entry{raised: true, since: at, value: value, other: other}
	}
	event := Event{At: at, Raised: raised, Finding: e.finding(c)}
	e.raised = raised
	if len(b.events) < maxEvents {
		b.events = append(b.events, event)
	} else {
		b.events[b.next] = event
		b.next = (b.next + 1) % maxEvents
	}
	return event
}

// measure replaces the measurements of a raised code.
func (b *board) measure(c Code, value, other float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries[c].value, b.entries[c].other = value, other
}

func (b *board) findings() []Finding {
	b.mu.Lock()
	entries := b.entries
	b.mu.Unlock()
	out := []Finding{}
	for c, e := range entries {
		if e.raised {
			out = append(out, e.finding(Code(c)))
		}
	}
	slices.SortStableFunc(out, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(y.Severity, x.Severity), x.Since.Compare(y.Since))
	})
	return out
}

func (b *board) history() []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append(slices.Clone(b.events[b.next:]), b.events[:b.next]...)
}
