package realtime_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/lectern/lectern/realtime"
)

func frame(typ, data string) string {
	return `{"v":1,"type":"` + typ + `","id":"01JABCDEFGHJKMNPQRSTVWXYZ0","data":` + data + `}`
}

func TestDecodeCommand(t *testing.T) {
	value := 3
	slow := 10
	tests := []struct {
		name, frame string
		want        realtime.CommandData
	}{
		{"hello", frame("hello", `{"grant":"a.b.c","epoch":"b71c","seq":12,"caps":["x"],"name":"Ada"}`), realtime.Hello{Grant: "a.b.c", Epoch: "b71c", Seq: 12, Caps: []string{"x"}, Name: "Ada"}},
		{"position without id", `{"v":1,"type":"position","data":{"media_ts":1760000000000,"playing":true,"behind_ms":4000}}`, realtime.Position{MediaTS: 1760000000000, Playing: true, BehindMS: 4000}},
		{"no data", `{"v":1,"type":"hand.raise","id":"01JABCDE"}`, realtime.HandRaise{}},
		{"a message", frame("chat.send", `{"text":"Gr\u00fc\u00dfe\n\u05e9"}`), realtime.ChatSend{Text: "Grüße\nש"}},
		{"white space", " \n" + frame("chat.delete", " { \"message\" : \"m1\" } ") + "\n", realtime.ChatDelete{Message: "m1"}},
		{"a vote on a scale", frame("poll.vote", `{"poll":"p1","value":3}`), realtime.PollVote{Poll: "p1", Value: &value}},
		{"a setting", frame("room.set", `{"slow_mode_s":10}`), realtime.RoomSet{SlowMode: &slow}},
		{"a quiz", frame("poll.save", `{"kind":"single","prompt":"2+2?","options":["3","4"],"correct":[1],"results":"after","quiz":true}`), realtime.PollSave{PollDraft: realtime.PollDraft{Kind: "single", Prompt: "2+2?", Options: []string{"3", "4"}, Correct: []int{1}, Results: "after", Quiz: true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := realtime.DecodeCommand([]byte(tt.frame))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(c.Data, tt.want) || c.Type != tt.want.CommandType() {
				t.Errorf("got %+v, want %+v", c.Data, tt.want)
			}
		})
	}
}

func TestDecodeCommandRefuses(t *testing.T) {
	const bad, large, unsupported = realtime.CodeBadRequest, realtime.CodeTooLarge, realtime.CodeUnsupported
	tests := []struct {
		name, frame string
		code        realtime.ErrorCode
		broken      bool
	}{
		{"nothing", "", bad, true},
		{"no JSON", "hello", bad, true},
		{"a list", "[]", bad, true},
		{"half an object", `{"v":1`, bad, true},
		{"two objects", frame("hand.raise", "{}") + "\n" + frame("hand.raise", "{}"), bad, true},
		{"invalid UTF-8", frame("chat.send", "{\"text\":\"\xff\"}"), bad, true},
		{"deep", `{"v":1,"data":` + strings.Repeat("[", 4000) + strings.Repeat("]", 4000) + `}`, bad, true},
		{"one too deep", frame("chat.send", `{"a":[[[[]]]]}`), bad, true},
		{"brackets in a string are no depth", frame("chat.send", `{"text":"[[[[[[[[","x":1}`), bad, false},
		{"a field twice", frame("chat.send", `{"text":"a","text":"b"}`), bad, true},
		{"a field twice outside", `{"v":1,"v":1,"type":"hand.raise","id":"01JABCDE"}`, bad, true},
		{"other capitals", frame("chat.send", `{"Text":"a"}`), bad, false},
		{"an escape in a name", frame("chat.send", `{"te\u0078t":"a"}`), bad, false},
		{"null", frame("chat.send", `{"text":"a","to":null}`), bad, false},
		{"null data", frame("hand.raise", `null`), bad, false},
		{"data is a list", frame("hand.raise", `[]`), bad, false},
		{"unknown field", frame("chat.send", `{"text":"a","whisper":"b"}`), bad, false},
		{"unknown field outside", `{"v":1,"type":"hand.raise","id":"01JABCDE","x":1}`, bad, false},
		{"another type", frame("chat.send", `{"text":1}`), bad, false},
		{"a fraction", frame("position", `{"media_ts":1.5}`), bad, false},
		{"a time beyond all", frame("position", `{"media_ts":99999999999999999}`), bad, false},
		{"no version", `{"type":"hand.raise","id":"01JABCDE"}`, unsupported, false},
		{"next version", `{"v":2,"type":"hand.raise","id":"01JABCDE"}`, unsupported, false},
		{"unknown command", frame("chat.sing", `{}`), unsupported, false},
		{"an event", frame("chat.message", `{}`), unsupported, false},
		{"no id", `{"v":1,"type":"hand.raise"}`, bad, false},
		{"short id", `{"v":1,"type":"hand.raise","id":"1"}`, bad, false},
		{"id with a line feed", `{"v":1,"type":"hand.raise","id":"01JABCDE\n"}`, bad, false},
		{"too large", frame("chat.send", `{"text":"`+strings.Repeat("a", realtime.MaxFrameBytes)+`"}`), large, false},
		{"text too long", frame("chat.send", `{"text":"`+strings.Repeat("ü", 501)+`"}`), large, false},
		{"empty text", frame("chat.send", `{"text":" \n\u200b"}`), bad, false},
		{"control character", frame("chat.send", `{"text":"a\u0000"}`), bad, false},
		{"no grant", frame("hello", `{}`), bad, false},
		{"seq without epoch", frame("hello", `{"grant":"a","seq":1}`), bad, false},
		{"to nobody", frame("chat.send", `{"text":"a","to":"p1"}`), bad, false},
		{"two votes", frame("poll.vote", `{"poll":"p1","text":"a","choices":[1]}`), bad, false},
		{"no vote", frame("poll.vote", `{"poll":"p1"}`), bad, false},
		{"a choice twice", frame("poll.vote", `{"poll":"p1","choices":[1,1]}`), bad, false},
		{"a negative choice", frame("poll.vote", `{"poll":"p1","choices":[-1]}`), bad, false},
		{"one option", frame("poll.save", `{"kind":"single","prompt":"a","options":["a"],"results":"live"}`), bad, false},
		{"a quiz without an answer", frame("poll.save", `{"kind":"single","prompt":"a","options":["a","b"],"results":"live","quiz":true}`), bad, false},
		{"no setting", frame("room.set", `{}`), bad, false},
		{"a ban for a while", frame("moderate", `{"participant":"p1","action":"ban","seconds":3}`), bad, false},
		{"merge with itself", frame("question.merge", `{"question":"q","into":"q"}`), bad, false},
		{"answer twice", frame("question.answer", `{"question":"q","text":"a","live":true}`), bad, false},
		{"a state by merge only", frame("question.move", `{"question":"q","state":"merged"}`), bad, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := realtime.DecodeCommand([]byte(tt.frame))
			var e *realtime.Error
			if !errors.As(err, &e) {
				t.Fatalf("got %+v, %v", c, err)
			}
			if e.Code != tt.code || e.Broken != tt.broken {
				t.Errorf("got %s (broken %t), want %s (broken %t): %s", e.Code, e.Broken, tt.code, tt.broken, e)
			}
		})
	}
}

// TestEveryRefusalNamesItsCommand lets a client know which of its commands it was.
func TestEveryRefusalNamesItsCommand(t *testing.T) {
	c, err := realtime.DecodeCommand([]byte(frame("chat.send", `{"text":""}`)))
	if err == nil || c.ID != "01JABCDEFGHJKMNPQRSTVWXYZ0" || c.Type != realtime.CommandChatSend {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestPollAccepts(t *testing.T) {
	n := func(i int) *int { return &i }
	options := []string{"a", "b", "c"}
	single := realtime.PollDraft{Kind: realtime.PollSingle, Options: options}
	multiple := realtime.PollDraft{Kind: realtime.PollMultiple, Options: options}
	scale := realtime.PollDraft{Kind: realtime.PollScale, Min: 1, Max: 5}
	cloud := realtime.PollDraft{Kind: realtime.PollCloud}
	tests := []struct {
		name  string
		poll  realtime.PollDraft
		vote  realtime.PollVote
		taken bool
	}{
		{"one of three", single, realtime.PollVote{Choices: []int{2}}, true},
		{"two of one", single, realtime.PollVote{Choices: []int{0, 2}}, false},
		{"one too far", single, realtime.PollVote{Choices: []int{3}}, false},
		{"a number for options", single, realtime.PollVote{Value: n(1)}, false},
		{"two of many", multiple, realtime.PollVote{Choices: []int{0, 2}}, true},
		{"on the scale", scale, realtime.PollVote{Value: n(5)}, true},
		{"beside the scale", scale, realtime.PollVote{Value: n(0)}, false},
		{"a word", cloud, realtime.PollVote{Text: "wave"}, true},
		{"too long a word", cloud, realtime.PollVote{Text: strings.Repeat("w", 31)}, false},
		{"no poll", realtime.PollDraft{}, realtime.PollVote{Text: "a"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.poll.Accepts(tt.vote); (err == nil) != tt.taken {
				t.Errorf("got %v, want taken %t", err, tt.taken)
			}
		})
	}
}

func TestRoomSetNeeds(t *testing.T) {
	mode, on := realtime.ChatOff, true
	if got := (realtime.RoomSet{Chat: &mode}).Needs(); got != realtime.MayModerate {
		t.Errorf("chat needs %v", got.Names())
	}
	if got := (realtime.RoomSet{Chat: &mode, Links: &on}).Needs(); got != realtime.MaySetRoom {
		t.Errorf("chat and links need %v", got.Names())
	}
}

func TestCredentialDoesNotPrint(t *testing.T) {
	d := realtime.Hello{Grant: "secret-grant"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if s := fmt.Sprintf(verb, d); strings.Contains(s, "secret") || strings.Contains(s, "736563726574") {
			t.Errorf("%s prints %s", verb, s)
		}
	}
}

// FuzzDecodeCommand looks for frames that break the decoder, and for accepted
// ones that do not survive being written again.
func FuzzDecodeCommand(f *testing.F) {
	for _, s := range []string{
		"", "{}", "[]", `{"v":1,"type":"hand.raise","id":"01JABCDE"}`,
		frame("hello", `{"grant":"a.b.c","epoch":"b71c","seq":12}`),
		frame("chat.send", `{"text":"a \"b\" \\ \u00e9 [{","reply_to":"m1","mentions":["p1","p2"],"to":"staff"}`),
		frame("poll.save", `{"kind":"scale","prompt":"a","min":1,"max":5,"results":"live"}`),
		frame("poll.vote", `{"poll":"p","value":1e2}`),
		frame("room.set", `{"words":["a","b"],"links":false}`),
		frame("chat.send", `{"text":"a","text":"b"}`),
		frame("chat.send", `{"text":null}`),
	} {
		f.Add([]byte(s))
	}
	d := readDocument(f)
	for _, info := range realtime.Commands() { // each has an example, see TestCommandFixtures
		for _, e := range d.Components.Messages["command."+string(info.Type)].Examples {
			f.Add([]byte(e.Payload))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := realtime.DecodeCommand(in)
		if err != nil {
			var e *realtime.Error
			if !errors.As(err, &e) || e.Message == "" || len(e.Message) > 200 {
				t.Fatalf("not an error of the protocol: %v", err)
			}
			return
		}
		data, err := json.Marshal(c.Data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(map[string]any{"v": 1, "type": c.Type, "id": c.ID + "12345678", "data": json.RawMessage(data)})
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > realtime.MaxFrameBytes || len(c.ID) > 30 {
			return // escapes made it longer
		}
		d, err := realtime.DecodeCommand(again)
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if !reflect.DeepEqual(c.Data, d.Data) {
			t.Fatalf("%+v became %+v", c.Data, d.Data)
		}
	})
}

func BenchmarkDecodeCommand(b *testing.B) {
	in := []byte(frame("chat.send", `{"text":"Is that the same as in chapter 3?","reply_to":"m_12"}`))
	for b.Loop() {
		if _, err := realtime.DecodeCommand(in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeEvent(b *testing.B) {
	prev := uint64(1233)
	e := realtime.Event{Room: "maths-1", Epoch: "b71c", Seq: 1234, Prev: &prev, TS: 1760000000000, From: &realtime.Sender{ID: "p_9", Name: "Ada", Role: realtime.RoleParticipant}}
	for b.Loop() {
		if _, err := e.Encode(realtime.ChatMessage{ID: "m_13", Text: "Is that the same as in chapter 3?"}); err != nil {
			b.Fatal(err)
		}
	}
}
