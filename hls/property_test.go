package hls_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// wildPublisher makes publications with irregular keyframes, B pictures, any
// frame rate, several renditions, losses and silence.
type wildPublisher struct {
	rnd    *rand.Rand
	video  []media.Track // same pictures, same keyframes
	audio  media.Track
	fps    float64
	gop    func() time.Duration // to the next keyframe
	depth  int                  // pictures from a P to the next, 1 without B pictures
	jitter time.Duration        // of the pictures' times
	holes  bool                 // audio and video fall silent at times
}

func newWildPublisher(t *testing.T, rnd *rand.Rand) *wildPublisher {
	t.Helper()
	p := &wildPublisher{rnd: rnd, depth: 1}
	tracks := mediatest.New(t, mediatest.Config{SampleRate: []int{44100, 48000}[rnd.IntN(2)]}).Tracks()
	kinds := rnd.IntN(10)
	if kinds != 0 {
		for i := range 1 + rnd.IntN(3) {
			v := tracks[0]
			v.ID, v.Rendition = media.TrackID(10+i), fmt.Sprintf("v%d", i)
			p.video = append(p.video, v)
		}
	}
	if kinds != 1 {
		p.audio = tracks[1]
		p.audio.ID, p.audio.Rendition = 5, "audio"
	}
	p.fps = []float64{1, 5, 10, 12, 15, 24, 25, 30000.0 / 1001, 30, 50, 60}[rnd.IntN(11)]
	if p.fps >= 10 && rnd.IntN(3) == 0 {
		p.depth = 2 + rnd.IntN(2)
	}
	if rnd.IntN(3) == 0 {
		p.jitter = time.Millisecond
	}
	p.holes = rnd.IntN(4) == 0
	regular := time.Duration(200+rnd.IntN(3800)) * time.Millisecond
	if rnd.IntN(2) == 0 {
		regular = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}[rnd.IntN(3)]
	}
	p.gop = func() time.Duration { return regular }
	if rnd.IntN(2) == 0 { // scene cuts
		p.gop = func() time.Duration { return time.Duration(1 + rnd.Int64N(int64(regular))) }
	}
	return p
}

func (p *wildPublisher) tracks() []media.Track {
	out := slices.Clone(p.video)
	if p.audio.ID != 0 {
		out = append(out, p.audio)
	}
	return out
}

// publish adds d of media to c.
func (p *wildPublisher) publish(c *class, reason media.DiscontinuityReason, d time.Duration) {
	c.begin(p.tracks(), reason)
	frame := time.Duration(float64(time.Second) / p.fps)
	type unit struct {
		track    media.Track
		dts, pts time.Duration
		key      bool
	}
	var units []unit
	if len(p.video) > 0 {
		delay := time.Duration(p.depth-1) * frame
		nextKey := time.Duration(0)
		for n := 0; time.Duration(n)*frame < d; {
			// A mini-GOP: the reference first, then the pictures before it.
			dts := func(k int) time.Duration { return time.Duration(n+k) * frame }
			size := p.depth
			if key := dts(0) >= nextKey; key || n == 0 {
				nextKey = dts(0) + p.gop()
				for _, v := range p.video {
					units = append(units, unit{v, dts(0), dts(0) + delay, true})
				}
				n++
				continue
			}
			for k := range size {
				if dts(k) >= nextKey {
					size = k
					break
				}
			}
			size = max(size, 1)
			for k := range size {
				shown := dts(size-1) + delay
				if k > 0 {
					shown = dts(k-1) + delay
				}
				for _, v := range p.video {
					units = append(units, unit{v, dts(k), shown, false})
				}
			}
			n += size
		}
	}
	if p.audio.ID != 0 {
		for n := int64(0); ; n++ {
			at := p.audio.Timescale.Duration(n * 1024)
			if at >= d {
				break
			}
			units = append(units, unit{p.audio, at, at, true})
		}
	}
	slices.SortStableFunc(units, func(a, b unit) int { return int(a.dts - b.dts) })
	var silent [2]time.Duration // from, to
	var mute media.TrackID
	if p.holes && d > 20*time.Second && p.rnd.IntN(2) == 0 {
		silent = [2]time.Duration{9 * time.Second, time.Duration(10+p.rnd.IntN(9)) * time.Second}
		mute = p.tracks()[p.rnd.IntN(len(p.tracks()))].ID
	}
	last := make(map[media.TrackID]int64)
	for _, u := range units {
		if u.track.ID == mute && u.dts > silent[0] && u.dts < silent[1] {
			continue
		}
		ts := u.track.Timescale
		dts, pts := ts.Ticks(c.at+u.dts), ts.Ticks(c.at+u.pts)
		if p.jitter > 0 && u.track.Codec.Kind() == media.KindVideo {
			dts = ts.Ticks((c.at + u.dts).Round(p.jitter))
			pts = ts.Ticks((c.at + u.pts).Round(p.jitter))
		}
		if was, ok := last[u.track.ID]; ok {
			dts = max(dts, was+1)
		}
		last[u.track.ID] = dts
		c.unit(media.AccessUnit{
			Track: u.track.ID, DTS: dts, PTS: max(pts, dts), CapturedAt: c.wall.Add(c.at + u.pts), RandomAccess: u.key,
			Payload: [][]byte{{0x65, byte(p.rnd.Uint32()), byte(len(c.items)), byte(len(c.items) >> 8)}},
		})
	}
	c.at += d + 2*frame + 50*time.Millisecond
}

// Whatever a publisher sends, the rules of the playlist hold and no sample is
// lost or moved.
func TestRandomPublishers(t *testing.T) {
	for seed := range uint64(14) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			cfg := hls.DefaultConfig()
			if rnd.IntN(3) == 0 {
				cfg.SegmentDuration, cfg.PartDuration = 2*time.Second, 333*time.Millisecond
			}
			p := newWildPublisher(t, rnd)
			c := newClass()
			for i := range 1 + rnd.IntN(3) {
				reason := media.DiscontinuityStart
				if i > 0 {
					reason = media.DiscontinuityReason(2 + rnd.IntN(4))
					c.away(time.Duration(rnd.IntN(30)) * time.Second)
				}
				if rnd.IntN(3) == 0 {
					p = newWildPublisher(t, rnd)
				}
				p.publish(c, reason, time.Duration(1+rnd.IntN(22))*time.Second)
			}
			w := newWatcher(t, cfg)
			w.wild = true
			l := newMemoryLog()
			tell := teller{}
			run(t, cfg, l, c.items, true, func(p *hls.Packager) {
				if rnd.IntN(40) == 0 {
					tell.cue(p, rnd.IntN(256))
				}
				w.observe(p)
			})
			tell.audit(t, l)
			audit(t, l, c.items)
		})
	}
}
