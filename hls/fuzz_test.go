package hls_test

import (
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

// Whatever order encoders, gaps and breaks come in, the packager goes on and its
// renditions stay aligned.
func FuzzItems(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 2, 1, 90, 3, 1, 5, 1, 0, 200, 4, 1, 9}, true)
	f.Add([]byte{1, 0, 0, 1, 0, 60, 1, 0, 60, 3, 1, 3, 3, 2, 8, 2, 1, 9, 1, 0, 60, 5, 0, 0, 0, 0, 1}, false)
	f.Add([]byte{0, 1, 0, 4, 3, 1, 2, 3, 0, 1, 0, 200, 3, 3, 40, 1, 0, 250, 6, 1, 1, 2, 1, 3}, true)
	f.Add([]byte{0, 0xef, 0xff, 0, 0, 1, 0xcc, 0x9f, 2}, true) // the lead comes from before the segment
	f.Add([]byte{0, 0, 200, 1, 0, 200, 8, 0, 0, 2, 0, 250, 8, 0, 1, 0, 0, 200, 6, 0, 0, 8, 0, 3, 7, 0, 0, 0, 0, 200, 1, 0, 200, 8, 0, 1}, true)
	s := newLadderSim(f, 0)
	f.Fuzz(func(t *testing.T, script []byte, absolute bool) {
		script = script[:min(len(script), 600)]
		grid := time.Duration(0)
		if absolute {
			grid = 2 * time.Second
		}
		c := newClass()
		tracks := []media.Track{s.source, s.rung("720p").track, s.rung("360p").track, s.audio, s.rung("audio-only").track}
		begin := func(reason media.DiscontinuityReason, announced bool) {
			list := append([]media.Track(nil), tracks...)
			for i := range list {
				if list[i].Encoded && announced {
					list[i].Video.ParameterSets, list[i].Audio.Config = nil, nil
				}
			}
			c.items = append(c.items, stream.Item{Discontinuity: &media.Discontinuity{Reason: reason, Tracks: list, Grid: grid}})
		}
		begin(media.DiscontinuityStart, false)
		now := time.Second                // of what is passed through
		at := make(map[int]time.Duration) // of each track
		last := map[int]int64{}           // DTS
		cues := map[int][]int{}           // by the number of items before
		for ; len(script) >= 3; script = script[3:] {
			n := int(script[1]) % len(tracks)
			track, v := tracks[n], time.Duration(script[2])
			ts := track.Timescale
			switch script[0] % 9 {
			case 0, 1, 2, 3: // an access unit, of a passed-through track in order
				if track.Encoded {
					at[n] = max(0, now+(v-200)*20*time.Millisecond)
				} else {
					now += v * v * time.Millisecond / 4
					at[n] = now
				}
				dts := ts.Ticks(at[n])
				if !track.Encoded {
					dts = max(dts, last[n]+1)
				}
				last[n] = dts
				c.unit(media.AccessUnit{
					Track: track.ID, DTS: dts, PTS: dts + int64(script[0]>>4)*100, RandomAccess: script[0]&8 == 0,
					Payload: [][]byte{{0x65, script[2]}}, CapturedAt: c.wall.Add(at[n]),
				})
			case 4:
				c.items = append(c.items, stream.Item{Gap: &media.Gap{Track: track.ID, Until: ts.Ticks(max(0, now+(v-200)*20*time.Millisecond)), Shed: v&1 == 0}})
			case 5:
				described := track
				if v&1 == 0 {
					described.Video.ParameterSets = s.source.Video.ParameterSets
				}
				c.items = append(c.items, stream.Item{Track: &described})
			case 6:
				c.items = append(c.items, stream.Item{Interrupted: true})
			case 8:
				cues[len(c.items)] = append(cues[len(c.items)], int(script[2]))
			default:
				begin(media.DiscontinuityReason(2+v%4), v&16 == 0)
			}
		}
		l := newMemoryLog()
		w := newWatcher(t, hls.DefaultConfig())
		w.wild = true
		tell, items := teller{}, 0
		run(t, hls.DefaultConfig(), l, c.items, true, func(p *hls.Packager) {
			for _, what := range cues[items] {
				tell.cue(p, what)
			}
			items++
			w.observe(p)
		})
		tell.audit(t, l)
		aligned(t, l)
	})
}
