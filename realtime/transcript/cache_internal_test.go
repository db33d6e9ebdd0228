package transcript

import (
	"context"
	"fmt"
	"testing"

	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
)

// oneMessage is the log of every room.
type oneMessage struct{}

func (oneMessage) History(_ context.Context, room string, from broker.Position, limit int) ([]broker.Record, broker.Position, error) {
	end := broker.Position{Epoch: room, Seq: 1}
	if from.Seq == 1 || limit == 0 {
		return nil, end, nil
	}
	e := state.Entry{TS: 1, By: &state.Author{ID: "p", Role: "participant"}, Fact: state.Said{Text: "x"}}
	b, err := e.Encode()
	return []broker.Record{{Seq: 1, Data: b}}, end, err
}

// Memory is bounded, whatever is asked for.
func TestCacheIsBounded(t *testing.T) {
	l := New(Deps{Log: oneMessage{}, Ended: func(context.Context, string) bool { return false }})
	l.limit = 20_000
	for i := range 100 {
		if _, err := l.Document(t.Context(), fmt.Sprint("class-", i%30), indexFile); err != nil {
			t.Fatal(err)
		}
		if l.bytes > l.limit || len(l.books) != l.order.Len() {
			t.Fatalf("%d bytes in %d books", l.bytes, len(l.books))
		}
	}
	if len(l.books) < 5 || len(l.books) == 30 {
		t.Errorf("%d books are kept", len(l.books))
	}
	for i := range 30 {
		l.Forget(fmt.Sprint("class-", i))
	}
	if l.bytes != 0 || len(l.books) != 0 {
		t.Errorf("%d bytes in %d books are left", l.bytes, len(l.books))
	}
}
