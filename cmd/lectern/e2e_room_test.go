//go:build e2e

package main_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/bench"
	"github.com/lectern/lectern/cmd/internal/lecture"
	"github.com/lectern/lectern/realtime/api"
)

const (
	// showGuests are in the room beside the two windows; LECTERN_E2E_GUESTS is another
	// number, for a small machine.
	showGuests = 2000
	// showBehind is how far behind the student is, in seconds.
	showBehind = 15
	// showLoose is what the moment of a card may differ by from its moment in the
	// picture: how often the page looks, how often the witness does, two frames. What
	// the machine is to blame for comes on top.
	showLoose = 400 * time.Millisecond
)

// TestRoom is the room as it is meant to be: a teacher in the studio, a student who is
// 15 s behind, 2,000 others. The teacher asks; the student is asked when the burned-in
// clock in their own picture shows the moment at which the teacher did, and not when
// the page was told. Everybody's vote counts once, and beside the recording the poll and
// the chat come at the same moments again. It is not parallel: it takes all of
// a small machine.
func TestRoom(t *testing.T) {
	guests := showGuests
	if env := os.Getenv("LECTERN_E2E_GUESTS"); env != "" {
		var err error
		if guests, err = strconv.Atoi(env); err != nil || guests < 4 {
			t.Fatalf("LECTERN_E2E_GUESTS=%s is no number of guests", env)
		}
	}
	srv := startServer(t, t.TempDir())
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "algebra", Title: "Linear algebra"})
	if err != nil {
		t.Fatal(err)
	}
	lesson, err := lecture.Prepare(t.Context(), t.TempDir(), lecture.Options{Width: 640, Height: 360, TimeStrip: true})
	if err != nil {
		t.Fatal(err)
	}
	startEncoder(t, lesson, c.Ingest.RTMP+"/"+c.StreamKey)
	until(t, func() string {
		if code, body := get(t, c.Playback.HLS); code != http.StatusOK {
			return fmt.Sprintf("%s answers %d %s", c.Playback.HLS, code, body)
		}
		return ""
	})
	crowd, err := bench.NewGuests(t.Context(), srv.api, srv.HTTP, c.ID, guests)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(crowd.Leave)
	t.Logf("%d guests are in the room", guests)

	show := startShow(t, c.Studio, c.Playback.Watch)
	at := show.do(fmt.Sprint("enter ", showBehind))
	if at.Behind < showBehind-5 {
		t.Fatalf("the student is %.1f s behind", at.Behind)
	}
	if slices.Contains(at.Problems, "All qualities are offered.") {
		t.Errorf("the teacher is told of the problems %q", at.Problems)
	}
	show.do("chat Ada Byron")
	if err = crowd.Say(t.Context(), "Hello from the last row"); err != nil {
		t.Fatal(err)
	}
	show.do("read Hello from the last row")

	// The poll.
	clicked := time.Now()
	poll := show.do("open Which one is it?")
	if err = crowd.Told(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err = crowd.Vote(t.Context(), poll.Poll, 4); err != nil {
		t.Fatal(err)
	}
	show.do(fmt.Sprint("tally ", guests))
	seen := show.do("seen")
	if seen.Known == nil || seen.Shown == nil {
		t.Fatalf("the student's page saw %+v", seen)
	}
	due := burnedIn(t, c, time.UnixMilli(poll.At))
	judgeMoment(t, due, seen)
	if age := clicked.Sub(time.UnixMilli(poll.At)); age < -patience || age > patience {
		t.Errorf("the poll is for %s before the teacher asked", age)
	}
	show.do("screenshot " + filepath.Join(t.ArtifactDir(), "poll"))
	show.do("vote B")

	counts := make([]int, 4)
	for i := range guests {
		counts[i%4]++
	}
	counts[1]++
	want := make([]string, len(counts))
	for i, n := range counts {
		want[i] = fmt.Sprintf("(%s)", thousands(n))
	}
	if got := show.do(fmt.Sprint("tally ", guests+1)).Numbers; !slices.EqualFunc(got, want, strings.HasSuffix) {
		t.Errorf("the teacher is told %v, want %v", got, want)
	}
	if got := show.do("reveal").Numbers; !slices.EqualFunc(got, want, strings.HasSuffix) {
		t.Errorf("the student is told %v, want %v", got, want)
	}
	show.do("screenshot " + filepath.Join(t.ArtifactDir(), "results"))

	show.do("end")
	show.do("close")
	show.do("recording")
	again := show.do(fmt.Sprint("replay ", due.UnixMilli()))
	show.do("screenshot " + filepath.Join(t.ArtifactDir(), "recording"))
	off := time.UnixMilli(again.Shown.Clock).Sub(due)
	late := time.Duration(again.Late * float64(time.Millisecond))
	t.Logf("beside the recording the poll came %s after its moment (the page stood still for %s at most)", off, late.Round(time.Millisecond))
	if again.Wait == 0 || off < -showLoose || off > showLoose+3*late {
		t.Errorf("beside the recording the poll came %s after the picture of its moment, and was missing in %d looks before", off, again.Wait)
	}
	for _, text := range []string{"Good morning everybody", "Good morning", "Hello from the last row"} {
		if !slices.Contains(again.Said, text) {
			t.Errorf("what was said before the poll is %q, without %q", again.Said, text)
		}
	}
	_, metrics := get(t, "http://"+srv.Admin+"/metrics")
	t.Logf("the server has taken %s s of CPU", cpuSeconds.FindStringSubmatch(metrics)[1])
}

var cpuSeconds = regexp.MustCompile(`(?m)^process_cpu_seconds_total (\S+)`)

// thousands writes a number as the pages do.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// judgeMoment compares what the student saw with the picture that was on the air at
// the moment of the poll, as the server recorded it.
func judgeMoment(t *testing.T, due time.Time, seen scene) {
	t.Helper()
	known := due.Sub(time.UnixMilli(seen.Known.Clock))
	off := time.UnixMilli(seen.Shown.Clock).Sub(due)
	late := time.Duration(seen.Late * float64(time.Millisecond))
	t.Logf("the page knew of the poll %s of the lecture before its moment and did not show it in %d looks; the card came %s after it (the page stood still for %s at most)",
		known.Round(time.Millisecond), seen.Wait, off, late.Round(time.Millisecond))
	if seen.Known.Shown || seen.Wait == 0 || known < (showBehind-5)*time.Second {
		t.Errorf("the student saw the poll with %s of the lecture to go", known)
	}
	if loose := showLoose + 3*late; off < -loose || off > loose {
		t.Errorf("the card came %s after the picture of its moment", off)
	}
}

// burnedIn reads the clock in the recorded picture that the playlist dates at.
func burnedIn(t *testing.T, c api.Class, at time.Time) time.Time {
	t.Helper()
	base := strings.TrimSuffix(c.Playback.HLS, "index.m3u8") + "source/"
	var list string
	var date time.Time
	var uri string
	until(t, func() string {
		_, list = get(t, base+"dvr.m3u8")
		l, err := parseWatched(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range l.rows {
			lasts, derr := time.ParseDuration(r.duration + "s")
			date, err = time.Parse(time.RFC3339, r.date)
			if uri = r.uri; err == nil && derr == nil && uri != "" && !at.Before(date) && at.Before(date.Add(lasts)) {
				return ""
			}
		}
		return fmt.Sprintf("no segment holds %s in\n%s", at, list)
	})
	file := filepath.Join(t.TempDir(), "segment.mp4")
	_, head := get(t, base+regexp.MustCompile(`#EXT-X-MAP:URI="([^"]+)"`).FindStringSubmatch(list)[1])
	_, media := get(t, base+uri)
	if err := os.WriteFile(file, []byte(head+media), 0o600); err != nil {
		t.Fatal(err)
	}
	// The middle row of the strip, see Options.TimeStrip.
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", file, "-vf", "crop=320:1:0:4:exact=1,format=gray", "-fps_mode", "passthrough", "-f", "rawvideo", "-").Output()
	if err != nil || len(out) < 320 {
		t.Fatalf("decode %s: %v, %d bytes", uri, err, len(out))
	}
	frame := min(int(at.Sub(date)/frame30), len(out)/320-1)
	value := int64(0)
	for bit := range 32 {
		value *= 2
		if out[frame*320+bit*10+5] > 127 {
			value++
		}
	}
	const turn = int64(1) << 32
	now := at.UnixMilli()
	made := now - now%turn + value
	if made > now+turn/2 {
		made -= turn
	} else if made < now-turn/2 {
		made += turn
	}
	return time.UnixMilli(made)
}

// show is the two windows.
type show struct{ *windows }

// glance is one look at the student's page.
type glance struct {
	Clock int64 // burned into the picture, in ms
	Shown bool
}

// scene is what the windows answer; see show.mjs.
type scene struct {
	Behind   float64
	Problems []string
	Poll     string
	At       int64
	Known    *glance
	Shown    *glance
	Wait     int
	Late     float64
	Numbers  []string
	Said     []string
	Faults   []string
	Error    string
}

func startShow(t *testing.T, studio, watch string) *show {
	t.Helper()
	return &show{startWindows(t, "show.mjs", studio, watch)}
}

// do has the windows do something, and fails the test if it went wrong.
func (s *show) do(command string) scene {
	s.t.Helper()
	began := time.Now()
	var a scene
	s.ask(command, &a)
	if a.Error != "" || len(a.Faults) > 0 {
		s.t.Fatalf("%s: %s %v", command, a.Error, a.Faults)
	}
	s.t.Logf("%s: %s", strings.SplitN(command, "/", 2)[0], time.Since(began).Round(time.Millisecond))
	return a
}
