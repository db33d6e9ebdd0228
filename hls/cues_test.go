package hls_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/playlist"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// cueTag is what an EXT-X-DATERANGE said when it was first seen.
type cueTag struct {
	line, event, id string
	at              time.Time
}

func parseCue(line string) (id string, c cueTag, err error) {
	a, err := attributes(line)
	if err != nil {
		return "", c, err
	}
	c = cueTag{line: line, event: a["X-EVENT"], id: a["X-CUE"]}
	if c.at, err = time.Parse("2006-01-02T15:04:05.000Z", a["START-DATE"]); err != nil {
		return "", c, err
	}
	duration, known := a["DURATION"]
	if c.event == "" || c.id == "" || a["ID"] == "" || a["CLASS"] != "org.lectern.cue" || known == (c.event == "poll.opened") || known && duration != "0.000" {
		return "", c, fmt.Errorf("attributes %v", a)
	}
	return a["ID"], c, nil
}

// cues checks the cues of a live list by themselves and over time.
func (w *watcher) cues(name string, before, now *mediaPlaylist, s *hls.Snapshot) {
	w.tb.Helper()
	listed := map[string]bool{}
	for _, line := range now.cues {
		id, c, err := parseCue(line)
		if err != nil || listed[id] {
			w.fail(100, name, "%s: twice %v, %v", line, listed[id], err)
		}
		if was, ok := w.told[id]; ok && was != c {
			w.fail(101, name, "%s was %s", line, was.line)
		}
		w.told[id], listed[id] = c, true
	}
	if w.everyDelta || w.checked%10 == 0 {
		if d := parsePlaylist(w.tb, s.Delta.Body); !slices.Equal(d.cues, now.cues) {
			w.fail(102, name, "the delta update has %q", d.cues)
		}
	}
	if before == nil || len(now.cues) == playlist.MaxLiveCues {
		return
	}
	first := now.open
	if len(now.segments) > 0 {
		first = now.segments[0]
	}
	for _, line := range before.cues {
		id, c, _ := parseCue(line)
		end := c.at
		if c.event == "poll.opened" {
			end = w.next(c)
		}
		if !listed[id] && (end.IsZero() || !end.Before(first.date)) {
			w.fail(101, name, "%s is gone, which lasts until %s", line, end)
		}
	}
}

// next is when the next of the same poll was told of, zero if that was not yet.
func (w *watcher) next(c cueTag) (at time.Time) {
	for _, other := range w.told {
		if other.id == c.id && other != c && !other.at.Before(c.at) && (at.IsZero() || other.at.Before(at)) {
			at = other.at
		}
	}
	return at
}

// teller is a host who opens polls, closes them and sets markers.
type teller struct {
	n, open int
	told    []hls.Cue
}

func (t *teller) cue(p *hls.Packager, what int) {
	at, ok := p.Edge()
	if !ok {
		return // a room without video has no cues
	}
	c := hls.Cue{Event: "marker", At: at.UTC().Round(time.Millisecond)}
	t.n++
	c.ID = fmt.Sprintf("k%d", t.n)
	switch {
	case what%3 == 0 && t.open == 0:
		c.Event, c.ID, c.Lasts = "poll.opened", fmt.Sprintf("p%d", t.n), true
		t.open = t.n
	case what%3 == 1 && t.open > 0:
		c.Event, c.ID = "poll.closed", fmt.Sprintf("p%d", t.open)
		t.open = 0
	}
	p.Cue(c)
	if what%5 == 0 {
		p.Cue(c) // again
	}
	t.told = append(t.told, c)
}

// audit compares what was told with what is kept.
func (t *teller) audit(tb testing.TB, l *memoryLog) {
	tb.Helper()
	if !slices.Equal(l.cues, t.told) && len(t.told) <= 2000 {
		tb.Errorf("kept %v\ntold %v", l.cues, t.told)
	}
}

// lecture is a class in which things happen, told at once when the edge is there.
func lecture(tb testing.TB, d time.Duration, at map[time.Duration]hls.Cue) (items *class, tell func(*hls.Packager)) {
	tb.Helper()
	c := newClass()
	c.publish(mediatest.New(tb, mediatest.Config{}), media.DiscontinuityStart, d)
	return c, func(p *hls.Packager) {
		edge, ok := p.Edge()
		if !ok {
			return
		}
		for after, cue := range at {
			if !edge.Before(c.wall.Add(after)) {
				cue.At = c.wall.Add(after)
				p.Cue(cue)
				delete(at, after)
			}
		}
	}
}

func opened(id string) hls.Cue { return hls.Cue{Event: "poll.opened", ID: id, Lasts: true} }
func closed(id string) hls.Cue { return hls.Cue{Event: "poll.closed", ID: id} }
func marker(id string) hls.Cue { return hls.Cue{Event: "marker", ID: id} }

// names returns event and id of the cues of a text.
func names(body []byte) string {
	var out []string
	for _, m := range regexp.MustCompile(`X-EVENT="([^"]*)",X-CUE="([^"]*)"`).FindAllSubmatch(body, -1) {
		out = append(out, string(m[1])+" "+string(m[2]))
	}
	return strings.Join(out, ", ")
}

// What happens in a class is in every list of every rendition: short ones let it go,
// the recording has all. A poll that is still open is there for those who come late.
func TestCues(t *testing.T) {
	c, tell := lecture(t, 150*time.Second, map[time.Duration]hls.Cue{
		10 * time.Second: opened("p1"), 20 * time.Second: closed("p1"), 30 * time.Second: opened("p2"),
		40 * time.Second: marker("k3"), 145 * time.Second: marker("k4"),
	})
	cfg := hls.DefaultConfig()
	cfg.DVRWindow = 2 * time.Minute
	l := newMemoryLog()
	w := newWatcher(t, cfg)
	seen := map[string]string{}
	last := ""
	p := run(t, cfg, l, c.items, true, func(p *hls.Packager) {
		tell(p)
		w.observe(p)
		s := p.Snapshot("source")
		if s == nil || last == fmt.Sprint(s.NextMSN, s.NextPart > 6, s.Ended) {
			return // it takes some time to look at every part
		}
		last = fmt.Sprint(s.NextMSN, s.NextPart > 6, s.Ended)
		for _, name := range p.Renditions() {
			s := p.Snapshot(name)
			if full, delta := s.DVR(); full != nil && !s.Ended {
				if names(full.Body) != names(delta.Body) {
					t.Fatalf("%s: the DVR list has %q, its delta update %q", name, names(full.Body), names(delta.Body))
				}
				seen[name+" dvr"] = names(full.Body)
			}
			if !s.Ended {
				seen[name] = names(s.Full.Body)
			}
		}
	})
	for _, name := range []string{"source", "audio"} {
		seen[name+" recording"] = names(p.Snapshot(name).Recording().Body)
		for list, want := range map[string]string{
			"":           "poll.opened p2, marker k4",
			" dvr":       "poll.opened p2, marker k3",
			" recording": "poll.opened p1, poll.closed p1, poll.opened p2, marker k3, marker k4",
		} {
			got := seen[name+list]
			if list == " dvr" {
				got = strings.TrimSuffix(got, ", marker k4") // comes with the next segment
			}
			if got != want {
				t.Errorf("%s%s: %q, want %q", name, list, got, want)
			}
		}
		if b := p.Snapshot(name).RecordingIFrames(); name == "source" && (b == nil || bytes.Contains(b.Body, []byte("DATERANGE"))) {
			t.Errorf("I-frame playlist: %v", b)
		}
	}
}

// A cue is in the lists of all renditions with the next part of any.
func TestCueComesWithTheNextPart(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 30*time.Second)
	var told *hls.Snapshot
	run(t, hls.DefaultConfig(), newMemoryLog(), c.items, true, func(p *hls.Packager) {
		s := p.Snapshot("source")
		edge, ok := p.Edge()
		switch {
		case !ok || edge.Before(c.wall.Add(12*time.Second)):
		case told == nil:
			told = s
			p.Cue(hls.Cue{Event: "marker", ID: "k1", At: edge})
		case p.Snapshot("audio") != nil && s != told:
			for _, name := range p.Renditions() {
				if got := names(p.Snapshot(name).Full.Body); got != "marker k1" {
					t.Fatalf("%s lists %q after the cue", name, got)
				}
			}
		}
	})
}

// After a restart the cues are there at once, and telling them again changes nothing;
// those that had not come to the folder are told then.
func TestCuesAfterARestart(t *testing.T) {
	c, tell := lecture(t, 20*time.Second, map[time.Duration]hls.Cue{5 * time.Second: opened("p1"), 15 * time.Second: closed("p1")})
	l := newMemoryLog()
	before := run(t, hls.DefaultConfig(), l, c.items, false, tell)
	old := names(before.Snapshot("source").Full.Body)
	if old != "poll.opened p1, poll.closed p1" {
		t.Fatalf("lists %q", old)
	}
	all := slices.Clone(l.cues)
	l.cues = l.cues[:1] // killed before the second was on the disk
	l.epoch = "n3w1"

	c.items = nil
	c.away(3 * time.Second)
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 10*time.Second)
	recalled := false
	after := run(t, hls.DefaultConfig(), l, c.items, true, func(p *hls.Packager) {
		if !recalled {
			recalled = true
			if got := names(p.Snapshot("source").Full.Body); got != "poll.opened p1" {
				t.Errorf("at once: %q", got)
			}
			for range 2 {
				for _, cue := range all {
					p.Cue(cue)
				}
			}
		}
	})
	for what, body := range map[string][]byte{"live": after.Snapshot("source").Full.Body, "recording": after.Snapshot("audio").Recording().Body} {
		if got := names(body); got != old {
			t.Errorf("%s: %q, want %q", what, got, old)
		}
	}
	if !slices.Equal(l.cues, all) {
		t.Errorf("kept %v", l.cues)
	}
	after.Cue(marker("k9"))
	if len(l.cues) != len(all) {
		t.Error("a cue after the end")
	}
}

// A host who marks every second does not make the live list long, and a room gone mad
// not the recording.
func TestCuesAreBounded(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 12*time.Second)
	l := newMemoryLog()
	told := false
	p := run(t, hls.DefaultConfig(), l, c.items, true, func(p *hls.Packager) {
		if edge, ok := p.Edge(); ok && !told && edge.After(c.wall.Add(5*time.Second)) {
			told = true
			p.Cue(hls.Cue{Event: "marker", ID: `"`, At: edge})
			for i := range 2100 {
				p.Cue(hls.Cue{Event: "marker", ID: fmt.Sprintf("k%04d", i), At: edge.Add(time.Duration(i) * time.Millisecond)})
			}
		}
	})
	if n := len(l.cues); n != 1999 {
		t.Errorf("%d are kept", n)
	}
	s := p.Snapshot("source")
	live, all := names(s.Full.Body), names(s.Recording().Body)
	if n := strings.Count(live, "marker"); n != playlist.MaxLiveCues || !strings.HasSuffix(live, "k1998") {
		t.Errorf("%d in the live list: %s", n, live)
	}
	if n := strings.Count(all, "marker"); n != 1999 {
		t.Errorf("%d in the recording", n)
	}
	if len(s.Full.Body) > 40<<10 {
		t.Errorf("the live list has %d bytes", len(s.Full.Body))
	}
}

func TestGoldenCues(t *testing.T) {
	c, tell := lecture(t, 39*time.Second, map[time.Duration]hls.Cue{
		3 * time.Second: opened("p12"), 9*time.Second + 250*time.Millisecond: closed("p12"),
		10 * time.Second: {Event: "poll.revealed", ID: "p12"}, 35 * time.Second: marker("k40"),
	})
	texts := map[string][]byte{}
	p := run(t, hls.DefaultConfig(), newMemoryLog(), c.items, true, func(p *hls.Packager) {
		tell(p)
		if s := p.Snapshot("source"); s != nil && !s.Ended {
			texts["live"], texts["delta"] = s.Full.Body, s.Delta.Body
			if full, delta := s.DVR(); full != nil {
				texts["dvr"], texts["dvr.delta"] = full.Body, delta.Body
			}
		}
	})
	texts["recording"] = p.Snapshot("source").Recording().Body
	for name, text := range texts {
		golden(t, "cues."+name, text)
		parseBack(t, "."+name, text)
	}
}
