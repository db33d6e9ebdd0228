package hls_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/segment"
)

func rates(tb testing.TB, body []byte) (peak, average int) {
	tb.Helper()
	m := regexp.MustCompile(`INF:BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+),`).FindSubmatch(body)
	if m == nil {
		tb.Fatalf("no rates in\n%s", body)
	}
	peak, _ = strconv.Atoi(string(m[1]))
	average, _ = strconv.Atoi(string(m[2]))
	return peak, average
}

// The playlist exists once every rendition has a segment, and what it states is
// only ever raised and never below what was measured.
func TestMultivariantOverTime(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 10*time.Second)
	// The pictures become ten times as large.
	at := len(c.items)
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityReconnect, 10*time.Second)
	for _, item := range c.items[at:] {
		if au := item.AccessUnit; au != nil && au.Track == media.VideoTrackID {
			au.Payload = append(au.Payload, make([]byte, 2000))
		}
	}
	l := newMemoryLog()
	peak, changes := 0, 0
	var last *hls.Document
	run(t, hls.DefaultConfig(), l, c.items, true, func(p *hls.Packager) {
		d := p.Multivariant()
		complete := len(p.Renditions()) == 2
		for _, name := range p.Renditions() {
			complete = complete && p.Snapshot(name).NextMSN > 0
		}
		if complete != (d != nil) {
			t.Fatalf("all complete: %v, playlist: %v", complete, d != nil)
		}
		if d == nil || d == last {
			return
		}
		changes++
		last = d
		now, _ := rates(t, d.Body)
		if now < peak {
			t.Fatalf("BANDWIDTH fell from %d to %d", peak, now)
		}
		peak = now
	})
	measured := 0.0
	for _, s := range l.renditions["source"].segments {
		measured = max(measured, float64(s.Bytes*8)/s.Duration.Seconds())
	}
	if float64(peak) < measured || float64(peak) > 1.3*measured+200_000 {
		t.Errorf("BANDWIDTH %d, measured %.0f", peak, measured)
	}
	if changes < 2 || changes > 6 {
		t.Errorf("playlist changed %d times", changes)
	}
}

// ladderItems is a class as the ladder delivers it: renditions with keyframes at
// the same pictures, and one audio.
func ladderItems(tb testing.TB, renditions int, d time.Duration) []stream.Item {
	tb.Helper()
	c := newClass()
	src := mediatest.New(tb, mediatest.Config{BFrames: true})
	tracks := src.Tracks()
	audio := tracks[1]
	audio.Rendition = "audio"
	tracks = tracks[:0:0]
	for i := range renditions {
		v := src.Tracks()[0]
		v.ID, v.Rendition = media.TrackID(10+i), []string{"1080p", "720p", "480p", "360p", "240p", "144p"}[i]
		v.Video.Width, v.Video.Height = 1920>>i, 1080>>i
		tracks = append(tracks, v)
	}
	c.begin(append(tracks, audio), media.DiscontinuityStart)
	for _, s := range src.Take(d) {
		if s.Track == media.AudioTrackID {
			c.sample(s, 0)
			continue
		}
		for _, v := range tracks {
			s.Track = v.ID
			c.sample(s, 0)
		}
	}
	return c.items
}

func TestLadder(t *testing.T) {
	w := newWatcher(t, hls.DefaultConfig())
	l := newMemoryLog()
	items := ladderItems(t, 4, 30*time.Second)
	p := run(t, hls.DefaultConfig(), l, items, true, w.observe)
	if f := audit(t, l, items); f != (faults{}) || w.shortParts+w.longParts+w.wrongHints > 0 {
		t.Errorf("faults: %+v, %d short parts", f, w.shortParts)
	}
	body := string(p.Multivariant().Body)
	if n := strings.Count(body, "#EXT-X-STREAM-INF:"); n != 5 || strings.Count(body, "#EXT-X-MEDIA:") != 1 ||
		strings.Count(body, `,AUDIO="audio"`) != 4 || !strings.Contains(body, "RESOLUTION=960x540") {
		t.Errorf("playlist:\n%s", body)
	}
	first := l.renditions["1080p"].segments
	for name, r := range l.renditions {
		for i, s := range r.segments {
			if name != "audio" && (s.Duration != first[i].Duration || !s.ProgramDateTime.Equal(first[i].ProgramDateTime) || s.MediaTime != first[i].MediaTime) {
				t.Errorf("%s: segment %d is not aligned", name, i)
			}
		}
	}
}

// A rendition whose media have left the window is not offered to new viewers.
func TestSilentRenditionIsNotOffered(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 5*time.Second)
	c.publish(mediatest.New(t, mediatest.Config{NoAudio: true}), media.DiscontinuityReconnect, 80*time.Second)
	p := run(t, hls.DefaultConfig(), newMemoryLog(), c.items, false, nil)
	if body := string(p.Multivariant().Body); strings.Contains(body, "AUDIO") || strings.Contains(body, "mp4a") {
		t.Errorf("playlist:\n%s", body)
	}
	if body := string(p.DVRMultivariant().Body); !strings.Contains(body, `URI="audio/dvr.m3u8"`) {
		t.Errorf("playlist of those who go back:\n%s", body)
	}
	if p.Snapshot("audio") == nil {
		t.Error("the rendition's own playlist is gone")
	}
}

// A declared track that never speaks must not hold back the others for ever.
func TestTrackThatNeverSpeaks(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 9*time.Second)
	items := c.items[:0:0]
	for _, item := range c.items {
		if item.AccessUnit == nil || item.AccessUnit.Track == media.VideoTrackID {
			items = append(items, item)
		}
	}
	p := run(t, hls.DefaultConfig(), newMemoryLog(), items, false, nil)
	if p.Multivariant() == nil || p.Snapshot("audio") != nil {
		t.Errorf("multivariant %v, audio %v", p.Multivariant(), p.Snapshot("audio"))
	}
}

func TestTracksThatCannotBePackaged(t *testing.T) {
	c := newClass()
	src := mediatest.New(t, mediatest.Config{})
	tracks := src.Tracks()
	tracks = append(tracks,
		media.Track{ID: 7, Codec: media.CodecVP8, Timescale: 90000, Rendition: "vp8"},
		media.Track{ID: 8, Codec: media.CodecAAC, Timescale: 48000, Rendition: "../etc"},
		media.Track{ID: 9, Codec: tracks[0].Codec, Timescale: 90000, Rendition: "source", Video: tracks[0].Video},
	)
	c.begin(tracks, media.DiscontinuityStart)
	c.more(src, 5*time.Second)
	for id := range 3 {
		c.unit(media.AccessUnit{Track: media.TrackID(7 + id), RandomAccess: true, Payload: [][]byte{{1}}})
	}
	l := newMemoryLog()
	p := run(t, hls.DefaultConfig(), l, c.items, true, nil)
	if got := p.Renditions(); len(got) != 2 {
		t.Errorf("renditions %v", got)
	}
}

// Parameter sets in band are those of the sample entry and are not stored twice.
func TestParameterSetsInBand(t *testing.T) {
	sizes := map[bool]int64{}
	for _, inBand := range []bool{false, true} {
		c := newClass()
		c.publish(mediatest.New(t, mediatest.Config{InBand: inBand}), media.DiscontinuityStart, 5*time.Second)
		l := newMemoryLog()
		run(t, hls.DefaultConfig(), l, c.items, true, nil)
		for _, s := range l.renditions["source"].segments {
			sizes[inBand] += s.Bytes
		}
	}
	if sizes[true] != sizes[false] {
		t.Errorf("%d bytes with sets in band, %d without", sizes[true], sizes[false])
	}
}

// A new format is hinted at before its first part is there, and after the break
// only: the same format needs no hint.
func TestInitHint(t *testing.T) {
	for _, tc := range []struct {
		name string
		next mediatest.Config
		want string
	}{
		{"same format", mediatest.Config{}, ""},
		{"other format", mediatest.Config{Large: true}, "init-1-k3x9.mp4"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClass()
			c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 5*time.Second)
			c.begin(mediatest.New(t, tc.next).Tracks(), media.DiscontinuityReconnect)
			p := run(t, hls.DefaultConfig(), newMemoryLog(), c.items, false, nil)
			if got := parsePlaylist(t, p.Snapshot("source").Full.Body); got.hintMap != tc.want || got.hintPart != "p3.0-k3x9.m4s" {
				t.Errorf("hints %q and %q", got.hintMap, got.hintPart)
			}
			if got := parsePlaylist(t, p.Snapshot("audio").Full.Body); got.hintMap != "" {
				t.Errorf("audio hints %q", got.hintMap)
			}
		})
	}
}

// Expire follows the window, so that storage can let go of old segments.
func TestWindowSlides(t *testing.T) {
	cfg := hls.DefaultConfig()
	cfg.Window = 24 * time.Second
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 60*time.Second)
	l := newMemoryLog()
	p := run(t, cfg, l, c.items, true, nil)
	for _, name := range p.Renditions() {
		s := p.Snapshot(name)
		var total time.Duration
		segments := parsePlaylist(t, s.Full.Body).segments
		for _, x := range segments {
			total += x.extinf
		}
		if r := l.renditions[name]; r.expired != s.FirstMSN || s.FirstMSN == 0 {
			t.Errorf("%s: expired below %d, playlist starts at %d", name, r.expired, s.FirstMSN)
		}
		if total < cfg.Window || total-segments[0].extinf >= cfg.Window {
			t.Errorf("%s lists %s", name, total)
		}
	}
	var _ hls.Log = (*segment.Log)(nil)
}
