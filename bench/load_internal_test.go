package bench

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

func TestSumMetric(t *testing.T) {
	const text = "# HELP a_total Things.\n# TYPE a_total counter\na_total{x=\"1\"} 2\na_total{x=\"2 3\"} 3.5\na_total_more 9\nb 7\n"
	for name, want := range map[string]float64{"a_total": 5.5, "b": 7} {
		if got, err := sumMetric(strings.NewReader(text), name); err != nil || got != want {
			t.Errorf("%s = %v, %v; want %v", name, got, err, want)
		}
	}
	if _, err := sumMetric(strings.NewReader(text), "c"); err == nil {
		t.Error("there is a metric c")
	}
}

func TestListMedia(t *testing.T) {
	got, err := listMedia(strings.NewReader("#EXTM3U\n#EXTINF:4,\ns1.m4s\n\n#EXT-X-PART:URI=\"p\"\n#EXTINF:4,\ns2.m4s\n"), "/live/c/source")
	if want := []string{"/live/c/source/s1.m4s", "/live/c/source/s2.m4s"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("media = %v, %v; want %v", got, err, want)
	}
}

func TestQuoted(t *testing.T) {
	for _, tc := range []struct{ attributes, want string }{
		{`DURATION=1,URI="a.m4s"`, "a.m4s"}, {`URI="b.m4s",DURATION=1`, "b.m4s"}, {`OTHER-URI="c"`, ""}, {``, ""},
	} {
		if got := quoted(tc.attributes, "URI"); got != tc.want {
			t.Errorf("URI of %q = %q, want %q", tc.attributes, got, tc.want)
		}
	}
}

func TestMedianCost(t *testing.T) {
	all := []serving{{cpu: time.Second, bytes: 1e9}, {cpu: 5 * time.Second, bytes: 1e9}, {cpu: 2 * time.Second, bytes: 1e9}}
	if got, want := medianCost(all), 2.0/8; got != want {
		t.Errorf("median = %v, want %v", got, want)
	}
}

func TestFair(t *testing.T) {
	took := make([]time.Duration, 200)
	if err := fair([]serving{{took: took}, {took: took, late: 2}}); err != nil {
		t.Errorf("err = %v", err)
	}
	if err := fair([]serving{{took: took}, {took: took, late: 3}}); !errors.Is(err, errBusy) {
		t.Errorf("err = %v, want %v", err, errBusy)
	}
}

func TestAttacks(t *testing.T) {
	one, two := newAttacks(1, "/live/c/source/", "/live/c/source/s1.m4s"), newAttacks(1, "/live/c/source/", "/live/c/source/s1.m4s")
	kinds := map[string]int{}
	for range 300 {
		a := one.next()
		if b := two.next(); a != b {
			t.Fatal("the same seed gives other requests")
		}
		if a.text == "" {
			t.Errorf("an empty request of kind %s", a.kind)
		}
		kinds[a.kind]++
	}
	if len(kinds) != 6 {
		t.Errorf("kinds: %v", kinds)
	}
}

func TestUndisturbed(t *testing.T) {
	ms := func(n int) []time.Duration { return []time.Duration{time.Duration(n) * time.Millisecond} }
	for _, tc := range []struct {
		name        string
		calm, rough []time.Duration
		missed      int
	}{
		{"below the target", ms(1), ms(50), 0}, {"above it, as before", ms(60), ms(90), 0}, {"slower", ms(20), ms(51), 1}, {"nothing came", ms(1), nil, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := &verdicts{out: io.Discard}
			if v.undisturbed("x", tc.calm, tc.rough, 50*time.Millisecond); v.missed != tc.missed {
				t.Errorf("%d missed, want %d", v.missed, tc.missed)
			}
		})
	}
}

func TestCutOff(t *testing.T) {
	set, slice := append([]byte{0x67}, make([]byte, 99)...), append([]byte{0x65}, make([]byte, 99)...)
	got := cutOff(Pictures{{set, slice}}, 10)
	if len(got) != 1 || !bytes.Equal(got[0][0], set) || !bytes.Equal(got[0][1], slice[:10]) {
		t.Errorf("pictures = %v", got)
	}
}

// TestLesson looks at the order and the clocks of what a lesson gives.
func TestLesson(t *testing.T) {
	sound := soundTrack()
	picture := Pictures{{{0x67}, {0x68}, {0x65, 1}}, {{0x41, 2}}}
	m := &material{tracks: []media.Track{picture.Track(64, 36), sound}, full: []Pictures{picture}, small: []Pictures{picture}, sound: [][]byte{{1}}}
	m.tracks[0].ID = 10
	const from = time.Hour
	l := &lesson{material: m, began: lessonStart(), from: from}
	l.before = func(_ context.Context, at time.Duration) error {
		if at >= from+time.Second {
			return io.EOF
		}
		return nil
	}
	var items []stream.Item
	for {
		item, err := l.Next(t.Context())
		if err != nil {
			break
		}
		items = append(items, item)
	}
	if items[0].Discontinuity == nil {
		t.Fatal("it does not begin with a discontinuity")
	}
	next := map[media.TrackID]int64{10: media.TimescaleVideo.Ticks(from), sound.ID: sound.Timescale.Ticks(from)}
	count := map[media.TrackID]int{}
	for _, item := range items[1:] {
		au := item.AccessUnit
		scale, step := media.TimescaleVideo, pictureTicks
		if au.Track == sound.ID {
			scale, step = sound.Timescale, 1024
		}
		if au.DTS != next[au.Track] || au.PTS != au.DTS {
			t.Fatalf("track %d is at %d, want %d", au.Track, au.DTS, next[au.Track])
		}
		if off := au.CapturedAt.Sub(lessonStart()) - scale.Duration(au.PTS); off.Abs() > time.Millisecond {
			t.Errorf("track %d: the wall clock is off by %s", au.Track, off)
		}
		if au.Track == 10 && au.RandomAccess != (count[10]%2 == 0) {
			t.Errorf("picture %d: random access is %t", count[10], au.RandomAccess)
		}
		next[au.Track] += step
		count[au.Track]++
	}
	if count[10] != 30 || count[sound.ID] < 45 || count[sound.ID] > 47 {
		t.Errorf("access units: %v", count)
	}
}
