package worker_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

func TestEcho(t *testing.T) {
	t.Parallel()
	r := start(t, "echo")
	if s := r.host.Status(); s.State != worker.StateIdle || s.PID != 0 {
		t.Errorf("a process before there is work: %+v", s)
	}
	r.host.Open(7, spec(), false)
	r.host.SetEffort(transcode.Effort{Fast: true})
	for n := range int64(60) {
		r.host.Write(r.unit())
		r.host.Write(&media.AccessUnit{Track: media.AudioTrackID, PTS: n * 1600, DTS: n * 1600, RandomAccess: true, Payload: [][]byte{{1}}})
	}
	r.host.Drain()
	r.until("drained", func(e transcode.Event) bool { return e.Drained })
	r.rises()
	pictures, sounds := 0, 0
	for k, e := range r.events {
		if e.Run != 7 {
			t.Errorf("event of run %d", e.Run)
		}
		if (k == 0) != (e.Opened != nil) {
			t.Errorf("event %d is %+v", k, e)
		}
		switch au := e.AccessUnit; {
		case au == nil:
		case au.Track == rungTrack:
			if want := fmt.Sprintf("picture %d", pictures); string(au.Payload[0]) != want || string(au.Payload[1]) != "slice" || len(au.Payload) != 2 {
				t.Errorf("payload %q, want %q", au.Payload, want)
			}
			if au.PTS != au.DTS+frameTicks {
				t.Errorf("pts %d, dts %d", au.PTS, au.DTS)
			}
			pictures++
		default:
			sounds++
		}
	}
	if pictures != 60 || sounds != 60 {
		t.Errorf("%d pictures and %d sounds came back", pictures, sounds)
	}
	s := r.host.Status()
	if s.State != worker.StateIdle || s.PID == 0 || s.Restarts != 0 {
		t.Errorf("status %+v", s)
	}
	pid := s.PID
	for _, want := range []struct{ file, text string }{
		{"oom_score_adj", "500\n"},
		{"environ", "PATH="},
	} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, want.file))
		if err != nil || !strings.Contains(string(b), want.text) {
			t.Errorf("%s is %q, %v", want.file, b, err)
		}
		if bytes.Contains(b, []byte("PWD=")) {
			t.Errorf("the environment was inherited: %q", b)
		}
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, file := range threads {
		b, _ := os.ReadFile(file)
		_, rest, _ := strings.Cut(string(b), ") ")
		if f := strings.Fields(rest); len(f) > 16 && f[16] != "5" { // nice, proc_pid_stat(5)
			t.Errorf("a thread has niceness %s", f[16])
		}
	}
	if pgid, err := syscall.Getpgid(pid); err != nil || pgid != pid {
		t.Errorf("process group %d of process %d, %v", pgid, pid, err)
	}
	if problems, err := testutil.GatherAndLint(r.reg); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v %v", problems, err)
	}
}

// What ends a worker, how it is told, and that the next one goes on.
func TestLoss(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		do, reason string
		change     func(*worker.Config)
	}{
		{"exit", "crashed", nil},
		{"segv", "crashed", nil},
		{"panic", "crashed", nil},
		{"fail", "crashed", nil},
		{"kill", "killed", nil},
		{"junk", "protocol", nil},
		{"stop", "silent", func(c *worker.Config) { c.SilenceTimeout = 4 * time.Second }},
		{"eat", "memory", func(c *worker.Config) { c.MemoryLimit = 256 << 20 }},
	} {
		t.Run(tc.do, func(t *testing.T) {
			t.Parallel()
			change := tc.change
			if change == nil {
				change = func(*worker.Config) {}
			}
			r := start(t, "echo", change)
			r.host.Open(1, spec(), false)
			r.untilOpened()
			r.write(30)
			r.untilPicture(29)
			r.host.Write(r.unit("do:" + tc.do + ":" + filepath.Join(t.TempDir(), "done")))
			l := r.untilLost(tc.reason)
			if l.Final || l.Text == "" || l.Restart.IsZero() {
				t.Errorf("lost %+v", l)
			}
			r.untilOpened()
			r.write(60)
			r.untilPicture(89)
			r.rises()
			if s := r.host.Status(); s.Restarts == 0 || s.State != worker.StateRunning || s.Reason == "" {
				t.Errorf("status %+v", s)
			}
		})
	}
}

// A stopped program is one thing, one that never begins another.
func TestNeverReady(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind, reason string
		final        bool
		change       func(*worker.Config)
	}{
		{kind: "junk", reason: "protocol"},
		{kind: "version", reason: "protocol", final: true},
		{kind: "build", reason: "protocol", final: true},
		{kind: "mute", reason: "start", change: func(c *worker.Config) { c.StartTimeout = time.Second }},
		{kind: "deaf", reason: "silent", change: func(c *worker.Config) { c.SilenceTimeout = time.Second }},
	} {
		t.Run(tc.kind, func(t *testing.T) {
			t.Parallel()
			change := tc.change
			if change == nil {
				change = func(*worker.Config) {}
			}
			r := start(t, tc.kind, change)
			r.host.Open(1, spec(), false)
			r.write(1)
			if l := r.untilLost(tc.reason); l.Final != tc.final {
				t.Errorf("lost %+v", l)
			}
		})
	}
	t.Run("no program", func(t *testing.T) {
		r := startCommand(t, []string{filepath.Join(t.TempDir(), "nothing"), "worker"})
		r.host.Open(1, spec(), false)
		r.untilLost("start")
	})
}

func TestRefusedSpec(t *testing.T) {
	t.Parallel()
	r := start(t, "echo")
	sp := spec()
	sp.Encoder = "impossible"
	r.host.Open(1, sp, false)
	if l := r.untilLost("spec"); !l.Final || !strings.Contains(l.Text, "no such codec") {
		t.Errorf("lost %+v", l)
	}
	sp.Encoder = "broken"
	r.host.Open(2, sp, false)
	if l := r.untilLost("start"); l.Final {
		t.Errorf("lost %+v", l)
	}
	r.host.Open(3, spec(), false)
	r.untilOpened()
	r.write(1)
	r.untilPicture(0)
}

// A stream that always kills the engine ends its class's ladder, not the machine.
func TestThreeCrashes(t *testing.T) {
	t.Parallel()
	r := start(t, "echo")
	r.host.Open(1, spec(), false)
	r.host.Write(r.unit("do:exit")) // a keyframe: each worker gets it first
	var last *transcode.Lost
	for range 3 {
		last = r.untilLost("crashed")
	}
	if !last.Final {
		t.Errorf("the third loss is %+v", last)
	}
	if s := r.host.Status(); s.State != worker.StateDisabled || s.PID != 0 {
		t.Errorf("status %+v", s)
	}
	r.host.Open(2, spec(), false)
	if l := r.untilLost("crashed"); !l.Final {
		t.Errorf("opened again at once: %+v", l)
	}
	r.host.Drain()
	r.until("drained", func(e transcode.Event) bool { return e.Drained })
	r.clock.Advance(10 * time.Minute)
	r.next = 0
	r.host.Open(3, spec(), false)
	r.untilOpened()
	r.write(1)
	r.untilPicture(0)
}

// Killed at any moment, a worker costs its tracks nothing that comes after the
// next keyframe, and never sends them back.
func TestKillAnytime(t *testing.T) {
	t.Parallel()
	r := start(t, "echo")
	random := rand.New(rand.NewPCG(1, 2))
	r.host.Open(1, spec(), false)
	for range 50 {
		want := random.IntN(30) // events, before the kill
		r.write(random.IntN(20))
		mediatest.Eventually(t, func() string {
			pid := r.host.Status().PID
			if pid == 0 {
				return "no process"
			}
			for ; want > 0; want-- {
				e, ok := r.host.Poll()
				if !ok {
					r.write(1)
					return fmt.Sprintf("%d events missing", want)
				}
				if e.Stats == nil {
					r.events = append(r.events, e)
				}
			}
			r.clock.Advance(61 * time.Second) // so that each is the first in a minute
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				return err.Error()
			}
			return ""
		})
		r.write(random.IntN(10))
		if l := r.untilLost("killed"); l.Final {
			t.Fatalf("lost %+v", l)
		}
	}
	r.untilOpened()
	for r.next%r.gop != 0 {
		r.write(1)
	}
	from := r.next
	r.write(60)
	r.untilPicture(from + 59)
	r.rises()
	got := 0
	for _, e := range r.events {
		if e.AccessUnit != nil && e.AccessUnit.DTS >= from*frameTicks {
			got++
		}
	}
	if got != 60 {
		t.Errorf("%d of 60 pictures after the last keyframe came back", got)
	}
}

// A new worker gets what came since the latest keyframe at once.
func TestRestartFromKeyframe(t *testing.T) {
	t.Parallel()
	r := start(t, "echo")
	r.gop = 30
	r.host.Open(1, spec(), false)
	r.untilOpened()
	r.write(40)
	r.untilPicture(39)
	r.host.Write(r.unit("do:exit:" + filepath.Join(t.TempDir(), "done")))
	r.untilLost("crashed")
	r.write(29) // up to 69, with a keyframe at 60
	r.untilPicture(69)
	r.rises()
	var after []int64
	for _, e := range r.events {
		if e.AccessUnit != nil && e.AccessUnit.DTS > 39*frameTicks {
			after = append(after, e.AccessUnit.DTS/frameTicks)
		}
	}
	// 30 to 39 were delivered, so the track goes on with the next keyframe.
	if len(after) != 10 || after[0] != 60 {
		t.Errorf("after the crash came %v", after)
	}
}

func TestLargeUnitsIntact(t *testing.T) {
	t.Parallel()
	r := start(t, "echo", func(c *worker.Config) { c.QueueBytes = 256 << 20 })
	r.host.Open(1, spec(), false)
	r.untilOpened()
	random := rand.NewChaCha8([32]byte{1})
	total := 0
	for total < 64<<20 {
		au := r.unit()
		au.Payload = nil
		size := []int{1, 50_000, 1 << 20, 8 << 20}[r.next%4]
		for _, n := range []int{1, size, 3} {
			b := make([]byte, n)
			_, _ = random.Read(b)
			au.Payload = append(au.Payload, b)
		}
		total += au.Size()
		r.host.Write(au)
		e := r.until("the unit", func(e transcode.Event) bool { return e.AccessUnit != nil })
		if got := e.AccessUnit; got.DTS != au.DTS || got.PTS != au.PTS || got.RandomAccess != au.RandomAccess || len(got.Payload) != 3 {
			t.Fatalf("%+v came back for dts %d", got, au.DTS)
		}
		for k, p := range e.AccessUnit.Payload {
			if !bytes.Equal(p, au.Payload[k]) {
				t.Fatalf("payload %d of dts %d came back changed", k, au.DTS)
			}
		}
		r.events = nil
	}
}

// A worker that ignores the end of its stdin is killed, and one that logs too much
// is cut short.
func TestStubborn(t *testing.T) {
	t.Parallel()
	r := start(t, "stubborn")
	r.host.Open(1, spec(), false)
	r.untilOpened()
	r.host.Write(r.unit("do:lines"))
	r.untilPicture(0)
	mediatest.Eventually(t, func() string {
		if r.log.String() == "" {
			return "nothing was logged"
		}
		return ""
	})
	lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
	if len(lines) > 21 { // the clock stands, so there is one second
		t.Errorf("%d lines were logged", len(lines))
	}
	for _, l := range lines {
		if len(l) > 1400 || strings.Contains(l, "\x1b") {
			t.Errorf("a line of %d bytes: %q", len(l), l)
		}
	}
}

// A server that is killed leaves no worker behind, not even one that ignores the
// end of its stdin.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.CommandContext(t.Context(), exe, "worker", "server")
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = server.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err = fmt.Fscan(out, &pid); err != nil || pid == 0 {
		t.Errorf("the server's worker is %d, %v", pid, err)
	}
	if err = server.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = server.Wait() // killed
	mediatest.Eventually(t, func() string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if _, rest, _ := strings.Cut(string(b), ") "); err != nil || strings.HasPrefix(rest, "Z") {
			return "" // or it waits for a parent that is not ours
		}
		return string(b)
	})
}
