package ffmpeg

import (
	"math/rand/v2"
	"testing"

	"github.com/lectern/lectern/transcode"
)

// BenchmarkAudioPath makes the two default renditions of ten seconds of noise and
// tone. It reports the share of a core and the renditions' bit rates.
func BenchmarkAudioPath(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	track, units := encodeSound(b, aacSource, 10, 0, func(at float64) float64 {
		return tone(0.3)(at) + 0.4*(r.Float64()-0.5)
	})
	spec := soundSpec(track)
	spec.Audio = append(spec.Audio, transcode.AudioRung{Track: 10, Rendition: "audio-only", Channels: 2, BitRate: 64000})
	spec.Loudness = true
	b.ReportAllocs()
	var rig *soundRig
	for b.Loop() {
		rig = newSoundRig(b, spec)
		rig.writeAll(b, units)
		rig.finish(b)
		rig.close()
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/10*100, "%core")
	for _, rung := range spec.Audio {
		const window = 2 * audioRate / audioFrame
		peak, sizes := 0, rig.out.units[rung.Track]
		for i := range len(sizes) - window {
			sum := 0
			for _, au := range sizes[i : i+window] {
				sum += au.Size() * 8
			}
			peak = max(peak, sum*audioRate/(window*audioFrame))
		}
		b.ReportMetric(float64(peak)/1000, rung.Rendition+"-peak-kbit/s")
	}
}
