package state

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lectern/lectern/realtime"
)

// page is what somebody's page makes of the events it gets, as simply as it can.
type page struct {
	who           realtime.Principal
	messages      map[string]realtime.Message
	pinned        *realtime.Message
	questions     map[string]realtime.Question
	polls         map[string]realtime.Poll
	announcements map[string]realtime.Announcement
	markers       []string
	settings      realtime.Settings
	restricted    realtime.Restricted
	hands         int
}

func newPage(w *world, who realtime.Principal) *page {
	return &page{
		who: who, settings: w.s.Settings(), messages: map[string]realtime.Message{}, questions: map[string]realtime.Question{},
		polls: map[string]realtime.Poll{}, announcements: map[string]realtime.Announcement{},
	}
}

// hear takes in what an entry brings to this person.
func (p *page) hear(w *world, e Entry, fx Effects) {
	staff := p.who.Staff()
	d, from := fx.All, e.By.Public()
	if staff {
		if fx.Staff != nil {
			d = fx.Staff
		}
		if !e.Nameless() || p.who.Permissions.Has(realtime.SeesNames) {
			from = e.By.Sender()
		}
	}
	p.take(w, d, e, from)
	for _, u := range fx.To {
		if u.Participant == p.who.ID && (!u.Echo || !staff) {
			p.take(w, u.Data, e, e.By.Public())
		}
	}
	if q, ok := p.questions[fx.Question]; ok {
		if v, only, _ := w.s.Votes(fx.Question); only == "" || only == p.who.ID || staff {
			q.Votes = v.Votes
			p.questions[fx.Question] = q
		}
	}
	if x, ok := p.polls[fx.Poll]; ok {
		forStaff, all := w.s.Tally(fx.Poll)
		if staff {
			x.Tally = forStaff
		} else if all != nil {
			x.Tally = all
		}
		p.polls[fx.Poll] = x
	}
	if fx.Hands {
		_, all := w.s.Hands()
		p.hands = all.Count
	}
}

func (p *page) take(w *world, d realtime.EventData, e Entry, from *realtime.Sender) {
	switch d := d.(type) {
	case realtime.ChatMessage:
		p.messages[d.ID] = realtime.Message{ChatMessage: d, From: from, Seq: w.s.Seq(), TS: e.TS, MediaTS: e.MediaTS}
	case realtime.ChatEdited:
		if m, ok := p.messages[d.Message]; ok {
			m.Text, m.EditedTS = d.Text, e.TS
			p.messages[d.Message] = m
		}
		if p.pinned != nil && p.pinned.ID == d.Message {
			m := *p.pinned
			m.Text, m.EditedTS = d.Text, e.TS
			p.pinned = &m
		}
	case realtime.ChatDeleted:
		delete(p.messages, d.Message)
		if p.pinned != nil && p.pinned.ID == d.Message {
			p.pinned = nil
		}
	case realtime.ChatRestored:
		p.messages[d.Message.ID] = d.Message
	case realtime.ChatPinned:
		p.pinned = d.Message
	case realtime.QuestionAsked:
		p.questions[d.ID] = realtime.Question{QuestionAsked: d, State: realtime.QuestionIsAsked, From: from, Seq: w.s.Seq(), TS: e.TS, MediaTS: e.MediaTS}
	case realtime.QuestionMoved:
		q := p.questions[d.Question]
		q.State = d.State
		p.questions[d.Question] = q
	case realtime.QuestionAnswered:
		q := p.questions[d.Question]
		q.State, q.Answer = realtime.QuestionIsAnswered, &d
		p.questions[d.Question] = q
	case realtime.QuestionMerged:
		q := p.questions[d.Question]
		q.State = realtime.QuestionIsMerged
		p.questions[d.Question] = q
	case realtime.PollSaved:
		p.polls[d.Poll] = realtime.Poll{Poll: d.Poll, State: realtime.PollDrafted, PollDraft: d.PollDraft}
	case realtime.PollDiscarded:
		delete(p.polls, d.Poll)
	case realtime.PollOpened:
		x := realtime.Poll{Poll: d.Poll, State: realtime.PollIsOpen, PollDraft: d.PollDraft, At: d.At, ClosesAt: d.ClosesAt}
		x.Correct = p.polls[d.Poll].Correct
		p.polls[d.Poll] = x
	case realtime.PollClosed:
		x := p.polls[d.Poll]
		x.State, x.At = realtime.PollIsClosed, d.At
		p.polls[d.Poll] = x
	case realtime.PollRevealed:
		x := p.polls[d.Poll]
		x.State, x.At, x.Correct = realtime.PollIsRevealed, d.At, d.Correct
		if d.Tally != nil {
			x.Tally = d.Tally
		}
		p.polls[d.Poll] = x
	case realtime.Announcement:
		p.announcements[d.ID] = d
	case realtime.AnnouncementCleared:
		delete(p.announcements, d.Announcement)
	case realtime.Marked:
		p.markers = append(p.markers, d.ID)
	case realtime.Settings:
		p.settings = d
	case realtime.Restricted:
		p.restricted = d
	}
}

// compare says where the page shows something else than a snapshot would.
func (p *page) compare(w *world) (what, shown, want string) {
	w.t.Helper()
	s := w.s.Snapshot(p.who)
	messages := make([]realtime.Message, 0, len(p.messages))
	for _, m := range p.messages {
		messages = append(messages, m)
	}
	slices.SortFunc(messages, func(a, b realtime.Message) int { return cmp.Compare(a.Seq, b.Seq) })
	s.Messages = slices.DeleteFunc(s.Messages, func(m realtime.Message) bool { return m.Deleted }) // to be restored by staff
	n := min(len(messages), len(s.Messages), 50)
	messages, s.Messages = messages[len(messages)-n:], s.Messages[len(s.Messages)-n:]

	type brief struct {
		Text, State string
		Votes       int
		Answer      *realtime.QuestionAnswered
		From        *realtime.Sender
		Counts      []int
		Correct     []int
		At          int64
		Voters      int
	}
	questions, wantQuestions := map[string]brief{}, map[string]brief{}
	of := func(q realtime.Question) brief {
		return brief{Text: q.Text, State: string(q.State), Votes: q.Votes, Answer: q.Answer, From: q.From}
	}
	for _, q := range s.Questions {
		wantQuestions[q.ID] = of(q)
		questions[q.ID] = of(p.questions[q.ID])
	}
	polls, wantPolls := map[string]brief{}, map[string]brief{}
	ofPoll := func(x realtime.Poll) brief {
		b := brief{Text: x.Prompt, State: string(x.State), Correct: x.Correct, At: x.At}
		if x.Tally != nil {
			b.Counts, b.Voters = x.Tally.Counts, x.Tally.Voters
		}
		return b
	}
	for _, x := range s.Polls {
		wantPolls[x.Poll] = ofPoll(x)
		polls[x.Poll] = ofPoll(p.polls[x.Poll])
	}
	announcements := map[string]realtime.Announcement{}
	for _, a := range s.Announcements {
		announcements[a.ID] = a
	}
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"messages", messages, s.Messages},
		{"pinned", p.pinned, s.Pinned},
		{"questions", questions, wantQuestions},
		{"polls", polls, wantPolls},
		{"announcements", p.announcements, announcements},
		{"markers", len(p.markers), len(w.s.markers)},
		{"settings", p.settings, s.Settings},
		{"restricted", p.restricted, s.Restricted},
		{"hands", p.hands, s.Hands.Count},
	} {
		if got, want := encoded(w.t, c.got), encoded(w.t, c.want); got != want {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			i = max(0, i-80) // what is the same is of no interest
			return c.what, got[i:min(len(got), i+200)], want[i:min(len(want), i+200)]
		}
	}
	return "", "", ""
}

// Who has heard every event shows the same as who has just come in; and no command
// is carried out that a simple look at the rules forbids.
func TestPagesFollowTheState(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 3 {
		w := newWorld(t)
		var pages []*page
		for _, id := range []string{"host", "blind", "eye", "p0", "p4"} {
			pages = append(pages, newPage(w, w.who(id)))
		}
		muted, banned, voters := map[string]bool{}, map[string]bool{}, map[string]map[string]bool{}
		heard := len(w.log)
		hear := func() {
			for _, p := range pages {
				p.hear(w, w.lastEntry(), w.effects)
			}
		}
		w.heard = hear
		for step := range 500 {
			paused := w.s.Settings().Paused
			by, data, d, code := w.wander(rng)
			if code == "" && d.Entry != nil {
				who := w.who(by)
				info, _ := data.CommandType().Info()
				_, writes := data.(realtime.ChatSend)
				if banned[by] || (writes && muted[by]) || (paused && !who.Staff() && w.s.Settings().Paused) || !who.Permissions.Has(info.Needs) {
					t.Fatalf("step %d: %s may %+v", step, by, data)
				}
				if m, ok := data.(realtime.Moderate); ok {
					switch m.Action {
					case realtime.ActionMute:
						muted[m.Participant] = m.Seconds == 0
					case realtime.ActionUnmute:
						muted[m.Participant] = false
					case realtime.ActionBan, realtime.ActionUnban:
						banned[m.Participant] = m.Action == realtime.ActionBan
					case realtime.ActionShadow, realtime.ActionUnshadow, realtime.ActionKick:
					}
				}
				if v, ok := data.(realtime.PollVote); ok {
					if voters[v.Poll] == nil {
						voters[v.Poll] = map[string]bool{}
					}
					voters[v.Poll][by] = true
					if tally, _ := w.s.Tally(v.Poll); tally.Voters != len(voters[v.Poll]) {
						t.Fatalf("step %d: %d people voted, %d votes are counted", step, len(voters[v.Poll]), tally.Voters)
					}
				}
			}
			if step%20 != 0 {
				continue
			}
			for _, p := range pages {
				if what, shown, want := p.compare(w); what != "" {
					t.Fatalf("step %d: %s sees %s\n%s\nwant\n%s", step, p.who.ID, what, shown, want)
				}
			}
		}
		if len(w.log) < heard+100 {
			t.Errorf("only %d entries", len(w.log)-heard)
		}
	}
}
