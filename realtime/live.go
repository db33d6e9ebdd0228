package realtime

import "slices"

// HandRaise raises one's hand.
type HandRaise struct{}

// CommandType returns CommandHandRaise.
func (HandRaise) CommandType() CommandType { return CommandHandRaise }

// Validate implements CommandData.
func (HandRaise) Validate() error { return nil }

// HandLower takes a hand down: one's own, or with MayTriage any.
type HandLower struct {
	Participant string `json:"participant,omitempty"` // absent: one's own
}

// CommandType returns CommandHandLower.
func (HandLower) CommandType() CommandType { return CommandHandLower }

// Validate implements CommandData.
func (d HandLower) Validate() error { return optionalID("participant", d.Participant) }

// HandCall gives someone the word, and takes their hand down.
type HandCall struct {
	Participant string `json:"participant"`
}

// CommandType returns CommandHandCall.
func (HandCall) CommandType() CommandType { return CommandHandCall }

// Validate implements CommandData.
func (d HandCall) Validate() error { return requiredID("participant", d.Participant) }

// HandCalled tells the person, and staff, who has the word.
type HandCalled struct {
	Participant string `json:"participant"`
	Name        string `json:"name,omitempty"`
}

// EventType returns EventHandCalled.
func (HandCalled) EventType() EventType { return EventHandCalled }

// Hands is how many hands are up; for staff, whose.
type Hands struct {
	Count int    `json:"count"`
	Queue []Hand `json:"queue,omitempty"` // staff: the first ones, in order
}

// EventType returns EventHands.
func (Hands) EventType() EventType { return EventHands }

// Hand is one raised hand.
type Hand struct {
	Participant string `json:"participant"`
	Name        string `json:"name,omitempty"`
	TS          int64  `json:"ts"` // since when
}

// HandPosition tells one person where they are in the queue.
type HandPosition struct {
	Position int `json:"position"` // 1: next; 0: the hand is not up
}

// EventType returns EventHandPosition.
func (HandPosition) EventType() EventType { return EventHandPosition }

// ReactionKind is what a reaction shows.
type ReactionKind string

// The reactions.
const (
	ReactionThumbsUp ReactionKind = "thumbs_up"
	ReactionHeart    ReactionKind = "heart"
	ReactionClap     ReactionKind = "clap"
	ReactionLaugh    ReactionKind = "laugh"
	ReactionWow      ReactionKind = "wow"
	ReactionParty    ReactionKind = "party"
)

// ReactionKinds returns all reactions.
func ReactionKinds() []ReactionKind {
	return []ReactionKind{ReactionThumbsUp, ReactionHeart, ReactionClap, ReactionLaugh, ReactionWow, ReactionParty}
}

// React reacts to what is on the screen.
type React struct {
	Kind ReactionKind `json:"kind"`
}

// CommandType returns CommandReact.
func (React) CommandType() CommandType { return CommandReact }

// Validate implements CommandData.
func (d React) Validate() error {
	if !slices.Contains(ReactionKinds(), d.Kind) {
		return invalid("kind", "must be thumbs_up, heart, clap, laugh, wow or party")
	}
	return nil
}

// Reactions counts the reactions of the last second.
type Reactions struct {
	Counts map[ReactionKind]int `json:"counts"`
}

// EventType returns EventReactions.
func (Reactions) EventType() EventType { return EventReactions }

// PulseKind is how a person gets on.
type PulseKind string

// The pulses.
const (
	PulseFast PulseKind = "fast" // too fast for me
	PulseLost PulseKind = "lost" // you lost me
	PulseOK   PulseKind = "ok"   // takes back the others
)

// Pulse tells the host how one gets on, without a name. It holds for a minute.
type Pulse struct {
	Kind PulseKind `json:"kind"`
}

// CommandType returns CommandPulse.
func (Pulse) CommandType() CommandType { return CommandPulse }

// Validate implements CommandData.
func (d Pulse) Validate() error {
	if d.Kind != PulseFast && d.Kind != PulseLost && d.Kind != PulseOK {
		return invalid("kind", "must be fast, lost or ok")
	}
	return nil
}

// Pulses tells staff how the participants got on in the last minute. A count
// below 5 is not told, lest it points at someone: it is 0.
type Pulses struct {
	Fast int `json:"fast"`
	Lost int `json:"lost"`
	OK   int `json:"ok"`
}

// EventType returns EventPulse.
func (Pulses) EventType() EventType { return EventPulse }

// Presence counts people, not connections.
type Presence struct {
	Participants int `json:"participants"`
	Observers    int `json:"observers,omitempty"` // staff only
	Staff        int `json:"staff,omitempty"`     // staff only
}

// EventType returns EventPresence.
func (Presence) EventType() EventType { return EventPresence }
