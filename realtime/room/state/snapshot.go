package state

import (
	"slices"

	"github.com/lectern/lectern/realtime"
)

// Bounds of a snapshot, besides those of questions, polls and hands.
const (
	snapshotMessages = 100
	snapshotMarkers  = 200
)

// Snapshot returns the room as that person may see it. Presence is for the caller
// to fill in.
func (s *State) Snapshot(by realtime.Principal) realtime.Snapshot {
	staff, all := s.Hands()
	snap := realtime.Snapshot{
		Settings:      s.settings,
		Messages:      s.messages.snapshot(by),
		Questions:     s.questions.snapshot(by),
		Polls:         s.polls.snapshot(by, s.settings.Words),
		Announcements: append([]realtime.Announcement{}, s.announcements...),
		Markers:       append([]realtime.Marked{}, s.markers[max(0, len(s.markers)-snapshotMarkers):]...),
		Hands:         all,
		HandPosition:  s.handOf(by.ID) + 1,
	}
	if by.Staff() {
		snap.Hands, snap.Restrictions = staff, s.restrictions()
	} else {
		snap.Settings.Words = nil
	}
	if m := s.messages.pinned; m != nil {
		pinned := m.shown(by.Staff())
		snap.Pinned = &pinned
	}
	if p := s.people[by.ID]; p != nil {
		snap.Restricted = p.restricted()
	}
	return snap
}

// snapshot returns the last messages that the person may see, the oldest first.
func (ms *messages) snapshot(by realtime.Principal) []realtime.Message {
	out := make([]realtime.Message, 0, snapshotMessages)
	for _, m := range slices.Backward(ms.order) {
		if len(out) == snapshotMessages {
			break
		}
		if m.deleted && (!by.Staff() || !m.Deleted) {
			continue
		}
		if m.audience == everybody || m.author.ID == by.ID || by.Staff() {
			out = append(out, m.shown(by.Staff()))
		}
	}
	slices.Reverse(out)
	return out
}

// Due returns what the passing of time has brought: polls that are over, hands
// that were up for too long, announcements whose time is over.
func (s *State) Due(moment Moment) []Fact {
	facts := s.duePolls(moment)
	now := moment.Now
	for _, h := range s.hands {
		if now-h.ts >= s.rules.HandTimeout.Milliseconds() {
			facts = append(facts, HandLowered{Participant: h.id})
		}
	}
	for _, a := range s.announcements {
		if a.Until != 0 && now >= a.Until {
			facts = append(facts, Cleared{Announcement: a.ID})
		}
	}
	return facts
}
