package state

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lectern/lectern/realtime"
)

// person is somebody who has been in the room.
type person struct {
	name      string
	role      realtime.Role
	extraTime int // percent

	present   bool
	intervals []Interval // the last one has no end while present
	playing   int64      // milliseconds of watching

	banned      bool
	shadowed    bool
	muted       bool
	mutedUntil  int64  // of muted; 0: until a moderator says so
	restrictAt  uint64 // the entry of the last restriction
	reason      string // of it
	lastMessage int64
}

func (p *person) isMuted(now int64) bool {
	return p.muted && (p.mutedUntil == 0 || now < p.mutedUntil)
}

func (s *State) isShadowed(id string) bool {
	p := s.people[id]
	return p != nil && p.shadowed
}

// extraTime returns the most that anyone present has.
func (s *State) extraTime() int {
	most := 0
	for _, p := range s.people {
		if p.present {
			most = max(most, p.extraTime)
		}
	}
	return most
}

// Admit reports why someone may not come in, as a *realtime.Error: the room is
// over, they are banned, or new while it is locked.
func (s *State) Admit(by realtime.Principal) error {
	p := s.people[by.ID]
	switch {
	case s.closed:
		return errClosed()
	case p != nil && p.banned:
		return refuse(realtime.CodeBanned, "is excluded from the room")
	case p == nil && s.settings.Locked && !by.Staff():
		return refuse(realtime.CodeClosed, "the room is locked")
	}
	return nil
}

// decideModerate lets nobody restrict a host, nor a moderator another.
func (s *State) decideModerate(d realtime.Moderate, in input) (Fact, string, error) {
	p := s.people[d.Participant]
	switch {
	case p == nil:
		return nil, "", refuse(realtime.CodeNotFound, "participant: is not there")
	case p.role == realtime.RoleHost || (p.role == realtime.RoleModerator && in.by.Role != realtime.RoleHost):
		return nil, "", refuse(realtime.CodeForbidden, "participant: is staff")
	}
	f := Moderated{Participant: d.Participant, Action: d.Action, Reason: d.Reason}
	if d.Seconds > 0 {
		f.Until = in.now.Now + int64(d.Seconds)*1000
	}
	return f, "", nil
}

// Moderated is what a moderator did to a person.
type Moderated struct {
	Participant string          `json:"participant"`
	Action      realtime.Action `json:"action"`
	Until       int64           `json:"until,omitempty"`
	Reason      string          `json:"reason,omitempty"`
}

func (Moderated) kind() string { return "moderated" }

func (f Moderated) apply(s *State, _ *Entry, out *Effects) {
	p := s.people[f.Participant]
	if p == nil {
		return
	}
	switch f.Action {
	case realtime.ActionMute, realtime.ActionBan, realtime.ActionShadow:
		p.restrictAt, p.reason = s.seq, f.Reason
	case realtime.ActionUnmute, realtime.ActionUnban, realtime.ActionUnshadow, realtime.ActionKick:
	}
	switch f.Action {
	case realtime.ActionMute, realtime.ActionUnmute:
		p.muted, p.mutedUntil = f.Action == realtime.ActionMute, f.Until
		if p.muted {
			s.lowerHand(f.Participant, out)
		}
		out.To = append(out.To, Unicast{Participant: f.Participant, Data: p.restricted()})
	case realtime.ActionShadow, realtime.ActionUnshadow:
		p.shadowed = f.Action == realtime.ActionShadow
	case realtime.ActionBan:
		p.banned = true
		s.lowerHand(f.Participant, out)
		out.Remove, out.RemoveCode = f.Participant, realtime.CloseBanned
	case realtime.ActionUnban:
		p.banned = false
	case realtime.ActionKick:
		s.lowerHand(f.Participant, out)
		out.Remove, out.RemoveCode = f.Participant, realtime.CloseRemoved
	}
	out.Staff = realtime.Moderated{Participant: f.Participant, Name: p.name, Action: f.Action, Until: f.Until, Reason: f.Reason}
}

func (p *person) restricted() realtime.Restricted {
	if !p.muted {
		return realtime.Restricted{}
	}
	return realtime.Restricted{Muted: true, MutedUntil: p.mutedUntil}
}

// snapshotRestrictions is how many restricted people staff are told of.
const snapshotRestrictions = 200

// restrictions returns who is restricted, the latest first.
func (s *State) restrictions() []realtime.Restriction {
	type restricted struct {
		at uint64
		realtime.Restriction
	}
	var all []restricted
	for id, p := range s.people {
		r := realtime.Restriction{Participant: id, Name: p.name, Banned: p.banned, Shadowed: p.shadowed, Reason: p.reason}
		if p.isMuted(s.ts) {
			r.Muted, r.MutedUntil = true, p.mutedUntil
		}
		if r.Muted || r.Banned || r.Shadowed {
			all = append(all, restricted{p.restrictAt, r})
		}
	}
	slices.SortFunc(all, func(a, b restricted) int { return cmp.Compare(b.at, a.at) })
	out := make([]realtime.Restriction, 0, min(len(all), snapshotRestrictions))
	for _, r := range all[:min(len(all), snapshotRestrictions)] {
		out = append(out, r.Restriction)
	}
	return out
}

// Interval is a time that somebody was in the room, in Unix milliseconds.
type Interval struct {
	From, To int64
}

// Joined is somebody who came in, or whose grant has changed.
type Joined struct {
	ExtraTime int `json:"extra_time,omitempty"`
}

func (Joined) kind() string { return "joined" }

func (f Joined) apply(s *State, e *Entry, _ *Effects) {
	p := s.people[e.By.ID]
	if p == nil {
		p = &person{}
		s.people[e.By.ID] = p
	}
	p.name, p.role, p.extraTime = e.By.Name, e.By.Role, f.ExtraTime
	if !p.present {
		p.present = true
		p.intervals = append(p.intervals, Interval{From: e.TS})
	}
}

// Present reports whether somebody is in the room, as far as the log knows.
func (s *State) Present(id string) bool {
	p := s.people[id]
	return p != nil && p.present
}

// AllPresent returns who is in the room, as far as the log knows, by their ids.
func (s *State) AllPresent() []Author {
	var out []Author
	for id, p := range s.people {
		if p.present {
			out = append(out, Author{ID: id, Name: p.name, Role: p.role})
		}
	}
	slices.SortFunc(out, func(a, b Author) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Left is somebody who went. At is when: the entry comes later, when they have not
// come back.
type Left struct {
	At      int64 `json:"at"`
	Playing int64 `json:"playing,omitempty"` // milliseconds of watching since the last Ticked
}

func (Left) kind() string { return "left" }

func (f Left) apply(s *State, e *Entry, out *Effects) {
	p := s.people[e.By.ID]
	if p == nil || !p.present {
		return
	}
	p.present = false
	last := &p.intervals[len(p.intervals)-1]
	last.To = max(f.At, last.From)
	p.playing += f.Playing
	s.lowerHand(e.By.ID, out)
}

// Ticked is that the room is still there, and how long people have watched since
// the last one that says so, in milliseconds.
type Ticked struct {
	Playing map[string]int64 `json:"playing,omitempty"`
}

func (Ticked) kind() string { return "ticked" }

func (f Ticked) apply(s *State, _ *Entry, _ *Effects) {
	for id, ms := range f.Playing {
		if p := s.people[id]; p != nil {
			p.playing += ms
		}
	}
}

// Attendance is when somebody was in the room.
type Attendance struct {
	Participant string
	Name        string
	Role        realtime.Role
	Intervals   []Interval // in order, without overlap; the last may go on
	Present     bool
	Playing     int64 // milliseconds of watching, as heartbeats tell
}

// Attendance returns the attendance of all but observers and programs, by their
// ids. An interval that goes on ends at the last entry for now.
func (s *State) Attendance() []Attendance {
	var out []Attendance
	for id, p := range s.people {
		if p.role == realtime.RoleObserver || p.role == realtime.RoleService {
			continue
		}
		a := Attendance{Participant: id, Name: p.name, Role: p.role, Intervals: slices.Clone(p.intervals), Present: p.present, Playing: p.playing}
		if p.present {
			a.Intervals[len(a.Intervals)-1].To = s.ts
		}
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Attendance) int { return strings.Compare(a.Participant, b.Participant) })
	return out
}
