package state

import (
	"slices"

	"github.com/lectern/lectern/realtime"
)

// question is a question and who voted for it.
type question struct {
	realtime.QuestionAsked

	author   Author
	audience audience
	state    realtime.QuestionState
	votes    map[string]bool
	answer   *realtime.QuestionAnswered
	seq      uint64
	ts       int64
	mediaTS  int64
}

type questions struct {
	byID  map[string]*question
	order []*question
}

// open reports whether the question still waits for an answer.
func (q *question) open() bool {
	return q.state == realtime.QuestionIsAsked || q.state == realtime.QuestionIsAnswering
}

// find returns a question that the person may know of.
func (qs *questions) find(id string, by realtime.Principal) (*question, error) {
	q := qs.byID[id]
	if q == nil || (q.audience == staffAndOwner && q.author.ID != by.ID && !by.Staff()) {
		return nil, refuse(realtime.CodeNotFound, "question: is not there")
	}
	return q, nil
}

func (s *State) decideAsk(d realtime.QuestionAsk, in input) (Fact, string, error) {
	if err := s.mayWrite(in); err != nil {
		return nil, "", err
	}
	f := Asked{Text: d.Text, Anonymous: d.Anonymous}
	if len(s.questions.order) >= maxQuestions {
		return nil, "", refuse(realtime.CodeClosed, "the room takes no more questions")
	}
	if in.by.Staff() {
		return f, questionPrefix + in.id, nil
	}
	if s.settings.Chat == realtime.ChatOff {
		return nil, "", refuse(realtime.CodeClosed, "the room takes no questions now")
	}
	if err := s.checkLinks(d.Text); err != nil {
		return nil, "", err
	}
	f.Shadow = s.isShadowed(in.by.ID) || hasWord(d.Text, s.settings.Words)
	return f, questionPrefix + in.id, nil
}

// Asked is a question.
type Asked struct {
	Text      string `json:"text"`
	Anonymous bool   `json:"anonymous,omitempty"`
	Shadow    bool   `json:"shadow,omitempty"`
}

func (Asked) kind() string { return "asked" }

func (f Asked) apply(s *State, e *Entry, out *Effects) {
	q := &question{
		QuestionAsked: realtime.QuestionAsked{ID: idOf(f, s.seq), Text: f.Text, Anonymous: f.Anonymous, Shadow: f.Shadow},
		author:        *e.By, state: realtime.QuestionIsAsked, votes: make(map[string]bool),
		seq: s.seq, ts: e.TS, mediaTS: e.MediaTS,
	}
	if f.Shadow {
		q.audience = staffAndOwner
	}
	s.questions.byID[q.ID] = q
	s.questions.order = append(s.questions.order, q)
	public := q.QuestionAsked
	public.Shadow = false
	out.tell(q.audience, e.By.ID, public, q.QuestionAsked)
}

func (s *State) decideUpvote(d realtime.QuestionVote, in input) (Fact, string, error) {
	q, err := s.questions.find(d.Question, in.by)
	switch {
	case err != nil:
		return nil, "", err
	case !q.open():
		return nil, "", refuse(realtime.CodeClosed, "question: takes no more votes")
	case q.votes[in.by.ID] == d.Up:
		return nil, "", nil
	}
	return Upvoted{Question: d.Question, Up: d.Up}, "", nil
}

// Upvoted is a vote for a question, or one that was taken back.
type Upvoted struct {
	Question string `json:"question"`
	Up       bool   `json:"up"`
}

func (Upvoted) kind() string { return "upvoted" }

func (f Upvoted) apply(s *State, e *Entry, out *Effects) {
	q := s.questions.byID[f.Question]
	if q == nil {
		return
	}
	if f.Up {
		q.votes[e.By.ID] = true
	} else {
		delete(q.votes, e.By.ID)
	}
	out.Question = f.Question
}

func (s *State) decideMove(d realtime.QuestionMove, in input) (Fact, string, error) {
	q, err := s.questions.find(d.Question, in.by)
	if err != nil {
		return nil, "", err
	}
	withdraw := d.State == realtime.QuestionIsWithdrawn
	switch {
	case withdraw && q.author.ID != in.by.ID:
		return nil, "", refuse(realtime.CodeForbidden, "question: is someone else's")
	case !withdraw && !in.by.Permissions.Has(realtime.MayTriage):
		return nil, "", refuse(realtime.CodeForbidden, "state: is not allowed by the grant")
	case q.state == d.State:
		return nil, "", nil
	case q.state == realtime.QuestionIsMerged || q.state == realtime.QuestionIsWithdrawn:
		return nil, "", refuse(realtime.CodeConflict, "question: is withdrawn or went into another")
	}
	return Moved{Question: d.Question, State: d.State}, "", nil
}

// Moved is a question in another state.
type Moved struct {
	Question string                 `json:"question"`
	State    realtime.QuestionState `json:"state"`
}

func (Moved) kind() string { return "moved" }

func (f Moved) apply(s *State, _ *Entry, out *Effects) {
	if q := s.questions.byID[f.Question]; q != nil {
		q.state = f.State
		out.tell(q.audience, q.author.ID, realtime.QuestionMoved{Question: f.Question, State: f.State}, nil)
	}
}

func (s *State) decideAnswer(d realtime.QuestionAnswer, in input) (Fact, string, error) {
	q, err := s.questions.find(d.Question, in.by)
	if err != nil {
		return nil, "", err
	}
	if !q.open() && q.state != realtime.QuestionIsAnswered {
		return nil, "", refuse(realtime.CodeConflict, "question: does not wait for an answer")
	}
	f := Answered{Question: d.Question, Text: d.Text, Live: d.Live}
	if d.Live {
		f.At = in.now.Edge
	}
	return f, "", nil
}

// Answered is an answer to a question.
type Answered struct {
	Question string `json:"question"`
	Text     string `json:"text,omitempty"`
	Live     bool   `json:"live,omitempty"`
	At       int64  `json:"at,omitempty"`
}

func (Answered) kind() string { return "answered" }

func (f Answered) apply(s *State, _ *Entry, out *Effects) {
	if q := s.questions.byID[f.Question]; q != nil {
		answer := realtime.QuestionAnswered(f)
		q.state, q.answer = realtime.QuestionIsAnswered, &answer
		out.tell(q.audience, q.author.ID, answer, nil)
	}
}

func (s *State) decideMerge(d realtime.QuestionMerge) (Fact, string, error) {
	q, into := s.questions.byID[d.Question], s.questions.byID[d.Into]
	switch {
	case q == nil || into == nil:
		return nil, "", refuse(realtime.CodeNotFound, "question: is not there")
	case !q.open():
		return nil, "", refuse(realtime.CodeConflict, "question: does not wait for an answer")
	case into.state == realtime.QuestionIsMerged || into.state == realtime.QuestionIsWithdrawn || into.state == realtime.QuestionIsDismissed:
		return nil, "", refuse(realtime.CodeConflict, "into: is no question to be answered")
	case into.audience == staffAndOwner && q.audience == everybody:
		return nil, "", refuse(realtime.CodeConflict, "into: is not for everybody")
	}
	return Merged{Question: d.Question, Into: d.Into}, "", nil
}

// Merged is a question that went into another, votes and all. Its author counts
// as one who voted for the other.
type Merged struct {
	Question string `json:"question"`
	Into     string `json:"into"`
}

func (Merged) kind() string { return "merged" }

func (f Merged) apply(s *State, _ *Entry, out *Effects) {
	q, into := s.questions.byID[f.Question], s.questions.byID[f.Into]
	if q == nil || into == nil {
		return
	}
	q.state = realtime.QuestionIsMerged
	for id := range q.votes {
		into.votes[id] = true
	}
	if q.author.ID != into.author.ID {
		into.votes[q.author.ID] = true
	}
	q.votes = make(map[string]bool)
	out.tell(q.audience, q.author.ID, realtime.QuestionMerged(f), nil)
	out.Question = f.Into
}

// Votes returns how many voted for a question. only is the one participant who may
// know of it, empty: all may.
func (s *State) Votes(id string) (votes realtime.Votes, only string, ok bool) {
	q := s.questions.byID[id]
	if q == nil {
		return votes, "", false
	}
	if q.audience == staffAndOwner {
		only = q.author.ID
	}
	return realtime.Votes{Question: id, Votes: len(q.votes)}, only, true
}

// Bounds of the questions in a snapshot.
const (
	snapshotQuestions = 50
	snapshotOwn       = 10 // that are not among the foremost
)

// snapshot returns the foremost questions: those that wait by votes, then those
// that are answered; and the person's own.
func (qs *questions) snapshot(by realtime.Principal) []realtime.Question {
	var seen []*question
	for _, q := range qs.order {
		if _, err := qs.find(q.ID, by); err == nil && (q.open() || q.state == realtime.QuestionIsAnswered) {
			seen = append(seen, q)
		}
	}
	slices.SortStableFunc(seen, func(a, b *question) int {
		if a.open() != b.open() {
			if a.open() {
				return -1
			}
			return 1
		}
		return len(b.votes) - len(a.votes)
	})
	own := 0
	out := make([]realtime.Question, 0, min(len(seen), snapshotQuestions+snapshotOwn))
	for i, q := range seen {
		mine := q.author.ID == by.ID
		if i >= snapshotQuestions {
			if !mine || own == snapshotOwn {
				continue
			}
			own++
		}
		out = append(out, q.shown(by, mine))
	}
	return out
}

func (q *question) shown(by realtime.Principal, mine bool) realtime.Question {
	r := realtime.Question{
		QuestionAsked: q.QuestionAsked, State: q.state, Votes: len(q.votes), Mine: mine, Voted: q.votes[by.ID],
		Answer: q.answer, From: q.author.Public(), Seq: q.seq, TS: q.ts, MediaTS: q.mediaTS,
	}
	if by.Staff() && (!q.author.Anonymous || by.Permissions.Has(realtime.SeesNames)) {
		r.From = q.author.Sender()
	}
	if !by.Staff() {
		r.Shadow = false
	}
	return r
}
