package segment_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

func TestCuesAreKept(t *testing.T) {
	f := newFixture(t)
	opened := segment.Cue{Event: "poll.opened", ID: "p7", At: epochTime(), Lasts: true}
	marker := segment.Cue{Event: "marker", ID: "k9", At: epochTime().Add(time.Second)}
	index := record(t, f, 2)
	l := f.open(t)
	if got := l.Cues(); len(got) != 0 {
		t.Fatalf("cues of a folder that has none: %v", got)
	}
	stop := f.run(t)
	l.PutCue(opened)
	l.PutCue(segment.Cue{Event: `poll"`, ID: "p8", At: epochTime()})
	l.PutCue(segment.Cue{Event: "marker", ID: "k1"})
	putSegment(t, l, 2, replaySize)
	l.PutCue(marker)
	want := []segment.Cue{opened, marker}
	if got := l.Cues(); !slices.Equal(got, want) {
		t.Errorf("cues = %v", got)
	}
	stop()

	l = f.open(t)
	if got := l.Cues(); !slices.Equal(got, want) {
		t.Errorf("cues after a restart = %v", got)
	}
	if got := shape(l.Renditions()); got != "sss" {
		t.Errorf("segments = %s", got)
	}
	if now := readIndex(t, f); !bytes.HasPrefix(now, index) {
		t.Error("the index was not only appended to")
	}

	// A cue of which the line is damaged costs no other, and no segment.
	damaged := bytes.Replace(readIndex(t, f), []byte(`"p7"`), []byte(`"p6"`), 1)
	writeIndex(t, f, damaged)
	l = f.open(t)
	if got := l.Cues(); !slices.Equal(got, want[1:]) || shape(l.Renditions()) != "sss" {
		t.Errorf("with a damaged line: %v, segments %s", got, shape(l.Renditions()))
	}
}

func TestForgedCuesAreRefused(t *testing.T) {
	f := newFixture(t)
	index := record(t, f, 1)
	for _, text := range []string{
		`{"epoch":"abc","cue":{}}`,
		`{"epoch":"abc","cue":{"event":"a","id":"b"}}`,
		`{"epoch":"abc","cue":{"event":"a","id":"b\"","at":"2026-03-04T10:00:00Z"}}`,
		`{"epoch":"abc","cue":{"event":"a\n","id":"b","at":"2026-03-04T10:00:00Z"}}`,
		`{"epoch":"abc","cue":{"event":"a","id":"` + strings.Repeat("b", 65) + `","at":"2026-03-04T10:00:00Z"}}`,
		`{"epoch":"abc","init":{"rendition":"source","id":3,"bytes":1},"cue":{"event":"a","id":"b","at":"2026-03-04T10:00:00Z"}}`,
	} {
		writeIndex(t, f, append(bytes.Clone(index), segment.Line(text)...))
		if l := f.open(t); len(l.Cues()) != 0 || shape(l.Renditions()) != "s" {
			t.Errorf("%s: cues %v, segments %s", text, l.Cues(), shape(l.Renditions()))
		}
	}
}

// A disk that fails for a while delays cues and loses none.
func TestCuesWaitForTheDisk(t *testing.T) {
	f := newFixture(t)
	cue := segment.Cue{Event: "marker", ID: "k1", At: epochTime()}
	l := f.open(t)
	stop := f.run(t)
	putInit(t, l, 0)
	putSegment(t, l, 0, replaySize)
	l.Settle(t.Context())
	f.fs.set("sync")
	l.PutCue(cue)
	l.Settle(t.Context())
	f.fs.set()
	stop()
	if got := f.open(t).Cues(); !slices.Equal(got, []segment.Cue{cue}) {
		t.Errorf("cues = %v", got)
	}
}
