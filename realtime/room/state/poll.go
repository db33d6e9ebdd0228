package state

import (
	"github.com/lectern/lectern/realtime"
)

// poll is a poll and its votes.
type poll struct {
	id    string
	draft realtime.PollDraft
	state realtime.PollState
	seq   uint64 // of the entry that saved it first

	at       int64 // of the last change of state, on the media's clock
	seconds  int64
	openedTS int64
	openedAt int64
	closesAt int64 // 0: open end
	closedTS int64
	final    bool // closed when no vote could come any more

	tally tally
}

type polls struct {
	byID  map[string]*poll
	order []*poll
	open  int
}

func (ps *polls) in(id string, state realtime.PollState) (*poll, error) {
	p := ps.byID[id]
	switch {
	case p == nil:
		return nil, refuse(realtime.CodeNotFound, "poll: is not there")
	case p.state != state:
		return nil, refuse(realtime.CodeConflict, "poll: is "+string(p.state))
	}
	return p, nil
}

func (s *State) decideSave(d realtime.PollSave, in input) (Fact, string, error) {
	id := d.Poll
	if id == "" {
		if len(s.polls.order) >= maxPolls {
			return nil, "", refuse(realtime.CodeClosed, "the room takes no more polls")
		}
		id = pollPrefix + in.id
	} else if _, err := s.polls.in(id, realtime.PollDrafted); err != nil {
		return nil, "", err
	}
	return PollSaved{Poll: id, Draft: d.PollDraft}, id, nil
}

// PollSaved is a draft that is new or was changed.
type PollSaved struct {
	Poll  string             `json:"poll"`
	Draft realtime.PollDraft `json:"draft"`
}

func (PollSaved) kind() string { return "poll.saved" }

func (f PollSaved) apply(s *State, _ *Entry, out *Effects) {
	p := s.polls.byID[f.Poll]
	if p == nil {
		p = &poll{id: f.Poll, seq: s.seq}
		s.polls.byID[f.Poll] = p
		s.polls.order = append(s.polls.order, p)
	}
	p.draft, p.state = f.Draft, realtime.PollDrafted
	p.tally = newTally(f.Draft)
	out.Staff = realtime.PollSaved{Poll: f.Poll, PollDraft: f.Draft}
}

func (s *State) decideDiscard(d realtime.PollDiscard) (Fact, string, error) {
	if _, err := s.polls.in(d.Poll, realtime.PollDrafted); err != nil {
		return nil, "", err
	}
	return PollDiscarded{Poll: d.Poll}, "", nil
}

// PollDiscarded is a draft that is gone.
type PollDiscarded struct {
	Poll string `json:"poll"`
}

func (PollDiscarded) kind() string { return "poll.discarded" }

func (f PollDiscarded) apply(s *State, _ *Entry, out *Effects) {
	delete(s.polls.byID, f.Poll)
	for i, p := range s.polls.order {
		if p.id == f.Poll {
			s.polls.order = append(s.polls.order[:i:i], s.polls.order[i+1:]...)
			break
		}
	}
	out.Staff = realtime.PollDiscarded(f)
}

func (s *State) decideOpen(d realtime.PollOpen, in input) (Fact, string, error) {
	if _, err := s.polls.in(d.Poll, realtime.PollDrafted); err != nil {
		return nil, "", err
	}
	if s.polls.open >= maxOpenPolls {
		return nil, "", refuse(realtime.CodeConflict, "poll: too many are open")
	}
	f := PollOpened{Poll: d.Poll, At: in.now.Edge, Seconds: int64(d.Seconds)}
	if d.Seconds > 0 {
		f.ClosesAt = in.now.edge() + f.Seconds*1000
	}
	return f, "", nil
}

// edge is the media's clock. Without media it is the server's: both count Unix
// milliseconds.
func (m Moment) edge() int64 {
	if m.Edge == 0 {
		return m.Now
	}
	return m.Edge
}

// PollOpened is a poll that takes votes.
type PollOpened struct {
	Poll     string `json:"poll"`
	At       int64  `json:"at,omitempty"`
	Seconds  int64  `json:"seconds,omitempty"`
	ClosesAt int64  `json:"closes_at,omitempty"`
}

func (PollOpened) kind() string { return "poll.opened" }

func (f PollOpened) apply(s *State, e *Entry, out *Effects) {
	p := s.polls.byID[f.Poll]
	if p == nil {
		return
	}
	p.state, p.at, p.openedAt, p.openedTS = realtime.PollIsOpen, f.At, Moment{Now: e.TS, Edge: f.At}.edge(), e.TS
	p.seconds, p.closesAt = f.Seconds, f.ClosesAt
	s.polls.open++
	draft := p.draft
	draft.Correct = nil
	out.All = realtime.PollOpened{Poll: f.Poll, PollDraft: draft, At: f.At, ClosesAt: f.ClosesAt}
	out.Poll = f.Poll
}

func (s *State) decideClose(d realtime.PollClose, in input) (Fact, string, error) {
	if _, err := s.polls.in(d.Poll, realtime.PollIsOpen); err != nil {
		return nil, "", err
	}
	return PollClosed{Poll: d.Poll, At: in.now.Edge}, "", nil
}

// PollClosed is a poll that takes only votes that are under way.
type PollClosed struct {
	Poll  string `json:"poll"`
	At    int64  `json:"at,omitempty"`
	Final bool   `json:"final,omitempty"` // its time was over, and the grace for late votes as well
}

func (PollClosed) kind() string { return "poll.closed" }

func (f PollClosed) apply(s *State, e *Entry, out *Effects) {
	p := s.polls.byID[f.Poll]
	if p == nil {
		return
	}
	p.state, p.at, p.closedTS, p.final = realtime.PollIsClosed, f.At, e.TS, f.Final
	if !f.Final {
		at := Moment{Now: e.TS, Edge: f.At}.edge()
		if p.closesAt == 0 || at < p.closesAt {
			p.closesAt = at
		}
	}
	s.polls.open--
	out.All = realtime.PollClosed{Poll: f.Poll, At: f.At}
	out.Poll = f.Poll
}

func (s *State) decideReveal(d realtime.PollReveal, in input) (Fact, string, error) {
	if _, err := s.polls.in(d.Poll, realtime.PollIsClosed); err != nil {
		return nil, "", err
	}
	return PollRevealed{Poll: d.Poll, At: in.now.Edge}, "", nil
}

// PollRevealed is a poll whose results are told.
type PollRevealed struct {
	Poll string `json:"poll"`
	At   int64  `json:"at,omitempty"`
}

func (PollRevealed) kind() string { return "poll.revealed" }

func (f PollRevealed) apply(s *State, _ *Entry, out *Effects) {
	p := s.polls.byID[f.Poll]
	if p == nil {
		return
	}
	p.state, p.at = realtime.PollIsRevealed, f.At
	ev := realtime.PollRevealed{Poll: f.Poll, At: f.At, Correct: p.draft.Correct}
	staff := ev
	staff.Tally = p.shown(true, s.settings.Words)
	if p.draft.Results != realtime.ResultsNever {
		ev.Tally = p.shown(false, s.settings.Words)
	}
	out.All, out.Staff = ev, staff
}

// lateBy is how much longer than others someone has for the poll, in
// milliseconds.
func (p *poll) lateBy(extraTime int) int64 { return p.seconds * int64(extraTime) * 10 }

// decideVote accepts a vote that was made, by what was on the voter's screen,
// while the poll was open, if it does not arrive too late.
func (s *State) decideVote(d realtime.PollVote, in input) (Fact, string, error) {
	p := s.polls.byID[d.Poll]
	if p == nil || p.state == realtime.PollDrafted {
		return nil, "", refuse(realtime.CodeNotFound, "poll: is not there")
	}
	if err := p.draft.Accepts(d); err != nil {
		return nil, "", err
	}
	if d.MediaTS == 0 || d.MediaTS > in.now.edge() {
		d.MediaTS = in.now.edge()
	}
	if !p.takes(d.MediaTS, in.now.Now, p.lateBy(in.by.ExtraTime), s.rules.VoteGrace.Milliseconds()) {
		return nil, "", refuse(realtime.CodeClosed, "poll: takes no more votes")
	}
	f := Voted{Poll: d.Poll, Text: d.Text, Value: d.Value, MediaTS: d.MediaTS}
	if len(d.Choices) > 0 {
		f.Choices = d.Choices
	}
	before, again := p.tally.votes[in.by.ID]
	switch {
	case again && before.equal(f):
		return nil, "", nil
	case again && !p.draft.Changeable:
		return nil, "", refuse(realtime.CodeAlreadyVoted, "has voted, for good")
	}
	return f, "", nil
}

// takes reports whether a vote comes in time.
func (p *poll) takes(mediaTS, now, extra, grace int64) bool {
	switch {
	case p.state == realtime.PollIsRevealed || p.final:
		return false
	case p.state == realtime.PollIsClosed:
		return mediaTS <= p.closesAt && now <= p.closedTS+grace
	case p.closesAt == 0:
		return true
	}
	return mediaTS <= p.closesAt+extra && now <= p.openedTS+p.seconds*1000+extra+grace
}

// Voted is the vote of one person, in place of an earlier one.
type Voted struct {
	Poll    string `json:"poll"`
	Choices []int  `json:"choices,omitempty"`
	Value   *int   `json:"value,omitempty"`
	Text    string `json:"text,omitempty"`
	MediaTS int64  `json:"media_ts,omitempty"` // at most the edge
}

func (Voted) kind() string { return "voted" }

func (f Voted) apply(s *State, e *Entry, out *Effects) {
	if p := s.polls.byID[f.Poll]; p != nil {
		p.tally.count(e.By.ID, f)
		out.Poll = f.Poll
	}
}

// due returns the polls whose time is over, also for those who have more of it.
// They closed when their time was over, but not behind the end of the media: nobody
// would see that moment.
func (s *State) duePolls(now Moment) []Fact {
	var facts []Fact
	if s.polls.open == 0 {
		return nil
	}
	for _, p := range s.polls.order {
		if p.state != realtime.PollIsOpen || p.closesAt == 0 {
			continue
		}
		if now.Now > p.openedTS+p.seconds*1000+p.lateBy(s.extraTime())+s.rules.VoteGrace.Milliseconds() {
			facts = append(facts, PollClosed{Poll: p.id, At: min(p.closesAt, now.edge()), Final: true})
		}
	}
	return facts
}
