package state

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/lectern/lectern/realtime"
)

// However a room came to be what it is, its log makes it again, and what anybody
// is told of it is the same.
func TestReplayMakesTheSameState(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 3 {
		w := newWorld(t)
		accepted := make(map[realtime.CommandType]int)
		for range 1000 {
			if _, data, d, code := w.wander(rng); code == "" && d.Entry != nil {
				accepted[data.CommandType()]++
			}
		}
		w.checkSums()
		again := w.replayed()
		if !reflect.DeepEqual(again, w.s) {
			t.Errorf("a state was replayed as another")
		}
		for _, p := range w.people {
			if a, b := encoded(t, w.s.Snapshot(p)), encoded(t, again.Snapshot(p)); a != b {
				t.Fatalf("%s sees\n%s\nand after a replay\n%s", p.ID, a, b)
			}
		}
		if len(accepted) < 18 {
			t.Errorf("only these commands were accepted: %v", accepted)
		}
	}
}

func encoded(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// checkSums checks what must hold of every state.
func (w *world) checkSums() {
	w.t.Helper()
	open := 0
	for _, p := range w.s.polls.order {
		counts, words := 0, 0
		for _, n := range p.tally.counts {
			counts += n
		}
		for _, n := range p.tally.words {
			words += n
		}
		switch n := len(p.tally.votes); p.draft.Kind {
		case realtime.PollSingle, realtime.PollScale:
			if counts != n {
				w.t.Fatalf("%s: %d counted of %d votes", p.id, counts, n)
			}
		case realtime.PollCloud:
			if words != n {
				w.t.Fatalf("%s: %d words of %d votes", p.id, words, n)
			}
		case realtime.PollText:
			if len(p.tally.order) != n {
				w.t.Fatalf("%s: %d texts of %d votes", p.id, len(p.tally.order), n)
			}
		case realtime.PollMultiple:
		}
		if p.state == realtime.PollIsOpen {
			open++
		}
	}
	if open != w.s.polls.open {
		w.t.Fatalf("%d polls are open, %d are said to be", open, w.s.polls.open)
	}
	for _, q := range w.s.questions.order {
		if q.state == realtime.QuestionIsMerged && len(q.votes) > 0 {
			w.t.Fatalf("%s went into another, votes did not", q.ID)
		}
	}
	for _, a := range w.s.Attendance() {
		last := int64(0)
		for _, i := range a.Intervals {
			if i.From < last || i.To < i.From {
				w.t.Fatalf("%s was there %v", a.Participant, a.Intervals)
			}
			last = i.To
		}
	}
}

// A command is decided once, also after a restart, by the time that it is sent
// again.
func TestCommandsAreDecidedOnce(t *testing.T) {
	w := newWorld(t)
	say := realtime.ChatSend{Text: "hello"}
	first, _ := w.send("p0", "the-command", say)
	other, _ := w.send("p1", "the-command", say) // ids of others are no concern
	again, _ := w.send("p0", "the-command", say)
	if first.Dup || other.Dup || other.Seq == first.Seq || !again.Dup || again.Entry != nil || again.ID != first.ID || again.Seq != first.Seq {
		t.Errorf("first %+v, by someone else %+v, again %+v", first, other, again)
	}
	w.s = w.replayed()
	if again, _ = w.send("p0", "the-command", say); !again.Dup || again.ID != first.ID || again.Seq != first.Seq {
		t.Errorf("after a replay %+v", again)
	}
	w.pass(3 * 60e9)
	w.do("p2", say)
	if again, _ = w.send("p0", "the-command", say); !again.Dup {
		t.Errorf("after three minutes %+v", again)
	}
	w.pass(1e9)
	w.do("p2", realtime.QuestionAsk{Text: "why"})
	if again, _ = w.send("p0", "the-command", say); again.Dup {
		t.Errorf("much later %+v", again)
	}
	if len(w.s.commands.order) != len(w.s.commands.outcomes) {
		t.Errorf("%d commands in order, %d known", len(w.s.commands.order), len(w.s.commands.outcomes))
	}
}

// Any command that the protocol lets through is decided without a panic, and what
// it brings can be kept and read.
func FuzzCommand(f *testing.F) {
	for _, s := range []string{
		`{"v":1,"type":"chat.send","id":"command-1","data":{"text":"x","reply_to":"m11"}}`,
		`{"v":1,"type":"chat.edit","id":"command-1","data":{"message":"m11","text":"y"}}`,
		`{"v":1,"type":"chat.delete","id":"command-1","data":{"message":"m11"}}`,
		`{"v":1,"type":"chat.restore","id":"command-1","data":{"message":"m11"}}`,
		`{"v":1,"type":"chat.pin","id":"command-1","data":{"message":"m11","pinned":true}}`,
		`{"v":1,"type":"question.ask","id":"command-1","data":{"text":"why","anonymous":true}}`,
		`{"v":1,"type":"question.vote","id":"command-1","data":{"question":"q12","up":true}}`,
		`{"v":1,"type":"question.move","id":"command-1","data":{"question":"q12","state":"withdrawn"}}`,
		`{"v":1,"type":"question.answer","id":"command-1","data":{"question":"q12","live":true}}`,
		`{"v":1,"type":"question.merge","id":"command-1","data":{"question":"q12","into":"q13"}}`,
		`{"v":1,"type":"poll.save","id":"command-1","data":{"kind":"scale","prompt":"?","min":0,"max":9,"results":"live"}}`,
		`{"v":1,"type":"poll.save","id":"command-1","data":{"poll":"p14","kind":"single","prompt":"?","options":["a","b"],"quiz":true,"correct":[1],"results":"after"}}`,
		`{"v":1,"type":"poll.open","id":"command-1","data":{"poll":"p14","seconds":30}}`,
		`{"v":1,"type":"poll.vote","id":"command-1","data":{"poll":"p15","text":"Word","media_ts":1}}`,
		`{"v":1,"type":"poll.close","id":"command-1","data":{"poll":"p15"}}`,
		`{"v":1,"type":"poll.reveal","id":"command-1","data":{"poll":"p15"}}`,
		`{"v":1,"type":"poll.discard","id":"command-1","data":{"poll":"p14"}}`,
		`{"v":1,"type":"hand.raise","id":"command-1"}`,
		`{"v":1,"type":"hand.lower","id":"command-1","data":{"participant":"p0"}}`,
		`{"v":1,"type":"hand.call","id":"command-1","data":{"participant":"p0"}}`,
		`{"v":1,"type":"announce","id":"command-1","data":{"text":"x","until":1800000000000}}`,
		`{"v":1,"type":"announce.clear","id":"command-1","data":{"announcement":"a17"}}`,
		`{"v":1,"type":"marker","id":"command-1","data":{"title":"x"}}`,
		`{"v":1,"type":"moderate","id":"command-1","data":{"participant":"p0","action":"mute","seconds":5}}`,
		`{"v":1,"type":"room.set","id":"command-1","data":{"chat":"hosts","words":["x"],"names":"anonymous","paused":true}}`,
		`{"v":1,"type":"room.close","id":"command-1"}`,
		`{"v":1,"type":"react","data":{"kind":"clap"}}`,
		`{"v":1,"type":"pulse","data":{"kind":"lost"}}`,
		`{"v":1,"type":"position","data":{"playing":true}}`,
	} {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(4))
	}
	f.Fuzz(func(t *testing.T, frame []byte, by uint8) {
		c, err := realtime.DecodeCommand(frame)
		if err != nil {
			return
		}
		w := newWorld(t) // entries 1 to 10
		w.do("p0", realtime.ChatSend{Text: "eleven"})
		w.do("p0", realtime.QuestionAsk{Text: "twelve"})
		w.do("p1", realtime.QuestionAsk{Text: "thirteen"})
		w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{Kind: realtime.PollSingle, Prompt: "?", Options: []string{"a", "b"}, Results: realtime.ResultsLive}})
		cloud := w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{Kind: realtime.PollCloud, Prompt: "?", Results: realtime.ResultsLive}})
		w.do("host", realtime.PollOpen{Poll: cloud, Seconds: 60})
		w.do("host", realtime.Announce{Text: "seventeen"})
		w.do("p0", realtime.HandRaise{})
		w.now.Ended = by >= 128
		who := w.people[int(by)%len(w.people)]
		if c.Data.CommandType() == realtime.CommandHello || c.Data.CommandType() == realtime.CommandRefresh {
			return
		}
		w.send(who.ID, c.ID, c.Data)
		w.send(who.ID, c.ID, c.Data)
		w.checkSums()
		if !reflect.DeepEqual(w.replayed(), w.s) {
			t.Errorf("%s was replayed as something else", frame)
		}
		for _, p := range w.people {
			encoded(t, w.s.Snapshot(p))
		}
	})
}

// BenchmarkReplay is what an entry costs when a room is opened.
func BenchmarkReplay(b *testing.B) {
	w := newWorld(b)
	for range 1000 {
		w.pass(1e9)
		w.do("p0", realtime.ChatSend{Text: "what does the second term on the slide stand for?"})
	}
	entry := w.log[len(w.log)-1]
	s := New(testRules())
	b.ReportAllocs()
	for b.Loop() {
		e, err := DecodeEntry(entry)
		if err != nil {
			b.Fatal(err)
		}
		s.Apply(e)
	}
}

// BenchmarkDecide is what a message costs, without the log and the telling.
func BenchmarkDecide(b *testing.B) {
	w := newWorld(b)
	say := realtime.Command{Type: realtime.CommandChatSend, Data: realtime.ChatSend{Text: "what does the second term on the slide stand for?"}}
	b.ReportAllocs()
	for b.Loop() {
		w.pass(1e8)
		d, err := w.s.Decide(say, w.people[4], w.now)
		if err != nil {
			b.Fatal(err)
		}
		w.s.Apply(*d.Entry)
	}
}
