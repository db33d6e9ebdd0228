package transcode_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// pass lets time pass in the bubble.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a synctest bubble
	synctest.Wait()
}

// A competing program takes half the cores for two minutes.
func TestGovernorShedsAndRecovers(t *testing.T) {
	for _, blind := range []bool{false, true} {
		t.Run(fmt.Sprintf("blind %v", blind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, 2)
				m.blind = blind
				l := m.join("physics", 30, false, goodVideo(), goodAudio())
				defer m.run()()

				pass(2 * time.Minute)
				if got := l.now(); got != transcode.LevelFull {
					t.Fatalf("level = %s on a machine with room, want full", got)
				}
				m.load(1.2)
				pass(time.Minute)
				shed := l.now()
				if shed == transcode.LevelFull || shed == transcode.LevelNoVideo || l.Lag() > 500*time.Millisecond {
					t.Errorf("level = %s, lag %s under load: want something shed, not all, and no lag", shed, l.Lag())
				}
				m.load(0)
				pass(time.Duration(shed) * 5 * time.Minute)
				if got := l.now(); got != transcode.LevelFull {
					t.Errorf("level = %s long after the load, want full", got)
				}
				st, _ := m.governor.State("physics")
				if st.Reason != "recovered" || !strings.Contains(st.Text, "room again") || len(st.History) != l.moves() || st.Cores < 1 {
					t.Errorf("state = %+v, want it recovered after %d changes", st, l.moves())
				}
				for i, c := range st.History {
					if c.Level != st.History[max(i-1, 0)].Level && i > 0 && c.At.Sub(st.History[i-1].At) < 5*time.Second {
						t.Errorf("changes %d and %d are %s apart", i-1, i, c.At.Sub(st.History[i-1].At))
					}
				}
			})
		})
	}
}

// A machine that stays too small is tried ever less often.
func TestGovernorDoesNotFlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 2)
		l := m.join("physics", 30, false, goodVideo(), goodAudio())
		defer m.run()()
		// At superfast the machine is calm, at full effort too busy.
		m.load(0.48)
		pass(time.Hour)
		if n := l.moves(); n < 3 || n > 20 {
			t.Errorf("%d changes in the first hour (%v), want a few attempts", n, l.said())
		}
		before := l.moves()
		pass(time.Hour)
		if n := l.moves() - before; n > 14 {
			t.Errorf("%d changes in the second hour, want at most one attempt every 10 minutes", n)
		}
		for _, c := range l.said() {
			if !strings.HasPrefix(c, "full ") && !strings.HasPrefix(c, "fast ") {
				t.Errorf("went to %q, want no further than fast", c)
			}
		}
		// When there is room at last, it holds, and the wait is short again.
		m.load(0)
		pass(30 * time.Minute)
		if got := l.now(); got != transcode.LevelFull {
			t.Fatalf("level = %s with room again, want full", got)
		}
		before = l.moves()
		m.load(2)
		pass(10 * time.Second)
		m.load(0)
		pass(8 * time.Minute)
		if got := l.now(); got != transcode.LevelFull || l.moves() == before {
			t.Errorf("level = %s after %d changes, want full again soon after a short load", got, l.moves()-before)
		}
	})
}

func TestGovernorCutsFewestViewersFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 8)
		big := m.join("big", 400, false, goodVideo(), goodAudio())
		small := m.join("small", 3, false, goodVideo(), goodAudio())
		mid := m.join("mid", 40, false, goodVideo(), goodAudio())
		defer m.run()()
		pass(10 * time.Second)

		// Busy, but nobody falls behind: one class, one level, every 5 s.
		m.load(3.2)
		pass(16 * time.Second)
		if small.moves() == 0 || mid.moves() != 0 || big.moves() != 0 {
			t.Fatalf("small %v, mid %v, big %v: want the small class cut back alone", small.said(), mid.said(), big.said())
		}
		if n := small.moves(); n > 3 {
			t.Errorf("%d changes in 16 s, want one every 5 s", n)
		}
		// So much that all of the small class and some of the next has to go.
		m.load(5)
		pass(90 * time.Second)
		if s, b := small.now(), big.now(); s != transcode.LevelNoVideo || b != transcode.LevelFull || mid.now() == transcode.LevelFull {
			t.Errorf("small %s, mid %s, big %s: want the small class at its lowest, the big one spared", s, mid.now(), b)
		}
		// The one with more viewers gets its levels back first.
		m.load(0)
		pass(70 * time.Second)
		if mid.moves() == 0 || mid.said()[mid.moves()-1] != mid.now().String()+" recovered" {
			t.Errorf("mid %v, want it to recover first", mid.said())
		}
		pass(time.Hour)
		for _, l := range []*lecture{big, small, mid} {
			if got := l.now(); got != transcode.LevelFull {
				t.Errorf("%s is at %s an hour later, want full", l.name, got)
			}
		}
	})
}

// A class is late for reasons of its own: the others are not touched.
func TestGovernorLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 8, func(c *transcode.Config) { c.MaxCoreShare = 1 })
		late := m.join("late", 400, false, goodVideo())
		fine := m.join("fine", 1, false, goodVideo())
		defer m.run()()
		stick := func(l *lecture, d time.Duration) {
			m.mu.Lock()
			defer m.mu.Unlock()
			l.stuck = d
		}
		stick(late, 600*time.Millisecond)
		pass(3 * time.Second)
		if got := late.now(); got != transcode.LevelFast {
			t.Fatalf("level = %s after 3 s of lag, want fast: %v", got, late.said())
		}
		// Between the two limits nothing moves. A peak now and then would not matter.
		stick(late, 300*time.Millisecond)
		pass(10 * time.Minute)
		if late.moves() != 1 {
			t.Errorf("late: %v while its lag was neither high nor low", late.said())
		}
		stick(late, 600*time.Millisecond)
		pass(time.Minute)
		if got := late.now(); got != transcode.LevelNoVideo || fine.moves() != 0 {
			t.Errorf("late is at %s, fine at %s; want all shed of the one and nothing of the other", got, fine.now())
		}
		if want := []string{"fast lag", "slow lag", "no_top lag", "lowest lag", "no_video lag"}; !slices.Equal(late.said(), want) {
			t.Errorf("changes = %v, want %v", late.said(), want)
		}
		// A peak that is shorter than 2 s does nothing.
		stick(fine, 3*time.Second)
		pass(1600 * time.Millisecond)
		stick(fine, 0)
		pass(10 * time.Second)
		if fine.moves() != 0 {
			t.Errorf("fine: %v after a short peak", fine.said())
		}
		stick(late, 0)
		for range 10 {
			pass(59 * time.Second)
			stick(late, 450*time.Millisecond)
			pass(time.Second)
			stick(late, 0)
		}
		if got := late.now(); got != transcode.LevelFull {
			t.Errorf("late is at %s without lag, want full", got)
		}
	})
}

// There is always a picture, and a level that changes nothing is no level.
func TestGovernorSteps(t *testing.T) {
	slow := goodVideo()
	slow.Video.FrameRate = 10
	small := goodVideo()
	small.Video.Width, small.Video.Height = 854, 480
	for _, tc := range []struct {
		name   string
		encode bool
		tracks []media.Track
		want   []string
	}{
		{"re-encoded", true, []media.Track{goodVideo()}, []string{"fast cpu", "slow cpu", "no_top cpu", "lowest cpu"}},
		{"re-encoded at 10 pictures a second", true, []media.Track{slow}, []string{"fast cpu", "no_top cpu", "lowest cpu"}},
		{"one rung passed", false, []media.Track{small}, []string{"fast cpu", "slow cpu", "no_video cpu"}},
		{"two rungs passed", false, camera(1280, 720), []string{"fast cpu", "slow cpu", "no_top cpu", "no_video cpu"}},
		{"two rungs re-encoded", true, []media.Track{small}, []string{"fast cpu", "slow cpu", "no_top cpu"}},
		{"sound alone", false, []media.Track{goodAudio()}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, 64)
				l := m.join("class", 1, tc.encode, tc.tracks...)
				stop := m.run()
				defer stop()
				m.load(63.9) // busy, but with what the class wants it is not late
				l.shows(0.01)
				pass(2 * time.Minute)
				if got := l.said(); !slices.Equal(got, tc.want) {
					t.Errorf("down: %v, want %v", got, tc.want)
				}
				m.load(0)
				pass(10 * time.Minute)
				if got := l.now(); got != transcode.LevelFull {
					t.Errorf("level = %s in the end, want full", got)
				}
				if got := l.moves(); got != 2*len(tc.want) {
					t.Errorf("%v: want as many steps up as down", l.said())
				}
			})
		})
	}
}

// The sentences that the instructor reads on the way down, and the first back up.
func TestGovernorTexts(t *testing.T) {
	const overloaded = "The server's processors are overloaded. "
	for _, tc := range []struct {
		name   string
		encode bool
		want   []string
	}{
		{"passed through", false, []string{
			overloaded + "All qualities are offered, but 720p, 480p and 360p a little less sharp.",
			overloaded + "All qualities are offered, but 720p, 480p and 360p at 15 pictures a second or fewer.",
			overloaded + "Viewers get your own picture and 480p and 360p at 15 pictures a second or fewer; the other qualities are paused.",
			overloaded + "Viewers get your own picture and 360p at 15 pictures a second or fewer; the other qualities are paused.",
			overloaded + "Viewers get your own picture and the sound; no other quality is offered.",
			"The server has room again. Viewers get your own picture and 360p at 15 pictures a second or fewer; the other qualities are paused.",
		}},
		{"re-encoded", true, []string{
			overloaded + "All qualities are offered, but source, 720p, 480p and 360p a little less sharp.",
			overloaded + "All qualities are offered, but source, 720p, 480p and 360p at 15 pictures a second or fewer.",
			overloaded + "Viewers get 720p, 480p and 360p at 15 pictures a second or fewer; the other qualities are paused.",
			overloaded + "Viewers get 360p at 15 pictures a second or fewer; the other qualities are paused.",
			"The server has room again. Viewers get 720p, 480p and 360p at 15 pictures a second or fewer; the other qualities are paused.",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newMachine(t, 64)
				l := m.join("class", 1, tc.encode, goodVideo(), goodAudio())
				if st, _ := m.governor.State("class"); st.Text != "All qualities are offered." || st.Reason != "" {
					t.Errorf("at the start: %+v", st)
				}
				defer m.run()()
				l.shows(0.01)
				m.load(63.9)
				pass(time.Minute)
				m.load(0)
				for range 600 {
					if pass(time.Second); l.moves() >= len(tc.want) {
						break
					}
				}
				st, _ := m.governor.State("class")
				if len(st.History) != len(tc.want) {
					t.Fatalf("changes: %v, want %d", l.said(), len(tc.want))
				}
				for i, c := range st.History {
					if c.Text != tc.want[i] {
						t.Errorf("change %d says\n%s\nwant\n%s", i, c.Text, tc.want[i])
					}
				}
			})
		})
	}
}

func TestGovernorAdmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 2)
		first := m.join("first", 30, false, goodVideo(), goodAudio())
		if first.moves() != 0 {
			t.Errorf("first: %v, want it to fit", first.said())
		}
		second := m.join("second", 30, false, goodVideo(), goodAudio())
		if want := []string{"no_video admission"}; !slices.Equal(second.said(), want) {
			t.Errorf("second: %v, want %v before anything is measured", second.said(), want)
		}
		st, _ := m.governor.State("second")
		if !strings.Contains(st.Text, "no room") || !strings.Contains(st.Text, "your own picture") {
			t.Errorf("text = %q", st.Text)
		}
		third := m.join("third", 30, true, goodVideo(), goodAudio())
		if got := third.now(); got != transcode.LevelLowest {
			t.Errorf("third is at %s, want its lowest with a picture", got)
		}
		m.leave(third)
		m.leave(first)
		if _, ok := m.governor.State("first"); ok {
			t.Error("a class that has left has a state")
		}
		// The sound of the second leaves a little less than before.
		fourth := m.join("fourth", 30, true, goodVideo(), goodAudio())
		if got := fourth.now(); got != transcode.LevelFast && got != transcode.LevelSlow {
			t.Errorf("fourth, re-encoded and alone, is at %s, want it cut back a little: %v", got, fourth.said())
		}
		m.leave(fourth)
		// A machine that turns out to be faster has room.
		if err := m.governor.SetCalibration(transcode.DefaultCalibration().Scaled(0.2)); err != nil {
			t.Fatal(err)
		}
		if fifth := m.join("fifth", 30, true, goodVideo(), goodAudio()); fifth.moves() != 0 {
			t.Errorf("fifth: %v, want it to fit a machine five times as fast", fifth.said())
		} else {
			m.leave(fifth)
		}
		if err := m.governor.SetCalibration(transcode.Calibration{}); err == nil {
			t.Error("an empty calibration was accepted")
		}
		// The estimate was for a camera; slides leave the machine calm.
		second.shows(0.4)
		defer m.run()()
		pass(10 * time.Minute)
		if got := second.now(); got != transcode.LevelFull {
			t.Errorf("second is at %s after ten calm minutes, want full", got)
		}
	})
}

// A class whose publisher comes back with something else.
func TestGovernorNewPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 2)
		l := m.join("class", 30, false)
		defer m.run()()
		pass(time.Second)
		if l.moves() != 0 {
			t.Fatalf("%v before anything is published", l.said())
		}
		m.load(1.9)
		set := func(encode bool, tracks ...media.Track) {
			p := planOf(t, encode, tracks...)
			m.mu.Lock()
			l.plan = p
			m.mu.Unlock()
		}
		set(false, goodVideo(), goodAudio())
		pass(time.Minute)
		if got := l.now(); got != transcode.LevelNoVideo {
			t.Fatalf("level = %s, want everything shed", got)
		}
		// Nobody publishes, then the same again: the level stays as it was.
		n := l.moves()
		set(false)
		pass(5 * time.Second)
		set(false, goodVideo(), goodAudio())
		pass(5 * time.Second)
		if got := l.now(); got != transcode.LevelNoVideo || l.moves() != n {
			t.Errorf("level = %s, %v: want no change", got, l.said())
		}
		// What cannot be passed through needs a picture.
		set(true, goodVideo(), goodAudio())
		pass(time.Second)
		if got := l.said()[l.moves()-1]; got != "lowest source" {
			t.Errorf("change = %q, want a picture for what is not passed through", got)
		}
		// A new member of the same class is told where it stands.
		again := &lecture{machine: m, name: "class", content: 1, plan: l.Plan()}
		m.governor.Join("class", again)
		if want := []string{"lowest source"}; !slices.Equal(again.said(), want) {
			t.Errorf("the new member is told %v, want %v", again.said(), want)
		}
	})
}

func TestGovernorDisabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, 1, func(c *transcode.Config) { c.Governor.Enabled = false })
		l := m.join("class", 30, true, goodVideo())
		defer m.run()()
		m.load(5)
		pass(5 * time.Minute)
		if got := l.now(); got != transcode.LevelFull || l.moves() != 0 {
			t.Errorf("level = %s, want full", got)
		}
	})
}
