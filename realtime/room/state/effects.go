package state

import "github.com/lectern/lectern/realtime"

// Effects is whom to tell what of an entry.
type Effects struct {
	// All and Staff are what the two views get, nil if they get nothing. Staff get
	// all that participants get: where Staff is nil, All is theirs too.
	All, Staff realtime.EventData

	// To are single persons who get something that their view does not have.
	To []Unicast

	// Remove, if not empty, is who loses their connections, and why.
	Remove     string
	RemoveCode realtime.CloseCode

	// Close reports that the room is over, for everybody.
	Close bool

	// What of the state has changed that is told now and then, as a whole.
	Question string // its votes
	Poll     string // its tally
	Hands    bool
	Over     bool // a message that was not shown for lack of room
}

// Unicast is something for one person.
type Unicast struct {
	Participant string
	Data        realtime.EventData

	// Echo reports that the view of staff has it: a person who follows that view
	// does not get it twice.
	Echo bool
}

// audience is who sees what someone wrote.
type audience uint8

const (
	everybody     audience = iota
	staffAndOwner          // the view of staff, and who wrote it
)

// tell sends what is about something that owner wrote to those who see that. staff
// is what staff get instead, if not nil.
func (out *Effects) tell(to audience, owner string, all, staff realtime.EventData) {
	if to == everybody {
		out.All, out.Staff = all, staff
		return
	}
	out.Staff = staff
	if staff == nil {
		out.Staff = all
	}
	out.To = append(out.To, Unicast{Participant: owner, Data: all, Echo: true})
}
