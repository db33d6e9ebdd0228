package transcript_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/transcript"
)

var update = flag.Bool("update", false, "write the golden files") //nolint:gochecknoglobals // a flag

// lecture is a class in which everything happens once.
func lecture(tb testing.TB) *world {
	tb.Helper()
	w := newWorld(tb)
	w.now.Now, w.now.Edge = start-5000, 0 // there is no media yet
	w.join("ann", "Ann Smith", realtime.RoleParticipant)
	w.join("ben", "Ben", realtime.RoleParticipant)
	w.do("ann", realtime.ChatSend{Text: "Is anybody here?"})
	w.now.Now, w.now.Edge = start+2000, start
	w.do("host", realtime.Marker{Title: "Chlorophyll"})
	w.pass(5 * time.Second)
	first := w.do("host", realtime.ChatSend{Text: "The slides: https://example.edu/7"})
	w.do("host", realtime.ChatPin{Message: first, Pinned: true})
	w.pass(20 * time.Second)
	typo := w.do("ben", realtime.ChatSend{Text: "Thnaks", ReplyTo: first})
	w.do("ben", realtime.ChatEdit{Message: typo, Text: "Thanks"})
	why := w.do("ben", realtime.QuestionAsk{Text: "Will it be in the exam?", Anonymous: true})
	green := w.do("ann", realtime.QuestionAsk{Text: "Why is it green?"})
	w.do("ann", realtime.QuestionVote{Question: why, Up: true})
	w.pass(40 * time.Second)
	w.do("host", realtime.QuestionMove{Question: green, State: realtime.QuestionIsAnswering})
	w.pass(30 * time.Second)
	w.do("host", realtime.QuestionAnswer{Question: green, Live: true})
	w.do("host", realtime.QuestionAnswer{Question: why, Text: "Yes"})
	poll := w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{
		Kind: realtime.PollSingle, Prompt: "Which light?", Options: []string{"red", "green"}, Quiz: true, Correct: []int{0}, Results: realtime.ResultsAfter,
	}})
	w.do("host", realtime.PollOpen{Poll: poll, Seconds: 30})
	w.pass(10 * time.Second)
	w.do("ann", realtime.PollVote{Poll: poll, Choices: []int{0}})
	w.do("ben", realtime.PollVote{Poll: poll, Choices: []int{1}})
	w.do("host", realtime.PollClose{Poll: poll})
	w.pass(5 * time.Second)
	w.do("host", realtime.PollReveal{Poll: poll})
	w.do("host", realtime.ChatPin{Message: first})
	news := w.do("host", realtime.Announce{Text: "A break at 10:30"})
	w.pass(30 * time.Second)
	w.do("host", realtime.AnnounceClear{Announcement: news})
	w.do("host", realtime.Marker{Title: "The Calvin cycle"})
	w.do("ann", realtime.ChatSend{Text: "Oh"})
	return w
}

func TestDocuments(t *testing.T) {
	w := lecture(t)
	r := read(t, w.log)
	for file, golden := range map[string]string{"index.json": "index.json", "29529600.json": "minute.json"} {
		var v any
		doc := r.get(file, &v)
		var got bytes.Buffer
		if err := json.Indent(&got, doc.Body, "", "  "); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		path := filepath.Join("testdata", golden)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s is\n%s\nnot\n%s", file, got.Bytes(), want)
		}
	}
	// What was said before there was media comes before it.
	index, messages, _ := r.all()
	if messages[0].Text != "Is anybody here?" || index.FirstMediaTS >= index.Chapters[0].MediaTS {
		t.Errorf("it begins at %d with %+v", index.FirstMediaTS, messages[0])
	}
}

// Nobody reads later what they could not have read in the class.
func TestNothingThatWasNotForAll(t *testing.T) {
	w := newWorld(t)
	for _, id := range []string{"ann", "ben", "troll", "ghost"} {
		w.join(id, "Name of "+id, realtime.RoleParticipant)
	}
	w.do("host", realtime.RoomSet{Words: &[]string{"rude"}})
	id := w.do("ann", realtime.ChatSend{Text: "good morning", Mentions: []string{"person-ben"}})
	w.do("ann", realtime.ChatSend{Text: "hidden: to the teacher", To: realtime.ToStaff})
	w.do("ann", realtime.ChatSend{Text: "hidden: a rude word"})
	first := w.do("ann", realtime.ChatSend{Text: "hidden: before the change"})
	w.pass(time.Second)
	w.do("ann", realtime.ChatEdit{Message: first, Text: "after the change"})
	gone := w.do("ben", realtime.ChatSend{Text: "hidden: deleted"})
	w.do("host", realtime.ChatPin{Message: gone, Pinned: true})
	w.do("host", realtime.ChatDelete{Message: gone})
	w.do("host", realtime.Moderate{Participant: "person-troll", Action: realtime.ActionShadow, Reason: "hidden: the reason"})
	secret := w.do("troll", realtime.ChatSend{Text: "hidden: by a shadow"})
	w.do("troll", realtime.QuestionAsk{Text: "hidden: a shadow's question"})
	w.do("host", realtime.ChatDelete{Message: secret})
	w.do("host", realtime.ChatRestore{Message: secret})
	anonymous := realtime.NamesAnonymous
	w.do("ghost", realtime.QuestionAsk{Text: "who asks?", Anonymous: true})
	dismissed := w.do("ann", realtime.QuestionAsk{Text: "hidden: dismissed"})
	w.do("host", realtime.QuestionMove{Question: dismissed, State: realtime.QuestionIsDismissed})
	withdrawn := w.do("ben", realtime.QuestionAsk{Text: "hidden: withdrawn"})
	w.do("ben", realtime.QuestionMove{Question: withdrawn, State: realtime.QuestionIsWithdrawn})
	w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{Kind: realtime.PollText, Prompt: "hidden: a draft", Results: realtime.ResultsLive}})
	for i, results := range []realtime.PollResults{realtime.ResultsNever, realtime.ResultsAfter} {
		poll := w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{
			Kind: realtime.PollSingle, Prompt: "which?", Options: []string{"a", "b"}, Quiz: true, Correct: []int{1}, Results: results,
		}})
		w.do("host", realtime.PollOpen{Poll: poll})
		w.do("ann", realtime.PollVote{Poll: poll, Choices: []int{0}})
		w.do("host", realtime.PollClose{Poll: poll})
		if i == 0 {
			w.do("host", realtime.PollReveal{Poll: poll})
		}
	}
	text := w.do("host", realtime.PollSave{PollDraft: realtime.PollDraft{Kind: realtime.PollText, Prompt: "say", Results: realtime.ResultsLive}})
	w.do("host", realtime.PollOpen{Poll: text})
	w.do("ann", realtime.PollVote{Poll: text, Text: "hidden: a text for staff"})
	w.do("host", realtime.RoomSet{Names: &anonymous})
	w.do("ghost", realtime.ChatSend{Text: "without a name"})
	w.do("ben", realtime.ChatEdit{Message: w.do("ben", realtime.ChatSend{Text: "hidden: first"}), Text: "then"})

	index, messages, all := read(t, w.log).all()
	for _, what := range []string{"person-", "hidden", "Name of ghost", "Name of troll", "mentions", "reason", "rude", "voter_"} {
		if strings.Contains(all, what) {
			t.Errorf("there is %q in %s", what, all)
		}
	}
	if len(messages) != 4 || messages[0].ID != id || messages[0].From.Name != "Name of ann" {
		t.Errorf("messages are %+v", messages)
	}
	if len(index.Questions) != 1 || index.Questions[0].From != (transcript.Author{Role: realtime.RoleParticipant, Anonymous: true}) {
		t.Errorf("questions are %+v", index.Questions)
	}
	if len(index.Polls) != 3 || index.Polls[0].Tally != nil || index.Polls[0].Correct == nil || index.Polls[1].Tally != nil || index.Polls[1].Correct != nil {
		t.Errorf("polls are %+v", index.Polls)
	}
	if len(index.Pins) != 0 {
		t.Errorf("pins are %+v", index.Pins)
	}
	if got := index.Polls[2].Tally; got == nil || got.Voters != 1 || got.Words != nil {
		t.Errorf("the tally of texts is %+v", got)
	}
}

// A flood is bounded, and told.
func TestMinuteIsBounded(t *testing.T) {
	w := newWorld(t)
	w.join("ann", "Ann", realtime.RoleParticipant)
	for range 2100 {
		w.do("ann", realtime.ChatSend{Text: "x"})
	}
	var minute transcript.Minute
	read(t, w.log).get("29529600.json", &minute)
	if len(minute.Messages) != 2000 || minute.LeftOut != 100 {
		t.Errorf("%d messages and %d left out", len(minute.Messages), minute.LeftOut)
	}
}

func TestNamesOfDocuments(t *testing.T) {
	w := lecture(t)
	r := read(t, w.log)
	for _, file := range []string{
		"", ".json", "index.html", "29529600", "029529600.json", "+29529600.json", "-1.json", "29529600.json.json", "1.json", "99999999999999999999.json",
		"29529600.JSON", "../index.json", "0.json", "1e3.json", " 29529600.json",
	} {
		if _, err := r.Document(t.Context(), class, file); !errors.Is(err, transcript.ErrNotFound) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func FuzzNames(f *testing.F) {
	w := lecture(f)
	for _, file := range []string{"index.json", "29529600.json", "029529600.json", "29529600.json\x00", "٢.json"} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file string) {
		d, err := read(t, w.log).Document(t.Context(), class, file)
		known := file == "index.json" || file == "29529599.json" || file == "29529600.json" || file == "29529602.json"
		if known != (err == nil) || (d != nil) != known {
			t.Errorf("%q: %v", file, err)
		}
	})
}
