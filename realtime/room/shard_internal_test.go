package room

import (
	"fmt"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
)

// hearer is a connection that keeps what it gets.
type hearer struct{ heard []string }

func (h *hearer) Send(frames ...*Frame) {
	for _, f := range frames {
		h.heard = append(h.heard, string(f.Bytes))
	}
}

func (*hearer) Close(realtime.CloseCode, time.Duration) {}

// TestShardKeepsTheOrder has more wait for a shard than it gathers at once, and an
// answer in the midst of it.
func TestShardKeepsTheOrder(t *testing.T) {
	const answerAt = 100
	for _, tt := range []struct {
		name   string
		answer bool
	}{{"fans alone", false}, {"an answer among them", true}} {
		t.Run(tt.name, func(t *testing.T) {
			s, h := newShard(), &hearer{}
			m := &Member{id: "p_1", conn: h, view: viewAll}
			s.members[m.id] = []*Member{m}
			of := func(i int) op {
				f := &Frame{Bytes: fmt.Append(nil, i)}
				if tt.answer && i == answerAt {
					return op{kind: opMember, member: m, frames: [views]*Frame{f}}
				}
				return op{kind: opFan, frames: [views]*Frame{f}}
			}
			for i := 1; i <= shardQueue; i++ {
				s.ops <- of(i)
			}
			for s.handle(of(0)); len(s.ops) > 0; {
				s.handle(<-s.ops)
			}
			for i, got := range h.heard {
				if got != fmt.Sprint(i) {
					t.Fatalf("number %d is %s", i, got)
				}
			}
			if len(h.heard) != shardQueue+1 {
				t.Errorf("%d frames came, want %d", len(h.heard), shardQueue+1)
			}
		})
	}
}
