package realtime

import "slices"

// Announce puts a text above the chat for everybody.
type Announce struct {
	Text  string `json:"text"`
	Until int64  `json:"until,omitempty"` // when it goes by itself (ts); absent: it stays
}

// CommandType returns CommandAnnounce.
func (Announce) CommandType() CommandType { return CommandAnnounce }

// Validate implements CommandData.
func (d Announce) Validate() error {
	return firstOf(requiredText("text", d.Text, MaxAnnouncement), between("until", d.Until, 0, maxTime))
}

// AnnounceClear takes an announcement down.
type AnnounceClear struct {
	Announcement string `json:"announcement"`
}

// CommandType returns CommandAnnounceClear.
func (AnnounceClear) CommandType() CommandType { return CommandAnnounceClear }

// Validate implements CommandData.
func (d AnnounceClear) Validate() error { return requiredID("announcement", d.Announcement) }

// Announcement is an announcement that stays.
type Announcement struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Until int64  `json:"until,omitempty"`
	At    int64  `json:"at,omitempty"` // show it from then on; absent: at once
}

// EventType returns EventAnnouncement.
func (Announcement) EventType() EventType { return EventAnnouncement }

// AnnouncementCleared takes an announcement down.
type AnnouncementCleared struct {
	Announcement string `json:"announcement"`
}

// EventType returns EventAnnouncementCleared.
func (AnnouncementCleared) EventType() EventType { return EventAnnouncementCleared }

// Marker marks this moment of the lecture: a slide, a chapter.
type Marker struct {
	Title string `json:"title"`
}

// CommandType returns CommandMarker.
func (Marker) CommandType() CommandType { return CommandMarker }

// Validate implements CommandData.
func (d Marker) Validate() error { return requiredText("title", d.Title, MaxMarker) }

// Marked is a marked moment.
type Marked struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	At    int64  `json:"at,omitempty"`
}

// EventType returns EventMarker.
func (Marked) EventType() EventType { return EventMarker }

// Action is what a moderator does to a person.
type Action string

// The actions of a moderator.
const (
	ActionMute     Action = "mute" // for Seconds, or until unmute
	ActionUnmute   Action = "unmute"
	ActionBan      Action = "ban" // disconnects, and refuses the person for the rest of the class
	ActionUnban    Action = "unban"
	ActionShadow   Action = "shadow" // only staff and the person see what the person writes
	ActionUnshadow Action = "unshadow"
	ActionKick     Action = "kick" // disconnects; the person may come back
)

// Moderate restricts a person, or lifts a restriction.
type Moderate struct {
	Participant string `json:"participant"`
	Action      Action `json:"action"`
	Seconds     int    `json:"seconds,omitempty"` // mute
	Reason      string `json:"reason,omitempty"`  // for the record, seen by staff
}

// CommandType returns CommandModerate.
func (Moderate) CommandType() CommandType { return CommandModerate }

// Validate implements CommandData.
func (d Moderate) Validate() error {
	if !slices.Contains([]Action{ActionMute, ActionUnmute, ActionBan, ActionUnban, ActionShadow, ActionUnshadow, ActionKick}, d.Action) {
		return invalid("action", "must be mute, unmute, ban, unban, shadow, unshadow or kick")
	}
	if d.Seconds != 0 && d.Action != ActionMute {
		return invalid("seconds", "is for mute only")
	}
	return firstOf(requiredID("participant", d.Participant), optionalText("reason", d.Reason, MaxReason), between("seconds", int64(d.Seconds), 0, MaxModerateSeconds))
}

// Moderated tells staff what a moderator did.
type Moderated struct {
	Participant string `json:"participant"`
	Name        string `json:"name,omitempty"`
	Action      Action `json:"action"`
	Until       int64  `json:"until,omitempty"` // mute (ts); absent: until unmute
	Reason      string `json:"reason,omitempty"`
}

// EventType returns EventModerated.
func (Moderated) EventType() EventType { return EventModerated }

// Restricted tells a person how they are restricted now.
type Restricted struct {
	Muted      bool  `json:"muted"`
	MutedUntil int64 `json:"muted_until,omitempty"` // ts; absent: until a moderator says so
}

// EventType returns EventRestricted.
func (Restricted) EventType() EventType { return EventRestricted }

// Restriction is somebody whom a moderator has restricted, as staff see them.
type Restriction struct {
	Participant string `json:"participant"`
	Name        string `json:"name,omitempty"`
	Muted       bool   `json:"muted,omitempty"`
	MutedUntil  int64  `json:"muted_until,omitempty"` // ts; absent: until a moderator says so
	Banned      bool   `json:"banned,omitempty"`
	Shadowed    bool   `json:"shadowed,omitempty"`
	Reason      string `json:"reason,omitempty"` // of the last restriction
}

// ChatMode is who may write in the chat.
type ChatMode string

// The chat modes.
const (
	ChatOpen      ChatMode = "open"
	ChatHosts     ChatMode = "hosts"     // staff only
	ChatQuestions ChatMode = "questions" // questions, but no chat
	ChatOff       ChatMode = "off"       // neither
)

// NameMode is how participants are shown to each other.
type NameMode string

// The name modes.
const (
	NamesNamed     NameMode = "named"
	NamesAnonymous NameMode = "anonymous" // nobody sees anybody's name but staff
	NamesBoth      NameMode = "both"      // each as they like
)

// RoomSet changes settings; those that are absent stay. SlowMode and Chat need
// MayModerate, all others MaySetRoom.
type RoomSet struct {
	Chat     *ChatMode `json:"chat,omitempty"`
	SlowMode *int      `json:"slow_mode_s,omitempty"` // seconds between two messages of a participant; 0: off
	Links    *bool     `json:"links,omitempty"`       // participants may write links
	Words    *[]string `json:"words,omitempty"`       // messages with one of these go to staff only
	Names    *NameMode `json:"names,omitempty"`
	Locked   *bool     `json:"locked,omitempty"` // nobody else comes in
	Paused   *bool     `json:"paused,omitempty"` // participants can do nothing but watch
}

// CommandType returns CommandRoomSet.
func (RoomSet) CommandType() CommandType { return CommandRoomSet }

// Validate implements CommandData.
func (d RoomSet) Validate() error {
	if d == (RoomSet{}) {
		return invalid("data", "must hold a setting")
	}
	if d.Chat != nil && !slices.Contains([]ChatMode{ChatOpen, ChatHosts, ChatQuestions, ChatOff}, *d.Chat) {
		return invalid("chat", "must be open, hosts, questions or off")
	}
	if d.Names != nil && !slices.Contains([]NameMode{NamesNamed, NamesAnonymous, NamesBoth}, *d.Names) {
		return invalid("names", "must be named, anonymous or both")
	}
	if d.SlowMode != nil {
		if err := between("slow_mode_s", int64(*d.SlowMode), 0, MaxSlowMode); err != nil {
			return err
		}
	}
	if d.Words != nil {
		if len(*d.Words) > MaxWords {
			return tooLarge("words", MaxWords, "entries")
		}
		for _, w := range *d.Words {
			if err := requiredText("words", w, MaxWord); err != nil {
				return err
			}
		}
	}
	return nil
}

// Needs returns the permission that these settings need.
func (d RoomSet) Needs() Permissions {
	d.Chat, d.SlowMode = nil, nil
	if d == (RoomSet{}) {
		return MayModerate
	}
	return MaySetRoom
}

// Settings are the settings of a room, and the event that tells them.
type Settings struct {
	Chat     ChatMode `json:"chat"`
	SlowMode int      `json:"slow_mode_s,omitempty"`
	Links    bool     `json:"links,omitempty"`
	Words    []string `json:"words,omitempty"` // staff only
	Names    NameMode `json:"names"`
	Locked   bool     `json:"locked,omitempty"`
	Paused   bool     `json:"paused,omitempty"`
}

// EventType returns EventRoomSettings.
func (Settings) EventType() EventType { return EventRoomSettings }

// RoomClose closes the room of a class that has ended, before it closes by itself.
type RoomClose struct{}

// CommandType returns CommandRoomClose.
func (RoomClose) CommandType() CommandType { return CommandRoomClose }

// Validate implements CommandData.
func (RoomClose) Validate() error { return nil }

// RoomCloses tells that the class has ended, and how long its room stays open for
// those who are behind.
type RoomCloses struct {
	Until int64 `json:"until"` // ts
}

// EventType returns EventRoomCloses.
func (RoomCloses) EventType() EventType { return EventRoomCloses }

// Snapshot is what a client needs to show the room without its past.
type Snapshot struct {
	Settings      Settings       `json:"settings"`
	Messages      []Message      `json:"messages"` // the last ones, oldest first
	Pinned        *Message       `json:"pinned,omitempty"`
	Questions     []Question     `json:"questions"` // the foremost ones, most votes first
	Polls         []Poll         `json:"polls"`     // open, closed and revealed; for staff drafts too
	Announcements []Announcement `json:"announcements"`
	Markers       []Marked       `json:"markers"`
	Hands         Hands          `json:"hands"`
	Presence      Presence       `json:"presence"`
	Restricted    Restricted     `json:"restricted"`
	HandPosition  int            `json:"hand_position,omitempty"` // the receiver's own

	// Restrictions are staff's: who is muted, banned or shadowed, the latest first.
	Restrictions []Restriction `json:"restrictions,omitempty"`
}
