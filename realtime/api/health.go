package api

import "time"

// Checkups tells how good what publishers send is. Its methods must not block,
// and may be called from any goroutine.
type Checkups interface {
	// Health returns what there is to say of the class's publication, and whether
	// there is one.
	Health(classID string) (Health, bool)
}

// Health is what an instructor should know of what their encoder sends.
type Health struct {
	Findings []Finding     `json:"findings"` // what holds now, worst first
	Events   []HealthEvent `json:"events"`   // what came and went, latest first
}

// Finding is something about the publication that could be better.
type Finding struct {
	Code     string    `json:"code"`     // stable, such as "keyframe_interval"
	Severity string    `json:"severity"` // info, warning or problem
	Text     string    `json:"text"`     // one sentence for people
	Setting  string    `json:"setting"`  // what to change in the encoder; empty if nothing there helps
	Since    time.Time `json:"since"`
}

// HealthEvent is a finding that came or went.
type HealthEvent struct {
	At     time.Time `json:"at"`
	Code   string    `json:"code"`
	Raised bool      `json:"raised"` // false: it is over
	Text   string    `json:"text"`
}

// complete turns lists that are nil into empty ones.
func (h Health) complete() *Health {
	h.Findings = orEmpty(h.Findings)
	h.Events = orEmpty(h.Events)
	return &h
}

// Pictures are the URLs of still pictures of a class; one that is empty does not
// exist (yet).
type Pictures struct {
	Thumbnail  string // a JPEG of what was shown last
	Storyboard string // WebVTT, whose cues point into sheets of small pictures
}
