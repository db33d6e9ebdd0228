package state

import (
	"strconv"
	"time"

	"github.com/lectern/lectern/realtime"
)

// Rules are the rules of a room that its operator decides.
type Rules struct {
	EditWindow       time.Duration // how long one's own message can be changed
	DisplayPerSecond int           // messages that participants are shown
	HandTimeout      time.Duration // after which a hand goes down by itself
	VoteGrace        time.Duration // how late a vote may arrive that was made in time
	Settings         realtime.Settings
}

// Bounds of what a room holds in memory. Beyond them the oldest is let go of, or
// no more is taken.
const (
	maxMessages      = 10_000 // the newest ones
	maxQuestions     = 2_000
	maxPolls         = 200
	maxOpenPolls     = 5
	maxAnnouncements = 10
	maxMarkers       = 1_000

	// commandWindow is how long the outcome of a command is remembered at least,
	// and maxCommands of how many: more than the broker does, which would take a
	// command that only it remembers for another.
	commandWindow = int64(3 * time.Minute / time.Millisecond)
	maxCommands   = 1 << 19
)

// State is what a room knows.
type State struct {
	rules    Rules
	seq      uint64 // of the last entry
	ts       int64  // its time
	settings realtime.Settings

	people   map[string]*person // everybody who ever joined
	commands commands

	messages  messages
	display   display
	questions questions
	polls     polls
	hands     []hand

	announcements []realtime.Announcement
	markers       []realtime.Marked
	closed        bool
}

// New returns the state of a room in which nothing has happened.
func New(rules Rules) *State {
	return &State{
		rules: rules, settings: rules.Settings, people: make(map[string]*person),
		commands:  commands{outcomes: make(map[string]outcome)},
		messages:  messages{byID: make(map[string]*message)},
		questions: questions{byID: make(map[string]*question)},
		polls:     polls{byID: make(map[string]*poll)},
		display:   display{tokens: float64(rules.DisplayPerSecond), lately: make(map[string][]int64)},
	}
}

// Seq returns the number of the last entry that was applied.
func (s *State) Seq() uint64 { return s.seq }

// TS returns the time of the last entry that was applied, in Unix milliseconds.
func (s *State) TS() int64 { return s.ts }

// Settings returns the settings; Words is not to be changed.
func (s *State) Settings() realtime.Settings { return s.settings }

// Moment is when something is asked.
type Moment struct {
	Now   int64 // Unix milliseconds
	Edge  int64 // PROGRAM-DATE-TIME of the newest media, Unix milliseconds; 0: there is none
	Ended bool  // the class has
}

// Decision is what becomes of a command.
type Decision struct {
	Entry *Entry // to be kept; nil: there is nothing to keep
	ID    string // what it made, for the ack
	Dup   bool   // it had been decided before
	Seq   uint64 // of the entry it was or will be kept as; 0: there is none
}

// input is what a decision is made of, besides the state.
type input struct {
	by  realtime.Principal
	now Moment
	id  string // what the entry would be known by: its number
}

// Decide returns what becomes of a command, or why it is refused as a
// *realtime.Error. It changes nothing: the caller applies the entry.
func (s *State) Decide(c realtime.Command, by realtime.Principal, now Moment) (Decision, error) {
	info, ok := c.Type.Info()
	if !ok || c.Data == nil || c.Data.CommandType() != c.Type {
		return Decision{}, refuse(realtime.CodeUnsupported, "is no command for the room")
	}
	if done, again := s.commands.outcomes[CommandKey(by.ID, c.ID)]; again && c.ID != "" {
		return Decision{ID: done.id, Dup: true, Seq: done.seq}, nil
	}
	if p := s.people[by.ID]; p != nil && p.banned {
		return Decision{}, refuse(realtime.CodeBanned, "is excluded from the room")
	}
	if s.closed {
		return Decision{}, errClosed()
	}
	if !by.Permissions.Has(info.Needs) {
		return Decision{}, refuse(realtime.CodeForbidden, string(c.Type)+": is not allowed by the grant")
	}
	if s.settings.Paused && !by.Staff() {
		return Decision{}, refuse(realtime.CodeClosed, "the room is paused")
	}
	in := input{by: by, now: now, id: strconv.FormatUint(s.seq+1, 10)}
	fact, id, err := s.decide(c.Data, in)
	if err != nil || fact == nil {
		return Decision{ID: id}, err
	}
	author := &Author{ID: by.ID, Name: by.Name, Role: by.Role, Anonymous: s.anonymous(by) || s.hides(fact, by.ID)}
	e := &Entry{TS: now.Now, MediaTS: now.Edge, By: author, Command: c.ID, Fact: fact}
	return Decision{Entry: e, ID: id, Seq: s.seq + 1}, nil
}

// anonymous reports whether other participants do not learn who that is.
func (s *State) anonymous(by realtime.Principal) bool {
	if by.Staff() {
		return false
	}
	return s.settings.Names == realtime.NamesAnonymous || (s.settings.Names == realtime.NamesBoth && by.Anonymous)
}

// hides reports whether a fact is about something that the person wrote without
// their name, and must not tell it now.
func (s *State) hides(f Fact, by string) bool {
	var author Author
	switch f := f.(type) {
	case Asked:
		return f.Anonymous
	case Edited:
		author = s.messages.byID[f.Message].author
	case Deleted:
		author = s.messages.byID[f.Message].author
	case Moved:
		author = s.questions.byID[f.Question].author
	case Answered:
		author = s.questions.byID[f.Question].author
	}
	return author.Anonymous && author.ID == by
}

// decide returns the fact that a command makes, nil if it changes nothing, and
// the id for its ack.
func (s *State) decide(data realtime.CommandData, in input) (Fact, string, error) {
	switch d := data.(type) {
	case realtime.ChatSend:
		return s.decideSend(d, in)
	case realtime.ChatEdit:
		return s.decideEdit(d, in)
	case realtime.ChatDelete:
		return s.decideDelete(d, in)
	case realtime.ChatRestore:
		return s.decideRestore(d)
	case realtime.ChatPin:
		return s.decidePin(d)
	case realtime.QuestionAsk:
		return s.decideAsk(d, in)
	case realtime.QuestionVote:
		return s.decideUpvote(d, in)
	case realtime.QuestionMove:
		return s.decideMove(d, in)
	case realtime.QuestionAnswer:
		return s.decideAnswer(d, in)
	case realtime.QuestionMerge:
		return s.decideMerge(d)
	case realtime.PollSave:
		return s.decideSave(d, in)
	case realtime.PollOpen:
		return s.decideOpen(d, in)
	case realtime.PollClose:
		return s.decideClose(d, in)
	case realtime.PollReveal:
		return s.decideReveal(d, in)
	case realtime.PollDiscard:
		return s.decideDiscard(d)
	case realtime.PollVote:
		return s.decideVote(d, in)
	case realtime.HandRaise:
		return s.decideRaise(in)
	case realtime.HandLower:
		return s.decideLower(d, in)
	case realtime.HandCall:
		return s.decideCall(d)
	case realtime.Announce:
		return s.decideAnnounce(d, in)
	case realtime.AnnounceClear:
		return s.decideClear(d)
	case realtime.Marker:
		return s.decideMarker(d, in)
	case realtime.Moderate:
		return s.decideModerate(d, in)
	case realtime.RoomSet:
		return s.decideSet(d, in)
	case realtime.RoomClose:
		return s.decideRoomClose(in)
	}
	return nil, "", refuse(realtime.CodeUnsupported, "is no command for the room")
}

// Apply changes the state by the next entry of the log, and returns whom to tell.
func (s *State) Apply(e Entry) Effects {
	s.seq++
	s.ts = e.TS
	var out Effects
	e.Fact.apply(s, &e, &out)
	if e.By != nil && e.Command != "" {
		s.commands.add(CommandKey(e.By.ID, e.Command), outcome{seq: s.seq, ts: e.TS, id: idOf(e.Fact, s.seq)})
	}
	return out
}

// idOf returns the id that a fact made, for the ack of a command that is sent
// again.
func idOf(f Fact, seq uint64) string {
	prefix := ""
	switch f := f.(type) {
	case Said:
		prefix = messagePrefix
	case Asked:
		prefix = questionPrefix
	case Announced:
		prefix = announcementPrefix
	case Marked:
		prefix = markerPrefix
	case PollSaved:
		return f.Poll
	default:
		return ""
	}
	return prefix + strconv.FormatUint(seq, 10)
}

// What ids begin with; the rest is the number of the entry.
const (
	messagePrefix      = "m"
	questionPrefix     = "q"
	pollPrefix         = "p"
	announcementPrefix = "a"
	markerPrefix       = "k"
)

// outcome is what became of a command.
type outcome struct {
	seq uint64
	ts  int64
	id  string
}

// commands remembers the outcome of commands, by the time of the log.
type commands struct {
	outcomes map[string]outcome
	order    []string
}

// CommandKey names a command of a person, in the log as in memory.
func CommandKey(participant, command string) string { return participant + "/" + command }

func (c *commands) add(key string, o outcome) {
	c.outcomes[key] = o
	c.order = append(c.order, key)
	n := 0
	for n < len(c.order) && (o.ts-c.outcomes[c.order[n]].ts > commandWindow || len(c.order)-n > maxCommands) {
		delete(c.outcomes, c.order[n])
		n++
	}
	clear(c.order[:n])
	c.order = c.order[n:]
}

func refuse(code realtime.ErrorCode, message string) error { return realtime.NewError(code, message) }

func refuseFor(code realtime.ErrorCode, message string, ms int64) error {
	err := realtime.NewError(code, message)
	err.RetryAfter = time.Duration(max(ms, 1)) * time.Millisecond
	return err
}
