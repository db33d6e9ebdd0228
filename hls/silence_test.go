package hls_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// Where sound and pictures do not begin, go on and end together, silence and standing
// pictures keep the sum of EXTINF that of the media, in every rendition.
func TestTornEnds(t *testing.T) {
	const length = 9 * time.Second
	for i, tc := range []struct {
		name  string
		start time.Duration // of the sound
		mute  media.TrackID // track that has nothing
		from  time.Duration
		until time.Duration
	}{
		{name: "together"},
		{name: "sound a little later", start: 60 * time.Millisecond},
		{name: "sound later", start: 700 * time.Millisecond},
		{name: "pictures later", start: -150 * time.Millisecond},
		{name: "pictures much later", start: -450 * time.Millisecond},
		{name: "sound ends first", mute: 2, from: length - 900*time.Millisecond, until: length},
		{name: "pictures end first", mute: 1, from: length - 150*time.Millisecond, until: length},
		{name: "a hole in the sound", mute: 2, from: 3300 * time.Millisecond, until: 4100 * time.Millisecond},
		{name: "a hole in the sound over a cut", mute: 2, from: 3300 * time.Millisecond, until: 6300 * time.Millisecond},
		{name: "a segment without sound", mute: 2, from: 3 * time.Second, until: 8 * time.Second},
	} {
		rate := []int{48000, 44100}[i%2]
		t.Run(tc.name, func(t *testing.T) {
			c := newClass()
			for i := range 2 {
				at := c.at
				c.publish(mediatest.New(t, mediatest.Config{AudioStart: tc.start, SampleRate: rate}), media.DiscontinuityReason(1+i), length)
				c.items = slices.DeleteFunc(c.items, func(item stream.Item) bool {
					au := item.AccessUnit
					if au == nil || au.Track != tc.mute {
						return false
					}
					d := c.tracks[slices.IndexFunc(c.tracks, func(t media.Track) bool { return t.ID == au.Track })].Timescale.Duration(au.DTS) - at
					return d >= tc.from && d < tc.until
				})
			}
			w := newWatcher(t, hls.DefaultConfig())
			l := newMemoryLog()
			run(t, hls.DefaultConfig(), l, c.items, true, w.observe)
			if f := audit(t, l, c.items); f != (faults{}) {
				t.Errorf("%+v", f)
			}
			if w.longParts+w.shortParts > 0 {
				t.Errorf("%d long and %d short parts", w.longParts, w.shortParts)
			}
			for _, track := range c.tracks {
				addsUp(t, track.Rendition, l.renditions[track.Rendition], track.Timescale)
			}
		})
	}
}

// addsUp checks that over every run of segments EXTINF and media are at most a frame
// apart at either end (check 56).
func addsUp(t *testing.T, name string, r *memoryRendition, scale media.Timescale) {
	t.Helper()
	samples := readBack(t, r)
	if len(samples) == 0 {
		t.Fatalf("%s is empty", name)
	}
	var drift, least, most time.Duration
	for i, s := range r.segments {
		if i == 0 || s.Discontinuity || s.Gap {
			drift, least, most = 0, 0, 0
		}
		if s.Gap {
			continue
		}
		start, end, frame := int64(1)<<62, int64(0), time.Duration(0)
		for _, x := range samples {
			if x.msn == s.MSN {
				start, end, frame = min(start, x.pts), max(end, x.pts+x.length), max(frame, scale.Duration(x.length))
			}
		}
		drift += s.Duration - scale.Duration(end-start)
		least, most = min(least, drift), max(most, drift)
		if most-least > 2*(frame+time.Millisecond) {
			t.Errorf("%s: up to segment %d EXTINF and media are %v apart", name, s.MSN, most-least)
		}
	}
}
