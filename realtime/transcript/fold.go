package transcript

import (
	"cmp"
	"slices"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room/state"
)

// Bounds of a transcript beyond those of a room.
const (
	maxMinuteMessages = 2_000
	maxMessages       = 200_000
	maxChanges        = 16  // of the state of a question: the newest ones
	maxPins           = 500 // the newest ones

	minuteMS = 60_000

	messageBytes = 200 // what a message takes besides its text
	personBytes  = 300 // what a person takes in the state
)

// fold is a log that was read up to some entry. It belongs to one goroutine at a
// time.
type fold struct {
	st    *state.State
	edge  int64 // the latest media_ts of any entry
	first int64 // media_ts of the first moment, 0: there is none
	last  int64
	bytes int // what it takes in memory, roughly

	messages map[string]*message
	minutes  map[int64]*minute

	questions     entries[Question]
	polls         entries[Poll]
	announcements entries[Announcement]
	chapters      []Chapter
	pins          []*pin

	index *Document // nil: has changed
}

type message struct {
	Message

	deleted bool
}

type pin struct {
	Pin

	deleted bool
}

// minute is the messages of a minute, in the order of the log.
type minute struct {
	messages []*message
	leftOut  int
	document *Document // nil: has changed
}

// entries are things by their id, in the order of the log.
type entries[T any] struct {
	byID  map[string]*T
	order []*T
}

func (es *entries[T]) add(id string, one T) {
	if es.byID == nil {
		es.byID = make(map[string]*T)
	}
	es.byID[id] = &one
	es.order = append(es.order, &one)
}

func newFold() *fold {
	// The rules are about what people may do; what was done is in the log.
	return &fold{
		st:       state.New(state.Rules{DisplayPerSecond: 10}),
		messages: make(map[string]*message), minutes: make(map[int64]*minute),
	}
}

// apply takes the next entry of the log. What participants got to see of it is what
// their view got; staff alone got the messages that were over the limit, and what
// became of them.
func (f *fold) apply(e state.Entry) {
	fx := f.st.Apply(e)
	f.edge = max(f.edge, e.MediaTS)
	if fx.Question != "" || fx.Poll != "" {
		f.index = nil
	}
	at := moment{e: &e}
	data := fx.All
	if data == nil {
		data = fx.Staff
	}
	switch d := data.(type) {
	case nil:
		if _, ok := e.Fact.(state.Joined); ok {
			f.bytes += personBytes
		}
	case realtime.ChatMessage, realtime.ChatEdited, realtime.ChatDeleted, realtime.ChatRestored, realtime.ChatPinned:
		f.chat(at, d)
	case realtime.QuestionAsked, realtime.QuestionMoved, realtime.QuestionAnswered, realtime.QuestionMerged:
		f.question(at, d)
	case realtime.PollOpened, realtime.PollClosed, realtime.PollRevealed:
		f.poll(at, d)
	case realtime.Announcement:
		a := Announcement{ID: d.ID, MediaTS: f.moment(at.of(d.At)), TS: e.TS, Text: d.Text}
		f.announcements.add(a.ID, a)
		f.bytes += messageBytes + len(d.Text)
	case realtime.AnnouncementCleared:
		if a := f.announcements.byID[d.Announcement]; a != nil {
			a.UntilMediaTS = f.moment(at.of(0))
		}
	case realtime.Marked:
		f.chapters = append(f.chapters, Chapter{ID: d.ID, MediaTS: f.moment(at.of(d.At)), TS: e.TS, Title: d.Title})
		f.bytes += messageBytes + len(d.Title)
	}
}

// moment is when an entry happened.
type moment struct{ e *state.Entry }

// of is the media_ts of what is to be shown from at on, 0 for when the entry was
// taken.
func (m moment) of(at int64) int64 { return cmp.Or(at, m.e.MediaTS, m.e.TS) }

// moment counts a moment that is in the transcript.
func (f *fold) moment(mediaTS int64) int64 {
	if f.first == 0 || mediaTS < f.first {
		f.first = mediaTS
	}
	f.last = max(f.last, mediaTS)
	f.index = nil
	return mediaTS
}

func (f *fold) chat(at moment, data realtime.EventData) {
	switch d := data.(type) {
	case realtime.ChatMessage:
		if d.To == "" && !d.Shadow {
			f.say(at, d)
		}
	case realtime.ChatEdited:
		if m := f.messages[d.Message]; m != nil {
			f.bytes += len(d.Text) - len(m.Text)
			m.Text, m.Edited = d.Text, true
			f.touch(m)
		}
		for _, p := range f.pins {
			if p.Message.ID == d.Message {
				p.Message.Text, p.Message.Edited = d.Text, true
				f.index = nil
			}
		}
	case realtime.ChatDeleted:
		f.remove(d.Message, true)
		f.unpin(at, d.Message)
	case realtime.ChatRestored:
		f.remove(d.Message.ID, false)
	case realtime.ChatPinned:
		f.unpin(at, "")
		if d.Message != nil {
			f.pin(at, *d.Message)
		}
	}
}

// say adds a message, unless there are too many.
func (f *fold) say(at moment, d realtime.ChatMessage) {
	m := &message{Message: Message{ID: d.ID, MediaTS: f.moment(at.of(0)), TS: at.e.TS, From: authorOf(at.e.By.Public()), Text: d.Text, ReplyTo: d.ReplyTo}}
	n := m.MediaTS / minuteMS
	in := f.minutes[n]
	if in == nil {
		in = &minute{}
		f.minutes[n] = in
		f.bytes += messageBytes
	}
	in.document = nil
	if len(in.messages) >= maxMinuteMessages || len(f.messages) >= maxMessages {
		in.leftOut++
		return
	}
	in.messages = append(in.messages, m)
	f.messages[d.ID] = m
	f.bytes += messageBytes + len(d.Text) + len(m.From.Name)
}

// touch has the documents that hold a message written anew.
func (f *fold) touch(m *message) {
	f.minutes[m.MediaTS/minuteMS].document = nil
	f.index = nil
}

func (f *fold) remove(id string, deleted bool) {
	if m := f.messages[id]; m != nil {
		m.deleted = deleted
		f.touch(m)
	}
	for _, p := range f.pins {
		if p.Message.ID == id {
			p.deleted = deleted
			f.index = nil
		}
	}
}

// unpin ends the pin that stands, if it is that of the message id; empty: whichever.
func (f *fold) unpin(at moment, id string) {
	if len(f.pins) == 0 {
		return
	}
	p := f.pins[len(f.pins)-1]
	if p.UntilMediaTS == 0 && (id == "" || p.Message.ID == id) {
		p.UntilMediaTS = f.moment(at.of(0))
	}
}

func (f *fold) pin(at moment, m realtime.Message) {
	if len(f.pins) == maxPins {
		f.pins = slices.Delete(f.pins, 0, 1)
	}
	f.pins = append(f.pins, &pin{Pin: Pin{
		MediaTS: f.moment(at.of(0)), TS: at.e.TS,
		Message: Message{ID: m.ID, MediaTS: cmp.Or(m.MediaTS, m.TS), TS: m.TS, From: authorOf(m.From), Text: m.Text, ReplyTo: m.ReplyTo, Edited: m.EditedTS != 0},
	}})
	f.bytes += messageBytes + len(m.Text)
}

func (f *fold) question(at moment, data realtime.EventData) {
	change := func(id string, to realtime.QuestionState) *Question {
		q := f.questions.byID[id]
		if q == nil {
			return nil // hidden from others
		}
		q.State = to
		f.index = nil
		if listed(to) {
			q.Changes = append(q.Changes[max(0, len(q.Changes)-maxChanges+1):], Change{MediaTS: f.moment(at.of(0)), State: to})
		}
		return q
	}
	switch d := data.(type) {
	case realtime.QuestionAsked:
		if d.Shadow {
			return
		}
		f.questions.add(d.ID, Question{
			ID: d.ID, MediaTS: f.moment(at.of(0)), TS: at.e.TS, From: authorOf(at.e.By.Public()), Text: d.Text, State: realtime.QuestionIsAsked,
		})
		f.bytes += messageBytes + len(d.Text)
	case realtime.QuestionMoved:
		change(d.Question, d.State)
	case realtime.QuestionAnswered:
		if q := change(d.Question, realtime.QuestionIsAnswered); q != nil {
			q.Answer = &Answer{MediaTS: at.of(d.At), TS: at.e.TS, Text: d.Text, Live: d.Live}
			f.bytes += len(d.Text)
		}
	case realtime.QuestionMerged:
		change(d.Question, realtime.QuestionIsMerged)
	}
}

// listed reports whether participants are shown a question in that state.
func listed(s realtime.QuestionState) bool {
	return s == realtime.QuestionIsAsked || s == realtime.QuestionIsAnswering || s == realtime.QuestionIsAnswered
}

func (f *fold) poll(at moment, data realtime.EventData) {
	switch d := data.(type) {
	case realtime.PollOpened:
		f.polls.add(d.Poll, Poll{
			ID: d.Poll, MediaTS: f.moment(at.of(d.At)), TS: at.e.TS, State: realtime.PollIsOpen, PollDraft: d.PollDraft, ClosesMediaTS: d.ClosesAt,
		})
		f.bytes += 4 * messageBytes
	case realtime.PollClosed:
		if p := f.polls.byID[d.Poll]; p != nil {
			p.State, p.ClosedMediaTS = realtime.PollIsClosed, f.moment(at.of(d.At))
		}
	case realtime.PollRevealed:
		if p := f.polls.byID[d.Poll]; p != nil {
			p.State, p.RevealedMediaTS, p.Correct = realtime.PollIsRevealed, f.moment(at.of(d.At)), d.Correct
		}
	}
}
