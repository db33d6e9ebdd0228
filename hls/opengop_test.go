package hls_test

import (
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// The segments of open groups of pictures begin where their first picture is shown, the
// leading pictures before the keyframe included, and those that cannot be decoded after
// a discontinuity are left out.
func TestOpenGOP(t *testing.T) {
	const (
		gop, leading = 60, 3
		frame        = int64(media.TimescaleVideo) / 30
	)
	src := mediatest.New(t, mediatest.Config{Codec: media.CodecHEVC})
	c := newClass()
	skipped := map[int64]bool{}
	for run := range 2 {
		c.begin(src.Tracks(), media.DiscontinuityReason(1+run))
		video, audio := c.tracks[0], c.tracks[1]
		origin := media.TimescaleVideo.Ticks(c.at)
		sound := int64(0)
		for n := range int64(9 * 30) {
			dts := origin + n*frame
			for ; audio.Timescale.Duration(sound*1024) < media.TimescaleVideo.Duration(n*frame); sound++ {
				at := audio.Timescale.Ticks(c.at) + sound*1024
				c.unit(media.AccessUnit{
					Track: audio.ID, DTS: at, PTS: at, RandomAccess: true, Payload: [][]byte{{1, 2, 3}},
					CapturedAt: c.wall.Add(audio.Timescale.Duration(at)),
				})
			}
			unit, shown := byte(1), n
			switch in := n % gop; {
			case in == 0:
				unit, shown = 21, n+leading
			case in <= leading:
				unit, shown = 8, n-1
			}
			pts := origin + (shown+1)*frame
			if n > 0 && n <= leading {
				skipped[pts] = true
			}
			c.unit(media.AccessUnit{
				Track: video.ID, DTS: dts, PTS: pts, RandomAccess: unit == 21, Payload: [][]byte{{unit << 1, 1, byte(n)}},
				CapturedAt: c.wall.Add(media.TimescaleVideo.Duration(pts)),
			})
		}
		c.at += 10 * time.Second
	}
	w := newWatcher(t, hls.DefaultConfig())
	l := newMemoryLog()
	run(t, hls.DefaultConfig(), l, c.items, true, w.observe)
	for _, track := range c.tracks {
		addsUp(t, track.Rendition, l.renditions[track.Rendition], track.Timescale)
	}
	sound := l.renditions["audio"].segments
	for i, s := range l.renditions["source"].segments {
		if d := (s.MediaTime - sound[i].MediaTime).Abs(); d > 34*time.Millisecond {
			t.Errorf("segment %d shows its first picture %v away from its sound", s.MSN, d)
		}
	}
	for _, x := range readBack(t, l.renditions["source"]) {
		if skipped[x.pts] {
			t.Errorf("segment %d has a picture at %d that nobody can decode", x.msn, x.pts)
		}
	}
}
