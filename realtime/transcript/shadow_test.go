package transcript_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room/state"
	"github.com/lectern/lectern/realtime/transcript"
)

// page is what the page of a participant makes of the events that it gets, as simply
// as it can, if it also got the messages that were over the limit.
type page struct {
	s             *state.State
	messages      map[string]realtime.Message
	deleted       map[string]realtime.Message
	pinned        *realtime.Message
	questions     map[string]realtime.Question
	polls         map[string]realtime.Poll
	announcements []realtime.Announcement
	markers       []realtime.Marked
	over          map[string]bool
}

func newPage(s *state.State) *page {
	return &page{
		s: s, messages: map[string]realtime.Message{}, deleted: map[string]realtime.Message{}, questions: map[string]realtime.Question{},
		polls: map[string]realtime.Poll{}, over: map[string]bool{},
	}
}

func (p *page) hear(e state.Entry, fx state.Effects) {
	if m, ok := fx.Staff.(realtime.ChatMessage); ok && m.Over {
		p.over[m.ID] = true
	}
	p.take(e, fx.All)
	if fx.All == nil {
		switch d := fx.Staff.(type) { // to staff alone
		case realtime.ChatMessage:
			if d.Over {
				p.take(e, d)
			}
		case realtime.ChatEdited:
			if p.over[d.Message] {
				p.take(e, d)
			}
		case realtime.ChatDeleted:
			if p.over[d.Message] {
				p.take(e, d)
			}
		case realtime.ChatRestored:
			if p.over[d.Message.ID] {
				p.take(e, d)
			}
		}
	}
	if q, ok := p.questions[fx.Question]; ok {
		v, _, _ := p.s.Votes(fx.Question)
		q.Votes = v.Votes
		p.questions[fx.Question] = q
	}
}

func (p *page) take(e state.Entry, data realtime.EventData) {
	switch d := data.(type) {
	case realtime.ChatMessage:
		p.messages[d.ID] = realtime.Message{ChatMessage: d, From: e.By.Public(), TS: e.TS, MediaTS: e.MediaTS}
	case realtime.ChatEdited:
		for _, list := range []map[string]realtime.Message{p.messages, p.deleted} {
			if m, ok := list[d.Message]; ok {
				m.Text, m.EditedTS = d.Text, e.TS
				list[d.Message] = m
			}
		}
		if p.pinned != nil && p.pinned.ID == d.Message {
			p.pinned.Text = d.Text
		}
	case realtime.ChatDeleted:
		delete(p.messages, d.Message)
		if p.pinned != nil && p.pinned.ID == d.Message {
			p.pinned = nil
		}
	case realtime.ChatRestored:
		p.messages[d.Message.ID] = d.Message
	case realtime.ChatPinned:
		p.pinned = nil
		if d.Message != nil {
			m := *d.Message
			p.pinned = &m
		}
	case realtime.QuestionAsked:
		p.questions[d.ID] = realtime.Question{QuestionAsked: d, State: realtime.QuestionIsAsked, From: e.By.Public()}
	case realtime.QuestionMoved:
		p.change(d.Question, func(q *realtime.Question) { q.State = d.State })
	case realtime.QuestionAnswered:
		p.change(d.Question, func(q *realtime.Question) { q.State, q.Answer = realtime.QuestionIsAnswered, &d })
	case realtime.QuestionMerged:
		p.change(d.Question, func(q *realtime.Question) { q.State = realtime.QuestionIsMerged })
	case realtime.PollOpened:
		p.polls[d.Poll] = realtime.Poll{Poll: d.Poll, State: realtime.PollIsOpen, PollDraft: d.PollDraft}
	case realtime.PollClosed:
		x := p.polls[d.Poll]
		x.State = realtime.PollIsClosed
		p.polls[d.Poll] = x
	case realtime.PollRevealed:
		x := p.polls[d.Poll]
		x.State, x.Correct = realtime.PollIsRevealed, d.Correct
		p.polls[d.Poll] = x
	case realtime.Announcement:
		p.announcements = append(p.announcements, d)
	case realtime.AnnouncementCleared:
		p.announcements = slices.DeleteFunc(p.announcements, func(a realtime.Announcement) bool { return a.ID == d.Announcement })
	case realtime.Marked:
		p.markers = append(p.markers, d)
	}
}

func (p *page) change(id string, how func(*realtime.Question)) {
	if q, ok := p.questions[id]; ok {
		how(&q)
		p.questions[id] = q
	}
}

// number is of the entry that an id is made of.
func number(id string) int {
	n, _ := strconv.Atoi(id[1:])
	return n
}

// The transcript is what somebody would have in the end who had followed the view of
// participants all the time, whatever happens in a room, and however often it is read
// meanwhile.
func TestTranscriptIsWhatAViewerHasInTheEnd(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 5))
	for range 4 {
		w := newWorld(t)
		for i := range 6 {
			w.join(fmt.Sprint("p", i), fmt.Sprint("Pupil ", i), realtime.RoleParticipant)
		}
		w.people["p4"] = func(p realtime.Principal) realtime.Principal { p.Anonymous = true; return p }(w.people["p4"])
		p := newPage(w.s)
		w.heard = p.hear
		r := read(t, w.log)
		for range 400 {
			who := []string{"host", "p0", "p1", "p2", "p3", "p4", "p5"}[rng.IntN(7)]
			_, _ = w.try(who, anything(rng, w))
			if rng.IntN(4) == 0 {
				w.pass(time.Duration(rng.IntN(20_000)) * time.Millisecond)
			}
			if rng.IntN(100) == 0 {
				r.all()
			}
		}
		compare(t, p, r)
		compare(t, p, read(t, w.log))
		r.ended = true
		for range 3 { // until it is sealed
			compare(t, p, r)
		}
		if t.Failed() {
			return
		}
	}
}

func compare(t *testing.T, p *page, r *reader) {
	t.Helper()
	index, messages, _ := r.all()
	var want []transcript.Message
	for _, m := range p.messages {
		want = append(want, transcript.Message{
			ID: m.ID, MediaTS: m.MediaTS, TS: m.TS, From: transcript.Author{Name: m.From.Name, Role: m.From.Role, Anonymous: m.From.Anonymous},
			Text: m.Text, ReplyTo: m.ReplyTo, Edited: m.EditedTS != 0,
		})
	}
	slices.SortFunc(want, func(a, b transcript.Message) int { return cmp.Or(int(a.MediaTS-b.MediaTS), number(a.ID)-number(b.ID)) })
	if !reflect.DeepEqual(messages, want) {
		t.Errorf("messages are\n%+v, not\n%+v", messages, want)
	}

	eye := realtime.Principal{ID: "eye", Role: realtime.RoleObserver}
	snap := p.s.Snapshot(eye)
	listed := map[string]realtime.Question{}
	for id, q := range p.questions {
		if q.State == realtime.QuestionIsAsked || q.State == realtime.QuestionIsAnswering || q.State == realtime.QuestionIsAnswered {
			listed[id] = q
		}
	}
	if len(index.Questions) != len(listed) || (len(listed) <= 50 && len(snap.Questions) != len(listed)) {
		t.Errorf("there are %d questions, not %d (%d in the snapshot)", len(index.Questions), len(listed), len(snap.Questions))
	}
	for _, q := range index.Questions {
		x := listed[q.ID]
		answered := x.Answer == nil && q.Answer == nil || x.Answer != nil && q.Answer != nil && x.Answer.Text == q.Answer.Text && x.Answer.Live == q.Answer.Live
		if q.Text != x.Text || q.State != x.State || q.Votes != x.Votes || !answered || q.From.Name != x.From.Name || q.From.Anonymous != x.From.Anonymous {
			t.Errorf("question is %+v, not %+v", q, x)
		}
	}
	if len(index.Polls) != len(p.polls) {
		t.Errorf("there are %d polls, not %d", len(index.Polls), len(p.polls))
	}
	for _, poll := range index.Polls {
		x := p.polls[poll.ID]
		_, tally := p.s.Tally(poll.ID)
		if poll.State != x.State || !reflect.DeepEqual(poll.PollDraft, x.PollDraft) || (poll.Tally == nil) != (tally == nil) {
			t.Errorf("poll is %+v, not %+v with %+v", poll, x, tally)
		} else if tally != nil && (poll.Tally.Voters != tally.Voters || !slices.Equal(poll.Tally.Counts, tally.Counts)) {
			t.Errorf("tally is %+v, not %+v", poll.Tally, tally)
		}
	}
	var standing []string
	for _, a := range index.Announcements {
		if a.UntilMediaTS == 0 {
			standing = append(standing, a.Text)
		}
	}
	var shown []string
	for _, a := range snap.Announcements {
		shown = append(shown, a.Text)
	}
	if !slices.Equal(standing, shown) || len(p.announcements) != len(shown) {
		t.Errorf("announcements are %q, not %q", standing, shown)
	}
	if len(index.Chapters) != len(p.markers) {
		t.Errorf("there are %d chapters, not %d", len(index.Chapters), len(p.markers))
	}
	pinned := ""
	for _, pin := range index.Pins {
		if pin.UntilMediaTS == 0 {
			pinned += pin.Message.ID + pin.Message.Text
		}
	}
	if want := ""; p.pinned != nil {
		if want = p.pinned.ID + p.pinned.Text; pinned != want {
			t.Errorf("pinned is %q, not %q", pinned, want)
		}
	} else if pinned != "" {
		t.Errorf("pinned is %q, not nothing", pinned)
	}
}

// anything is a command that may make sense.
func anything(rng *rand.Rand, w *world) realtime.CommandData {
	id := func(prefix string) string { return fmt.Sprint(prefix, 1+rng.Uint64N(w.s.Seq()+2)) }
	person := fmt.Sprint("person-p", rng.IntN(6))
	switch rng.IntN(26) {
	case 0:
		return realtime.ChatDelete{Message: id("m")}
	case 1:
		return realtime.ChatRestore{Message: id("m")}
	case 2:
		return realtime.ChatEdit{Message: id("m"), Text: fmt.Sprint("changed ", w.next)}
	case 3:
		return realtime.ChatPin{Message: id("m"), Pinned: rng.IntN(3) > 0}
	case 4, 5:
		return realtime.QuestionAsk{Text: fmt.Sprint("why ", w.next), Anonymous: rng.IntN(2) == 0}
	case 6, 7:
		return realtime.QuestionVote{Question: id("q"), Up: rng.IntN(4) > 0}
	case 8:
		return realtime.QuestionMove{Question: id("q"), State: []realtime.QuestionState{"asked", "answering", "dismissed", "withdrawn"}[rng.IntN(4)]}
	case 9:
		return realtime.QuestionAnswer{Question: id("q"), Live: true}
	case 10:
		return realtime.QuestionMerge{Question: id("q"), Into: id("q")}
	case 11:
		return realtime.PollSave{PollDraft: realtime.PollDraft{
			Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Quiz: true, Correct: []int{0},
			Results: []realtime.PollResults{realtime.ResultsLive, realtime.ResultsAfter, realtime.ResultsNever}[rng.IntN(3)],
		}}
	case 12, 13:
		return realtime.PollOpen{Poll: id("p"), Seconds: rng.IntN(2) * 20}
	case 14, 15:
		return realtime.PollVote{Poll: id("p"), Choices: []int{rng.IntN(2)}}
	case 16:
		if rng.IntN(2) == 0 {
			return realtime.PollReveal{Poll: id("p")}
		}
		return realtime.PollClose{Poll: id("p")}
	case 17:
		return realtime.Moderate{Participant: person, Action: []realtime.Action{
			realtime.ActionMute, realtime.ActionUnmute, realtime.ActionShadow, realtime.ActionUnshadow,
		}[rng.IntN(4)]}
	case 18:
		return realtime.Marker{Title: fmt.Sprint("chapter ", w.next)}
	case 19:
		if rng.IntN(2) == 0 {
			return realtime.AnnounceClear{Announcement: id("a")}
		}
		return realtime.Announce{Text: fmt.Sprint("news ", w.next), Until: w.now.Now + int64(1+rng.IntN(60_000))}
	case 20:
		return realtime.ChatSend{Text: "to staff", To: realtime.ToStaff}
	case 21:
		return realtime.ChatSend{Text: "a reply", ReplyTo: id("m")}
	default:
		return realtime.ChatSend{Text: fmt.Sprint("text ", w.next)}
	}
}
