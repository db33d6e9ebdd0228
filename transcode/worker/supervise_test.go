package worker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// diesAfter is a worker that works for d.
func diesAfter(d time.Duration) func(*scripted) ending {
	return func(s *scripted) ending {
		s.open()
		end := time.NewTimer(d)
		defer end.Stop()
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.say(wire.AppendStats(nil, 0, transcode.Stats{}))
			case <-end.C:
				return ending{reason: reasonCrashed, text: "done"}
			case <-s.dead:
				return ending{reason: reasonKilled}
			}
		}
	}
}

func TestBackoff(t *testing.T) {
	// Each lives for 40 s, so that no three are lost within a minute.
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		time.Sleep(4 * time.Minute) //nolint:forbidigo // in a synctest bubble
		b.events()
		for k, least := range []time.Duration{0, 40, 81, 123, 167, 215} {
			if len(b.starts) <= k || b.starts[k] != least*time.Second {
				t.Errorf("start %d of %v, want %ds", k, b.starts, least)
				break
			}
		}
	}, diesAfter(40*time.Second))
}

func TestBackoffAfterHealth(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		time.Sleep(200 * time.Second) //nolint:forbidigo // in a synctest bubble
		b.events()
		if want := []time.Duration{0, 60 * time.Second, 120 * time.Second, 180 * time.Second}; !slices.Equal(b.starts, want) {
			t.Errorf("starts at %v", b.starts)
		}
	}, diesAfter(time.Minute))
}

func TestThreeLosses(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		time.Sleep(5 * time.Minute) //nolint:forbidigo // in a synctest bubble
		losses := lost(b.events())
		if len(losses) != 3 || losses[0].Final || losses[1].Final || !losses[2].Final || !losses[2].Restart.IsZero() {
			t.Errorf("losses %+v", losses)
		}
		if s := b.host.Status(); s.State != StateDisabled || s.Retry.Sub(b.begin) != 31*time.Second+disabledFor {
			t.Errorf("status %+v", s)
		}
		time.Sleep(5 * time.Minute) //nolint:forbidigo // in a synctest bubble
		// After 9 min 29 s.
		b.host.Open(2, testSpec(), false)
		if l := lost(b.events()); len(l) != 1 || !l[0].Final {
			t.Errorf("losses %+v", l)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // in a synctest bubble
		b.host.Open(3, testSpec(), false)
		time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
		if e := b.events(); len(b.starts) != 4 || len(e) != 1 || e[0].Opened == nil || e[0].Run != 3 {
			t.Errorf("after ten minutes: %d starts, %+v", len(b.starts), e)
		}
	}, diesAfter(10*time.Second))
}

func TestSilent(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		time.Sleep(4 * time.Second) //nolint:forbidigo // in a synctest bubble
		if l := lost(b.events()); len(l) != 0 {
			t.Errorf("lost after 4 s: %+v", l)
		}
		time.Sleep(2 * time.Second) //nolint:forbidigo // in a synctest bubble
		if l := lost(b.events()); len(l) != 1 || l[0].Reason != reasonSilent {
			t.Errorf("losses %+v", l)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // in a synctest bubble
		if s := b.host.Status(); s.State != StateRunning {
			t.Errorf("status %+v", s)
		}
	}, func(s *scripted) ending {
		s.open()
		<-s.dead
		return ending{reason: reasonKilled}
	}, func(s *scripted) ending { s.open(); return s.beatUntilDead() })
}

// The heartbeat goes on, but nothing opens.
func TestOpensNever(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		time.Sleep(21 * time.Second) //nolint:forbidigo // in a synctest bubble
		if l := lost(b.events()); len(l) != 1 || l[0].Reason != reasonStart {
			t.Errorf("losses %+v", l)
		}
	}, func(s *scripted) ending {
		s.hello()
		s.next(wire.KindOpen)
		return s.beatUntilDead()
	})
}

func TestMemory(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		time.Sleep(1100 * time.Millisecond) //nolint:forbidigo // in a synctest bubble
		if l := lost(b.events()); len(l) != 1 || l[0].Reason != reasonMemory || !strings.Contains(l[0].Text, "1024 are allowed") {
			t.Errorf("losses %+v", l)
		}
	}, func(s *scripted) ending {
		s.resident = 1<<30 + 1
		s.open()
		return s.beatUntilDead()
	}, func(s *scripted) ending { s.open(); return s.beatUntilDead() })
}

// A worker that beats but takes nothing costs bounded memory, and then its life.
func TestDeaf(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		n := 0
		for ; n < 14*30; n++ {
			time.Sleep(time.Second / 30) //nolint:forbidigo // in a synctest bubble
			b.host.Write(picture(n))
		}
		if f := &b.host.feed; len(f.queue) > 70 {
			t.Errorf("%d units wait", len(f.queue))
		}
		if l := lost(b.events()); len(l) != 0 {
			t.Errorf("losses %+v", l)
		}
		for ; n < 17*30; n++ {
			time.Sleep(time.Second / 30) //nolint:forbidigo // in a synctest bubble
			b.host.Write(picture(n))
		}
		if l := lost(b.events()); len(l) != 1 || l[0].Reason != reasonSilent {
			t.Errorf("losses %+v", l)
		}
	}, func(s *scripted) ending { s.open(); return s.beatUntilDead() })
}

// A worker that closes its stdout must go.
func TestClosesPipe(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		time.Sleep(3 * time.Second) //nolint:forbidigo // in a synctest bubble
		if l := lost(b.events()); len(l) != 1 || l[0].Reason != reasonProtocol {
			t.Errorf("losses %+v", l)
		}
	}, func(s *scripted) ending {
		s.open()
		_ = s.outW.Close()
		<-s.dead
		return ending{reason: reasonKilled}
	}, func(s *scripted) ending { s.open(); return s.beatUntilDead() })
}

func TestDrainWithoutWorker(t *testing.T) {
	t.Run("while it waits", func(t *testing.T) {
		bubble(t, func(b *bench) {
			b.host.Open(1, testSpec(), false)
			// Two are lost, the second pause is 1 s.
			time.Sleep(10500 * time.Millisecond) //nolint:forbidigo // in a synctest bubble
			if s := b.host.Status(); s.State != StateWaiting || s.Retry.IsZero() {
				t.Errorf("status %+v", s)
			}
			b.events()
			b.host.Drain()
			b.host.Drain()
			if e := b.events(); len(e) != 1 || !e[0].Drained {
				t.Errorf("events %+v", e)
			}
			time.Sleep(time.Minute) //nolint:forbidigo // in a synctest bubble
			if len(b.starts) != 2 {
				t.Errorf("%d starts for nothing", len(b.starts))
			}
		}, diesAfter(5*time.Second))
	})
	t.Run("lost meanwhile", func(t *testing.T) {
		bubble(t, func(b *bench) {
			b.host.Open(1, testSpec(), false)
			time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
			b.host.Drain()
			time.Sleep(5 * time.Second) //nolint:forbidigo // in a synctest bubble
			if l := lost(b.events()); len(l) != 1 || !l[0].Final {
				t.Errorf("losses %+v", l)
			}
		}, diesAfter(5*time.Second))
	})
	t.Run("never opened", func(t *testing.T) {
		bubble(t, func(b *bench) {
			b.host.Drain()
			b.host.Write(picture(0))
			if e := b.events(); len(e) != 0 || len(b.starts) != 0 {
				t.Errorf("events %+v", e)
			}
		}, diesAfter(0))
	})
}

// What an older run made, and said, is of no use.
func TestOldRun(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		b.host.Write(picture(0))
		if e := b.events(); len(e) != 2 || e[0].Opened == nil || e[1].AccessUnit == nil || e[1].Run != 1 {
			t.Errorf("events %+v", e)
		}
		b.host.Write(picture(1))
		b.host.Open(2, testSpec(), true)
		e := b.events()
		if len(e) != 2 || e[0].Opened == nil || e[0].Run != 2 || e[1].AccessUnit == nil || e[1].AccessUnit.DTS != 0 {
			t.Errorf("events %+v", e)
		}
	}, func(s *scripted) ending {
		first, _ := s.open()
		s.next(wire.KindUnit)
		s.say(wire.AppendUnit(nil, wire.Unit{Run: first, AccessUnit: encoded(0)}))
		body, ok := s.next(wire.KindOpen)
		if !ok {
			return ending{reason: reasonCrashed}
		}
		run, _, _ := wire.ParseOpen(body)
		s.say(wire.AppendUnit(nil, wire.Unit{Run: first, AccessUnit: encoded(1)}))
		s.say(wire.AppendStopped(nil, first, transcode.Stopped{Track: testRung}))
		s.say(wire.AppendFailed(nil, first, true, "late"))
		s.say(wire.AppendDrained(nil, first))
		s.say(wire.AppendOpened(nil, run, testTracks()))
		if _, ok = s.next(wire.KindUnit); ok { // kept: picture 0 again
			s.say(wire.AppendUnit(nil, wire.Unit{Run: run, AccessUnit: encoded(0)}))
		}
		return s.beatUntilDead()
	})
}
