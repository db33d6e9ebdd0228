package hls_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// The DVR list has what the live list has and what came before it, the same at all
// times; a delta update makes the same list of the one before.
func TestDVR(t *testing.T) {
	cfg := hls.DefaultConfig()
	cfg.DVRWindow = 2 * time.Minute
	c := newClass()
	for range 5 {
		c.publish(mediatest.New(t, mediatest.Config{NoAudio: true}), media.DiscontinuityReconnect, time.Minute)
	}
	seen := map[int]mediaSegment{}
	var last *mediaPlaylist
	lists := 0
	p := run(t, cfg, newMemoryLog(), c.items, false, func(p *hls.Packager) {
		s := p.Snapshot("source")
		if s == nil {
			return
		}
		full, delta := s.DVR()
		if full == nil || last != nil && last.segments[len(last.segments)-1].msn == s.NextMSN-1 {
			return
		}
		now := parsePlaylist(t, full.Body)
		lists++
		var total time.Duration
		for _, x := range now.segments {
			if old, ok := seen[x.msn]; ok && !reflect.DeepEqual(old, x) && x.msn != now.msn {
				t.Fatalf("segment %d was %+v and is %+v", x.msn, old, x)
			}
			seen[x.msn] = x
			total += x.extinf
		}
		if first := now.segments[0].extinf; total-first >= cfg.DVRWindow || len(now.open.parts) > 0 || now.hintPart != "" {
			t.Fatalf("%s listed:\n%s", total, full.Body)
		}
		if live := parsePlaylist(t, s.Full.Body); len(live.segments) > 0 &&
			(live.segments[0].uri != seen[live.msn].uri || live.dsn != seen[live.msn].dsn-tagged(live.segments[0])) {
			t.Fatalf("the live list is another one: %+v", live)
		}
		if last != nil {
			if now.msn < last.msn || now.dsn < last.dsn {
				t.Fatalf("from %d to %d", last.msn, now.msn)
			}
			merged, err := merge(last, parsePlaylist(t, delta.Body))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(merged.segments, now.segments, func(a, b mediaSegment) bool { return a.uri == b.uri && a.dsn == b.dsn && a.initURI == b.initURI }) {
				t.Fatalf("delta:\n%s\nof\n%s", delta.Body, full.Body)
			}
		}
		last = now
	})
	if n := len(last.segments); last.msn == 0 || n < 28 || lists < 60 {
		t.Errorf("%d lists, of the last %d segments from %d on", lists, n, last.msn)
	}
	if live := p.Snapshot("source").FirstMSN; live <= last.msn+10 {
		t.Errorf("the live list begins with %d, the DVR with %d", live, last.msn)
	}
	cfg.DVRWindow = 0
	p = run(t, cfg, newMemoryLog(), c.items[:200], false, nil)
	if full, delta := p.Snapshot("source").DVR(); full != nil || delta != nil || p.DVRMultivariant() != nil {
		t.Error("a DVR that is switched off")
	}
}

func tagged(s mediaSegment) int {
	if s.discontinuity {
		return 1
	}
	return 0
}

// What ends is listed as a whole, beside live and DVR lists that only end. A
// rendition that came later begins with gaps.
func TestRecording(t *testing.T) {
	cfg := hls.DefaultConfig()
	cfg.DVRWindow = 70 * time.Second
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{NoAudio: true}), media.DiscontinuityStart, 50*time.Second)
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 100*time.Second)
	l := newMemoryLog()
	p := run(t, cfg, l, c.items, true, nil)
	for _, name := range []string{"source", "audio"} {
		s := p.Snapshot(name)
		got := parsePlaylist(t, s.Recording().Body)
		if !got.ended || got.msn != 0 || len(got.segments) != s.NextMSN || !strings.Contains(string(s.Recording().Body), "\n#EXT-X-PLAYLIST-TYPE:VOD\n") {
			t.Fatalf("%s: %d segments from %d on of %d", name, len(got.segments), got.msn, s.NextMSN)
		}
		for i, x := range got.segments {
			want := l.renditions["source"].segments[i]
			if x.gap != (name == "audio" && want.MediaTime < 50*time.Second) || x.extinf != want.Duration || x.dsn != want.DiscontinuitySequence || !x.date.Equal(want.ProgramDateTime.Round(time.Millisecond)) {
				t.Errorf("%s: %+v, want %+v", name, x, want)
			}
		}
		dvr, _ := s.DVR()
		for _, list := range []*mediaPlaylist{parsePlaylist(t, s.Full.Body), parsePlaylist(t, dvr.Body)} {
			if !list.ended || list.msn == 0 || list.segments[0].uri != got.segments[list.msn].uri {
				t.Errorf("%s: a list from %d on", name, list.msn)
			}
		}
	}
	// It is the same when it is read again later.
	again := run(t, cfg, l, nil, true, nil)
	for _, name := range []string{"source", "audio"} {
		if a, b := p.Snapshot(name).Recording(), again.Snapshot(name).Recording(); a.ETag != b.ETag {
			t.Errorf("%s:\n%s\nwas\n%s", name, b.Body, a.Body)
		}
	}
	if !bytes.Equal(p.Multivariant().Body, again.Multivariant().Body) {
		t.Errorf("multivariant\n%s\nwas\n%s", again.Multivariant().Body, p.Multivariant().Body)
	}
}

// Many may ask for long lists while the class goes on.
func TestDVRIsReadWhileItGrows(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{NoAudio: true}), media.DiscontinuityStart, 2*time.Minute)
	snapshots := make(chan *hls.Snapshot, 1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for s := range snapshots {
				full, delta := s.DVR()
				if s.NextMSN > 0 && (full == nil || len(delta.Body) == 0 || !strings.HasSuffix(string(full.Body), ".m4s\n")) {
					t.Errorf("segment %d: no list", s.NextMSN)
				}
			}
		})
	}
	run(t, hls.DefaultConfig(), newMemoryLog(), c.items, false, func(p *hls.Packager) {
		if s := p.Snapshot("source"); s != nil {
			snapshots <- s
		}
	})
	close(snapshots)
	wg.Wait()
}

// A crash tears a segment at another place in each rendition. It is as long in all
// of them afterwards, under the names that it had; what follows has new names.
func TestTornSegments(t *testing.T) {
	l := newMemoryLog()
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 21*time.Second)
	before := run(t, hls.DefaultConfig(), l, c.items, false, nil)
	source, audio := l.renditions["source"], l.renditions["audio"]
	n := len(source.segments) - 1
	tear := func(r *memoryRendition, parts int) {
		s := &r.segments[n]
		s.Torn, s.Duration = true, 0
		s.Parts, r.parts[s.MSN] = s.Parts[:parts], r.parts[s.MSN][:parts]
		for _, p := range s.Parts {
			s.Duration += p.Duration
		}
	}
	tear(source, 1)
	tear(audio, 2)
	longest := audio.segments[n].Duration
	if source.segments[n].Duration == longest {
		t.Fatal("torn alike")
	}

	l.epoch = "next"
	c.items = nil
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 9*time.Second)
	p := run(t, hls.DefaultConfig(), l, c.items, true, nil)
	for _, name := range []string{"source", "audio"} {
		was, is := parsePlaylist(t, before.Snapshot(name).Full.Body), parsePlaylist(t, p.Snapshot(name).Full.Body)
		torn := is.segments[n]
		if torn.uri != was.segments[n].uri || torn.gap || torn.extinf != longest {
			t.Errorf("%s: %+v after the crash, %+v before", name, torn, was.segments[n])
		}
		after := is.segments[n+1]
		if !after.discontinuity || after.msn != torn.msn+1 || mustName(t, after.uri).Epoch != "next" || after.initURI != torn.initURI {
			t.Errorf("%s: goes on with %+v", name, after)
		}
		recorded := parsePlaylist(t, p.Snapshot(name).Recording().Body)
		if recorded.segments[n].extinf != longest {
			t.Errorf("%s: recorded %+v", name, recorded.segments[n])
		}
	}
}
