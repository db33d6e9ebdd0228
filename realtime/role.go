package realtime

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Role is what a person is in a class.
type Role string

// The roles. What each may do is in [Role.Permissions].
const (
	RoleHost        Role = "host"        // teaches
	RoleModerator   Role = "moderator"   // keeps order and sorts questions
	RoleParticipant Role = "participant" // learns
	RoleObserver    Role = "observer"    // reads only, and is not in attendance
	RoleService     Role = "service"     // a program of the school, such as its LMS: reads what staff read
)

// Roles returns all roles.
func Roles() []Role {
	return []Role{RoleHost, RoleModerator, RoleParticipant, RoleObserver, RoleService}
}

// Valid reports whether r is one of the roles.
func (r Role) Valid() bool {
	switch r {
	case RoleHost, RoleModerator, RoleParticipant, RoleObserver, RoleService:
		return true
	}
	return false
}

// Permissions returns what the role may do unless its grant says otherwise.
func (r Role) Permissions() Permissions {
	const participant = MayChat | MayAsk | MayVote | MayRaiseHand | MayReact
	switch r {
	case RoleHost:
		return allPermissions
	case RoleModerator:
		return participant | SeesStaff | SeesNames | MayModerate | MayTriage | MayAnnounce
	case RoleParticipant:
		return participant
	case RoleService:
		return SeesStaff | SeesNames
	}
	return 0
}

// Permissions is a set of what a person may do. It is checked with every
// command. In JSON it is a list of names.
type Permissions uint16

// The permissions. What each command needs is in [CommandType.Needs].
const (
	MayChat      Permissions = 1 << iota // write messages, change and delete one's own
	MayAsk                               // ask questions, withdraw one's own
	MayVote                              // vote in polls and for questions
	MayRaiseHand                         // raise and lower one's own hand
	MayReact                             // react and pulse
	SeesStaff                            // see what staff see; takes up no place among the participants
	SeesNames                            // see who asked an anonymous question
	MayModerate                          // delete and pin messages, mute and ban, slow mode and chat mode
	MayTriage                            // sort, merge and answer questions, call hands
	MayAnnounce                          // announcements
	MayPoll                              // polls
	MayCue                               // markers
	MaySetRoom                           // all settings of the room

	allPermissions = MaySetRoom<<1 - 1
)

// permissionNames are the names in the order of the bits.
func permissionNames() []string {
	return []string{
		"chat", "ask", "vote", "hand", "react", "staff", "names",
		"moderate", "triage", "announce", "poll", "cue", "room",
	}
}

// Has reports whether all of need are in p.
func (p Permissions) Has(need Permissions) bool { return p&need == need }

// Names returns the names of the permissions, in a fixed order; never nil.
func (p Permissions) Names() []string {
	names := []string{}
	for i, name := range permissionNames() {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParsePermissions is the reverse of Names. A name that does not exist or is
// there twice is an error.
func ParsePermissions(names []string) (Permissions, error) {
	var p Permissions
next:
	for _, name := range names {
		for i, known := range permissionNames() {
			if bit := Permissions(1 << i); name == known && p&bit == 0 {
				p |= bit
				continue next
			}
		}
		return 0, fmt.Errorf("permissions: %.20q is unknown or there twice", name)
	}
	return p, nil
}

// MarshalJSON writes the list of names.
func (p Permissions) MarshalJSON() ([]byte, error) { return json.Marshal(p.Names()) }

// UnmarshalJSON reads a list of names, and skips those that it does not know:
// it is clients that read this.
func (p *Permissions) UnmarshalJSON(b []byte) error {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	*p = 0
	for _, name := range names {
		for i, known := range permissionNames() {
			if name == known {
				*p |= 1 << i
			}
		}
	}
	return nil
}

// Principal is who is at the other end of a connection, as their grant says. It
// is a value and does not change; a refreshed grant makes a new one.
type Principal struct {
	ID   string // stable per person and class; [A-Za-z0-9_-]{1,40}
	Name string // to be shown; empty if the person gave none
	Role Role

	Permissions Permissions

	// Anonymous reports that the name is to be kept from other participants.
	Anonymous bool

	// ExtraTime is how much longer than others this person has for a quiz, in
	// percent: 50 makes 60 s 90 s. 0 to 300.
	ExtraTime int

	// ExpiresAt is when the person must have refreshed their grant.
	ExpiresAt time.Time
}

// Staff reports whether the person follows the view of staff.
func (p Principal) Staff() bool { return p.Permissions.Has(SeesStaff) }

// LogValue tells the role alone: who was in a class is nothing for a log.
func (p Principal) LogValue() slog.Value { return slog.StringValue(string(p.Role)) }
