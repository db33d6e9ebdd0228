package bench

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestSeatCountsWhatItGets(t *testing.T) {
	s := &seat{sample: true}
	said := time.Now().Add(-time.Second).UnixNano()
	message := func(seq int) string {
		return fmt.Sprintf(`{"v":1,"type":"chat.message","room":"room","epoch":"e1","seq":%d,"prev":%d,"data":{"id":"m","text":"t%d"}}`, seq, seq-1, said)
	}
	for _, frame := range []string{
		`{"v":1,"type":"welcome","data":{"participant":"p_1","epoch":"e1","seq":0,"recovered":false}}`,
		message(1) + "\n" + `{"v":1,"type":"presence","rev":7,"data":{"participants":2}}` + "\n" + message(2),
		`{"v":1,"type":"error","data":{"code":"rate_limited"}}`,
		message(13),
	} {
		s.take([]byte(frame))
	}
	delays, _ := s.takeDelays()
	if s.messages.Load() != 3 || s.refused.Load() != 1 || s.epoch != "e1" || s.seq != "13" || !s.there() || s.recovered.Load() || len(delays) != 3 {
		t.Errorf("%d messages, %d refused, at %s %s, there %t, recovered %t, delays %v",
			s.messages.Load(), s.refused.Load(), s.epoch, s.seq, s.there(), s.recovered.Load(), delays)
	}
	for _, d := range delays {
		if d < time.Second {
			t.Errorf("delay %s, want a second at least", d)
		}
	}
	if s.take([]byte(`{"v":1,"type":"welcome","data":{"epoch":"e1","seq":13,"recovered":true}}`)); !s.recovered.Load() || s.seq != "13" {
		t.Errorf("recovered %t at %s", s.recovered.Load(), s.seq)
	}
}

func TestSeatReadsFrameHeaders(t *testing.T) {
	for _, tc := range []struct {
		name   string
		in     string
		opcode byte
		size   int
		bad    bool
	}{
		{"short", "\x81\x05", 1, 5, false},
		{"ping", "\x89\x00", 9, 0, false},
		{"two bytes", "\x81\x7e\x01\x02", 1, 258, false},
		{"eight bytes", "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x01", 1, 65537, false},
		{"compressed", "\xc1\x05", 0, 0, true},
		{"in parts", "\x01\x05", 0, 0, true},
		{"cut off", "\x81\x7e\x01", 1, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &seat{in: bufio.NewReader(strings.NewReader(tc.in))}
			opcode, size, err := s.header()
			if (err != nil) != tc.bad || (!tc.bad && (opcode != tc.opcode || size != tc.size)) {
				t.Errorf("opcode %d of %d bytes, %v", opcode, size, err)
			}
		})
	}
}

// TestSeatHearsAnswers has answers in the midst of other events.
func TestSeatHearsAnswers(t *testing.T) {
	s := &seat{answers: make(chan string, 8)}
	s.spoke.Store(time.Now().Add(-time.Second).UnixNano())
	s.take([]byte(`{"v":1,"type":"chat.message","data":{}}` + "\n" + `{"v":1,"type":"ack","re":"message-00001","data":{}}` + "\n" +
		`{"v":1,"type":"tally","key":"q","rev":1,"data":{"poll":"q","voters":1}}` + "\n" + `{"v":1,"type":"ack","re":"vote-0001","data":{}}` + "\n" +
		`{"v":1,"type":"poll.opened","data":{}}` + "\n" + `{"v":1,"type":"tally","key":"q","rev":2,"data":{"poll":"q","voters":2}}`))
	_, acks := s.takeDelays()
	if len(acks) != 1 || acks[0] < time.Second {
		t.Errorf("messages were acknowledged after %v, want one after a second at least", acks)
	}
	if len(s.answers) != 1 || !strings.Contains(<-s.answers, "vote-0001") {
		t.Errorf("%d answers beside, want that to the vote", len(s.answers))
	}
	if s.polls.Load() != 1 || s.asked.Load() == 0 {
		t.Errorf("was told of %d polls, want one", s.polls.Load())
	}
	if got := s.tally.Load(); got == nil || !strings.Contains(*got, `"voters":2`) {
		t.Errorf("the tally is %v, want the latest", got)
	}
}
