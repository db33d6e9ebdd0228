package state

import (
	"slices"

	"github.com/lectern/lectern/realtime"
)

// hand is a raised hand. The order is that of raising.
type hand struct {
	id   string
	name string
	ts   int64
}

func (s *State) handOf(id string) int {
	return slices.IndexFunc(s.hands, func(h hand) bool { return h.id == id })
}

func (s *State) lowerHand(id string, out *Effects) {
	if i := s.handOf(id); i >= 0 {
		s.hands = append(s.hands[:i:i], s.hands[i+1:]...)
		out.Hands = true
	}
}

func (s *State) decideRaise(in input) (Fact, string, error) {
	if err := s.mayWrite(in); err != nil {
		return nil, "", err
	}
	if s.handOf(in.by.ID) >= 0 {
		return nil, "", nil
	}
	return HandRaised{}, "", nil
}

// HandRaised is a hand that went up.
type HandRaised struct{}

func (HandRaised) kind() string { return "hand.raised" }

func (HandRaised) apply(s *State, e *Entry, out *Effects) {
	if s.handOf(e.By.ID) < 0 {
		s.hands = append(s.hands, hand{id: e.By.ID, name: e.By.Name, ts: e.TS})
		out.Hands = true
	}
}

func (s *State) decideLower(d realtime.HandLower, in input) (Fact, string, error) {
	id := d.Participant
	if id == "" {
		id = in.by.ID
	}
	if id != in.by.ID && !in.by.Permissions.Has(realtime.MayTriage) {
		return nil, "", refuse(realtime.CodeForbidden, "participant: is someone else")
	}
	if s.handOf(id) < 0 {
		return nil, "", nil
	}
	return HandLowered{Participant: id}, "", nil
}

// HandLowered is a hand that went down.
type HandLowered struct {
	Participant string `json:"participant"`
}

func (HandLowered) kind() string { return "hand.lowered" }

func (f HandLowered) apply(s *State, _ *Entry, out *Effects) { s.lowerHand(f.Participant, out) }

func (s *State) decideCall(d realtime.HandCall) (Fact, string, error) {
	if s.people[d.Participant] == nil {
		return nil, "", refuse(realtime.CodeNotFound, "participant: is not there")
	}
	return HandCalled{Participant: d.Participant}, "", nil
}

// HandCalled is someone who has the word.
type HandCalled struct {
	Participant string `json:"participant"`
}

func (HandCalled) kind() string { return "hand.called" }

func (f HandCalled) apply(s *State, _ *Entry, out *Effects) {
	s.lowerHand(f.Participant, out)
	ev := realtime.HandCalled{Participant: f.Participant}
	if p := s.people[f.Participant]; p != nil {
		ev.Name = p.name
	}
	out.tell(staffAndOwner, f.Participant, ev, nil)
}

// snapshotHands is how many of the queue staff are told.
const snapshotHands = 50

// Hands returns the queue as staff see it, and as participants do.
func (s *State) Hands() (staff, all realtime.Hands) {
	all.Count, staff.Count = len(s.hands), len(s.hands)
	for _, h := range s.hands[:min(len(s.hands), snapshotHands)] {
		staff.Queue = append(staff.Queue, realtime.Hand{Participant: h.id, Name: h.name, TS: h.ts})
	}
	return staff, all
}

// HandQueue returns whose hands are up, in order.
func (s *State) HandQueue() []string {
	ids := make([]string, len(s.hands))
	for i, h := range s.hands {
		ids[i] = h.id
	}
	return ids
}
