package ffmpeg

import (
	"math"
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

func TestAudioLoudness(t *testing.T) {
	for _, tc := range []struct {
		name      string
		src       soundSource
		amplitude float64
		want      float64 // LUFS: BS.1770 gives a stereo sine its level in dBFS
		clipped   bool
	}{
		{"stereo", pcmSource, 0.1, -20, false},
		{"AAC", aacSource, 0.1, -20, false},
		{"mono", soundSource{media.CodecPCM, "pcm_s16le", astiav.SampleFormatS16, 44100, 1, 0}, 0.1, -23, false},
		{"5.1, mixed down", soundSource{media.CodecAC3, "ac3", astiav.SampleFormatFltp, 48000, 6, 384000}, 0.01, -32.4, false},
		{"silence", pcmSource, 0, -200, false},
		{"clipping", pcmSource, 1, 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			track, units := encodeSound(t, tc.src, 4.5, 0, tone(tc.amplitude))
			spec := transcode.Spec{Tracks: []media.Track{track}, Loudness: true}
			r := newSoundRig(t, spec)
			r.writeAll(t, units)
			if n := len(r.out.loudness); n != 4 {
				t.Fatalf("reported %d times in 4.5 s, want 4", n)
			}
			for i, l := range r.out.loudness {
				if want := time.Duration(i+1) * time.Second; (l.PTS-want).Abs() > 150*time.Millisecond || (l.Duration-time.Second).Abs() > 150*time.Millisecond {
					t.Errorf("report %d is of %s up to %s", i, l.Duration, l.PTS)
				}
			}
			last := r.out.loudness[3]
			if math.Abs(last.ShortTerm-tc.want) > 0.3 {
				t.Errorf("short-term loudness = %.2f, want %.2f", last.ShortTerm, tc.want)
			}
			if (last.Clipped > 0) != tc.clipped {
				t.Errorf("clipped = %d, peak %.2f dBFS", last.Clipped, last.Peak)
			}
		})
	}
}

// TestAudioLoudnessOfNothing has silence reported while sound stays away, though
// none is encoded.
func TestAudioLoudnessOfNothing(t *testing.T) {
	track, units := encodeSound(t, pcmSource, 1, 0, tone(0.1))
	r := newSoundRig(t, transcode.Spec{Tracks: []media.Track{track}, Loudness: true})
	r.writeAll(t, units)
	for at := time.Second; at < 6*time.Second; at += 40 * time.Millisecond {
		if err := r.advance(at); err != nil {
			t.Fatalf("advance: %v", err)
		}
	}
	reports := r.out.loudness
	if len(reports) < 4 {
		t.Fatalf("reported %d times in 6 s, want once a second", len(reports))
	}
	if last := reports[len(reports)-1]; last.ShortTerm > -70 || last.PTS < 5*time.Second {
		t.Errorf("the last report is %+v, want silence", last)
	}
}
