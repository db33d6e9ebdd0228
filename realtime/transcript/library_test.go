package transcript_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
	"github.com/lectern/lectern/realtime/transcript"
)

// However many open a recording at once, its log is read once.
func TestHerdCostsOneFold(t *testing.T) {
	w := lecture(t)
	r := read(t, w.log)
	r.ended = true
	var wait sync.WaitGroup
	for range 2000 {
		wait.Go(func() {
			for _, file := range []string{"index.json", "29529600.json"} {
				if d, err := r.Document(t.Context(), class, file); err != nil || len(d.Body) == 0 {
					t.Errorf("%s: %v", file, err)
				}
			}
		})
	}
	wait.Wait()
	if n := w.log.read.Load(); n != int64(len(w.log.records)) {
		t.Errorf("%d entries were read of %d", n, len(w.log.records))
	}
}

// While the class goes on only what is new is read, and what changes is in the next
// answer.
func TestTranscriptGrows(t *testing.T) {
	w := lecture(t)
	r := read(t, w.log)
	var minute transcript.Minute
	before := r.get("29529602.json", &minute)
	if again := r.get("29529602.json", &minute); again != before || before.Life != transcript.Growing {
		t.Errorf("a minute without news was written anew, or its life is %d", again.Life)
	}
	settled := r.get("29529600.json", &minute)
	if settled.Life != transcript.Settled {
		t.Errorf("the life of a minute that is over is %d", settled.Life)
	}
	id := w.do("ann", realtime.ChatSend{Text: "something rude"})
	if d, err := r.Document(t.Context(), class, "29529602.json"); err != nil || d != before {
		t.Error("it was looked for news within a second")
	}
	if after := r.get("29529602.json", &minute); after.ETag == before.ETag || after.GzipETag == before.GzipETag || len(minute.Messages) != 2 {
		t.Errorf("the minute is %+v", minute)
	}
	w.do("host", realtime.ChatDelete{Message: id})
	after := r.get("29529602.json", &minute)
	if after.ETag != before.ETag || strings.Contains(string(after.Body), "rude") {
		t.Errorf("after the deletion it is %s", after.Body)
	}
	if again := r.get("29529600.json", &minute); again != settled {
		t.Error("a minute without news was written anew")
	}
	if n := w.log.read.Load(); n != int64(len(w.log.records)) {
		t.Errorf("%d entries were read of %d", n, len(w.log.records))
	}
}

// After the end a transcript is final once nothing comes any more, and what comes
// nevertheless is in it.
func TestTranscriptIsSealed(t *testing.T) {
	w := lecture(t)
	r := read(t, w.log)
	r.ended = true
	var index transcript.Index
	if d := r.get("index.json", &index); d.Life != transcript.Settled || !index.Ended {
		t.Errorf("at the end its life is %d", d.Life)
	}
	if d := r.get("index.json", &index); d.Life != transcript.Final {
		t.Errorf("after the end its life is %d", d.Life)
	}
	present, err := r.Attendance(t.Context(), class)
	if err != nil || len(present) != 3 {
		t.Errorf("attendance is %+v, %v", present, err)
	}
	w.leave("ann")
	w.do("host", realtime.Marker{Title: "the last word"})
	if d := r.get("index.json", &index); d.Life != transcript.Settled || len(index.Chapters) != 3 {
		t.Errorf("its life is %d, chapters are %+v", d.Life, index.Chapters)
	}
	if present, err = r.Attendance(t.Context(), class); err != nil || present[0].Present || !present[1].Present {
		t.Errorf("attendance is %+v, %v", present, err)
	}
}

// A class that is deleted, and another one of the same name.
func TestTranscriptOfAnotherLog(t *testing.T) {
	w := lecture(t)
	r := read(t, w.log)
	var index transcript.Index
	for _, ended := range []bool{false, true, true} {
		r.ended = ended
		r.get("index.json", &index)
	}
	for _, forget := range []bool{true, false} {
		w.log.renew("two")
		if forget {
			r.Forget(class)
		}
		other, _, all := r.all()
		if other.LastMediaTS != 0 || strings.Contains(all, "Calvin") {
			t.Errorf("there is %s", all)
		}
		if present, err := r.Attendance(t.Context(), class); err != nil || len(present) != 0 {
			t.Errorf("attendance is %+v, %v", present, err)
		}
		*w.log = memory{epoch: "three", records: lecture(t).log.records} //nolint:govet // nobody holds its lock
		if again, _, _ := r.all(); len(again.Chapters) != 2 {
			t.Errorf("chapters are %+v", again.Chapters)
		}
	}
}

// brokenLog fails for a while.
type brokenLog struct {
	transcript.Log

	err error
}

func (b *brokenLog) History(ctx context.Context, room string, from broker.Position, limit int) ([]broker.Record, broker.Position, error) {
	if b.err != nil {
		return nil, broker.Position{}, b.err
	}
	return b.Log.History(ctx, room, from, limit)
}

func TestFaults(t *testing.T) {
	w := lecture(t)
	log := &brokenLog{Log: w.log, err: errors.New("disk on fire")}
	r := read(t, log)
	if _, err := r.Document(t.Context(), class, "index.json"); !errors.Is(err, log.err) {
		t.Errorf("it is %v", err)
	}
	log.err = nil
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := r.Document(gone, class, "index.json"); !errors.Is(err, context.Canceled) {
		t.Errorf("it is %v", err)
	}
	if index, _, _ := r.all(); len(index.Chapters) != 2 {
		t.Errorf("chapters are %+v", index.Chapters)
	}
	w.log.add([]byte("{}"))
	r.now = r.now.Add(time.Second)
	if _, err := r.Document(t.Context(), class, "index.json"); err == nil || errors.Is(err, transcript.ErrNotFound) {
		t.Errorf("of a damaged log it is %v", err)
	}
}

// The real log: what a transcript says is the same after a restart, and gone with the
// room.
func TestRealLog(t *testing.T) {
	w := lecture(t)
	path := database(t)
	log, stop := running(t, path)
	store(t, log, class, w.log)
	_, _, want := read(t, log).all()
	stop()

	log, stop = running(t, path)
	r := read(t, log)
	if _, _, got := r.all(); got != want {
		t.Errorf("after a restart it is\n%s\nnot\n%s", got, want)
	}
	if err := log.Delete(t.Context(), class); err != nil {
		t.Fatal(err)
	}
	if index, messages, _ := r.all(); len(messages) != 0 || index.LastMediaTS != 0 {
		t.Errorf("of a room that is deleted there is %+v", index)
	}
	stop()
}

// Intervals are those of the log; who is there is there up to the last entry of it,
// and observers are not counted.
func TestAttendance(t *testing.T) {
	w := newWorld(t)
	w.join("ann", "Ann", realtime.RoleParticipant)
	w.join("eye", "Inspector", realtime.RoleObserver)
	w.pass(time.Minute)
	w.leave("ann")
	w.pass(time.Minute)
	w.join("ann", "Ann", realtime.RoleParticipant)
	w.pass(30 * time.Second)
	w.tick()
	r := read(t, w.log)
	for _, ended := range []bool{false, true, true} {
		r.ended, r.now = ended, r.now.Add(time.Second)
		got, err := r.Attendance(t.Context(), class)
		if err != nil || len(got) != 2 {
			t.Fatalf("attendance is %+v, %v", got, err)
		}
		from := start + 2000
		want := []state.Interval{{From: from, To: from + 60_000}, {From: from + 120_000, To: from + 150_000}}
		if a := got[0]; a.Participant != "person-ann" || len(a.Intervals) != 2 || a.Intervals[0] != want[0] || a.Intervals[1] != want[1] {
			t.Errorf("Ann was there %+v, not %+v", a.Intervals, want)
		}
	}
}
