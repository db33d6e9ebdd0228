package ffmpeg

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
)

const inSync = 5 * time.Millisecond

func TestAudioCodecs(t *testing.T) {
	s16, fltp := astiav.SampleFormatS16, astiav.SampleFormatFltp
	for _, src := range []soundSource{
		aacSource,
		{media.CodecAAC, "aac", fltp, 44100, 1, 64000},
		{media.CodecAAC, "aac", fltp, 48000, 6, 256000},
		{media.CodecOpus, "libopus", s16, 48000, 2, 96000},
		{media.CodecOpus, "libopus", s16, 48000, 1, 48000},
		{media.CodecMP3, "libmp3lame", fltp, 44100, 2, 128000},
		{media.CodecAC3, "ac3", fltp, 48000, 6, 384000},
		{media.CodecEAC3, "eac3", fltp, 48000, 2, 192000},
		{media.CodecFLAC, "flac", s16, 44100, 2, 0},
		{media.CodecG711A, "pcm_alaw", s16, 8000, 1, 0},
		{media.CodecG711U, "pcm_mulaw", s16, 8000, 1, 0},
		{media.CodecPCM, "pcm_s16le", s16, 44100, 2, 0},
		{media.CodecSpeex, "libspeex", s16, 16000, 1, 0},
	} {
		t.Run(fmt.Sprintf("%s %d Hz %d channels", src.codec, src.rate, src.channels), func(t *testing.T) {
			track, units := encodeSound(t, src, 3, time.Second, beeps(0.5, 1.7))
			r := newSoundRig(t, soundSpec(track))
			r.writeAll(t, units)
			got := r.finish(t)

			if n := r.stats().DecodeErrors; n != 0 {
				t.Errorf("decode errors = %d, want none", n)
			}
			samples, start := decodeSound(t, r.tracks()[0], got)
			if start != 0 {
				t.Errorf("the rendition begins at %.3f s, want 0", start)
			}
			if end := start + float64(len(samples))/audioRate; end < 3.95 || end > 4.15 {
				t.Errorf("the rendition ends at %.3f s, want 4", end)
			}
			tolerance := inSync
			if src.codec == media.CodecSpeex {
				tolerance *= 2 // its decoder looks ahead, for which the encoder makes no allowance
			}
			checkOnsets(t, onsets(samples, start), tolerance, 1.5, 2.7)
		})
	}
}

func TestAudioFromClips(t *testing.T) {
	for _, rate := range []int{48000, 44100} {
		t.Run(fmt.Sprintf("%d Hz", rate), func(t *testing.T) {
			src := mediatest.New(t, mediatest.Config{NoVideo: true, SampleRate: rate, Round: time.Millisecond})
			track := src.Tracks()[0]
			r := newSoundRig(t, soundSpec(track))
			for _, s := range src.Take(5 * time.Second) {
				pts := track.Timescale.Ticks(s.PTS)
				r.writeAll(t, []*media.AccessUnit{{Track: track.ID, PTS: pts, DTS: pts, RandomAccess: true, Payload: s.Payload}})
			}
			units := r.finish(t)
			if end := float64(units[len(units)-1].PTS) / audioRate; end < 4.95 || end > 5.05 {
				t.Errorf("the last access unit is at %.3f s, want near 5", end)
			}
			if s := r.stats(); s.DecodeErrors != 0 || s.Silence > 50*time.Millisecond || s.Skipped > 50*time.Millisecond {
				t.Errorf("stats = %+v, want a smooth run", s)
			}
		})
	}
}

// Case 41: TestAudioMono mixes two channels, of which one is silent, down to one.
func TestAudioMono(t *testing.T) {
	track, units := encodeSound(t, pcmSource, 3, 0, beeps(0.5, 1.7))
	for _, au := range units {
		for b := au.Payload[0]; len(b) >= 4; b = b[4:] {
			b[2], b[3] = 0, 0 // right
		}
	}
	spec := soundSpec(track)
	spec.Audio[0].Channels = 1
	r := newSoundRig(t, spec)
	r.writeAll(t, units)
	samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
	checkOnsets(t, onsets(samples, start), inSync, 0.5, 1.7)
	loudest := slices.Max(samples)
	if loudest < 0.22 || loudest > 0.3 {
		t.Errorf("the loudest sample is %.3f, want half of the left channel's 0.5", loudest)
	}
}

// Case 18: TestAudioSBR decodes AAC whose configuration says that it is played at twice
// the rate it is coded at (ISO/IEC 14496-3 §1.6.5).
func TestAudioSBR(t *testing.T) {
	src := aacSource
	src.rate = 24000
	track, units := encodeSound(t, src, 3, 0, beeps(1.5))
	// Audio object type 5 at 24 kHz in 2 channels, extended to 48 kHz, of type 2.
	track.Audio.Config = []byte{0x2b, 0x11, 0x88, 0x00}
	track.Audio.SampleRate, track.Timescale = 48000, 48000
	for _, au := range units {
		au.PTS, au.DTS = 2*au.PTS, 2*au.DTS
	}
	r := newSoundRig(t, soundSpec(track))
	r.writeAll(t, units)
	samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
	if s := r.stats(); s.DecodeErrors != 0 || s.Silence > 100*time.Millisecond || s.Skipped > 100*time.Millisecond {
		t.Errorf("stats = %+v, want a smooth run", s)
	}
	// The filter bank of SBR is 962 samples late. An encoder that has one allows for
	// that in its timestamps, this one has none.
	checkOnsets(t, onsets(samples, start), inSync, 1.5+962.0/audioRate)
}

func TestAudioTracks(t *testing.T) {
	track, _ := encodeSound(t, aacSource, 0.1, 0, beeps())
	spec := soundSpec(track)
	spec.Audio = append(spec.Audio, transcode.AudioRung{Track: 10, Rendition: "audio-only", Channels: 1, BitRate: 64000})
	var first []media.Track
	for range 5 {
		tracks := newSoundRig(t, spec).tracks()
		if first == nil {
			first = tracks
		}
		if !slices.EqualFunc(tracks, first, func(a, b media.Track) bool { return a.ID == b.ID && a.SameFormat(b) }) {
			t.Fatalf("tracks = %+v, the first time %+v", tracks, first)
		}
	}
	for i, want := range []struct {
		rung   transcode.AudioRung
		config []byte // the first two bytes: AAC-LC, 48 kHz, channels
	}{{spec.Audio[0], []byte{0x11, 0x90}}, {spec.Audio[1], []byte{0x11, 0x88}}} {
		got := first[i]
		if got.ID != want.rung.Track || got.Rendition != want.rung.Rendition || !got.Encoded || got.Announced() ||
			got.Codec != media.CodecAAC || got.Timescale != audioRate || got.MaxBitRate < want.rung.BitRate {
			t.Errorf("track %d = %+v", i, got)
		}
		if a := got.Audio; a.ObjectType != 2 || a.SampleRate != audioRate || a.Channels != want.rung.Channels || a.FrameSamples != audioFrame {
			t.Errorf("sound of track %d = %+v", i, a)
		}
		if !bytes.HasPrefix(got.Audio.Config, want.config) {
			t.Errorf("configuration of track %d = %x, want it to begin with %x", i, got.Audio.Config, want.config)
		}
	}
}

// TestAudioRestart opens a second path in the middle, as after a crash of the
// worker: it falls onto the grid of the first and sounds the same.
func TestAudioRestart(t *testing.T) {
	track, units := encodeSound(t, aacSource, 4, 0, beeps(0.5, 2.5))
	spec := soundSpec(track)
	r := newSoundRig(t, spec)
	r.writeAll(t, units)
	all := r.finish(t)

	spec.Start = 1700 * time.Millisecond
	again := newSoundRig(t, spec)
	again.writeAll(t, units[40:])
	rest := again.finish(t)
	if first := rest[0].PTS; first < 81600 || first >= 81600+audioFrame {
		t.Errorf("the first access unit is at %d, want the first on the grid from %d on", first, 81600)
	}
	if last, want := rest[len(rest)-1].PTS, all[len(all)-1].PTS; last != want {
		t.Errorf("the last access unit is at %d, want %d", last, want)
	}
	samples, start := decodeSound(t, again.tracks()[0], rest)
	checkOnsets(t, onsets(samples, start), inSync, 2.5)
}

func TestAudioHoles(t *testing.T) {
	track, units := encodeSound(t, aacSource, 5, 0, beeps(0.5, 4))
	for _, tc := range []struct {
		name     string
		from, to int // access units of 21.33 ms that are lost
	}{
		{"200 ms", 60, 70},
		{"2 s", 60, 154},
		{"the first 400 ms", 0, 19},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newSoundRig(t, soundSpec(track))
			r.writeAll(t, units[:tc.from])
			r.writeAll(t, units[tc.to:])
			samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
			if start != 0 {
				t.Errorf("the rendition begins at %.3f s, want 0", start)
			}
			checkOnsets(t, onsets(samples, start), inSync, 0.5, 4)
			want := time.Duration(tc.to-tc.from) * audioFrame * time.Second / audioRate
			if got := r.stats().Silence; (got - want).Abs() > 30*time.Millisecond {
				t.Errorf("silence = %s, want %s", got, want)
			}
		})
	}
}

// TestAudioAbsence keeps pictures coming while there is no sound.
func TestAudioAbsence(t *testing.T) {
	track, units := encodeSound(t, aacSource, 6, 0, beeps(0.5, 5))
	r := newSoundRig(t, soundSpec(track))
	lost := func(pts int64) bool { return pts > 1*audioRate && pts < 4*audioRate }
	next := 0
	for at := time.Duration(0); at < 6*time.Second; at += 33 * time.Millisecond {
		for ; next < len(units) && media.Timescale(audioRate).Duration(units[next].PTS) <= at; next++ {
			if !lost(units[next].PTS) {
				r.writeAll(t, units[next:next+1])
			}
		}
		if err := r.advance(at); err != nil {
			t.Fatalf("advance: %v", err)
		}
		made := r.out.units[soundTrack]
		if at < time.Second {
			continue
		}
		if behind := at - media.Timescale(audioRate).Duration(made[len(made)-1].PTS); behind > 600*time.Millisecond {
			t.Fatalf("at %s the rendition is %s behind the pictures", at, behind)
		}
	}
	samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
	checkOnsets(t, onsets(samples, start), inSync, 0.5, 5)
}

// TestAudioComesLate has sound come in the place of silence that was made.
func TestAudioComesLate(t *testing.T) {
	track, units := encodeSound(t, aacSource, 4, 0, beeps(0.5, 3))
	r := newSoundRig(t, soundSpec(track))
	r.writeAll(t, units[:47]) // 1 s
	if err := r.advance(2500 * time.Millisecond); err != nil {
		t.Fatalf("advance: %v", err)
	}
	r.writeAll(t, units[47:])
	samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
	checkOnsets(t, onsets(samples, start), inSync, 0.5, 3)
	if got := r.stats().Skipped; (got - time.Second).Abs() > 50*time.Millisecond {
		t.Errorf("skipped = %s, want the second that silence stands for", got)
	}
}

func TestAudioSteps(t *testing.T) {
	for _, tc := range []struct {
		name string
		step time.Duration
		want []float64
	}{
		{"forward", 700 * time.Millisecond, []float64{0.5, 3.7}},
		{"back", -700 * time.Millisecond, []float64{0.5, 2.3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			track, units := encodeSound(t, pcmSource, 4, 0, beeps(0.5, 3))
			for _, au := range units[75:] { // from 1.5 s on
				au.PTS += track.Timescale.Ticks(tc.step)
			}
			r := newSoundRig(t, soundSpec(track))
			r.writeAll(t, units)
			samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
			checkOnsets(t, onsets(samples, start), inSync, tc.want...)
		})
	}
}

// Case 42: TestAudioDrift gives sound whose clock runs slow or fast by 8 parts in 1000: left
// alone it would be 160 ms off after 20 s.
func TestAudioDrift(t *testing.T) {
	for _, speed := range []float64{1.008, 0.992} {
		t.Run(fmt.Sprint(speed), func(t *testing.T) {
			at := []float64{1, 4, 7, 10, 13, 16, 19}
			track, units := encodeSound(t, pcmSource, 20, 0, beeps(at...))
			for i, au := range units {
				jitter := int64(i%3-1) * 24 // as of a clock of whole milliseconds
				au.PTS = max(0, int64(math.Round(float64(au.PTS)*speed))+jitter)
			}
			r := newSoundRig(t, soundSpec(track))
			r.writeAll(t, units)
			samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
			for i := range at {
				at[i] *= speed
			}
			got := onsets(samples, start)
			t.Logf("tones begin at %.3f, want %.3f", got, at)
			checkOnsets(t, got, 55*time.Millisecond, at...)
			if s := r.stats(); s.Silence > 50*time.Millisecond || s.Skipped > 50*time.Millisecond {
				t.Errorf("stats = %+v, want drift to be corrected by stretching", s)
			}
		})
	}
}

func TestAudioBroken(t *testing.T) {
	track, units := encodeSound(t, aacSource, 3, 0, beeps(0.5, 2.5))
	for i := 60; i < 70; i++ {
		units[i].Payload = [][]byte{bytes.Repeat([]byte{0xff}, 50)}
	}
	units[80].Payload = nil
	units[81].PTS = -5
	units[82].PTS = math.MaxInt64
	r := newSoundRig(t, soundSpec(track))
	r.writeAll(t, units)
	samples, start := decodeSound(t, r.tracks()[0], r.finish(t))
	checkOnsets(t, onsets(samples, start), inSync, 0.5, 2.5)
	if n := r.stats().DecodeErrors; n < 12 || n > 16 {
		t.Errorf("decode errors = %d, want one for each broken access unit", n)
	}
}

// TestAudioFarJumps gives timestamps that are hours and more apart, which package
// timeline would not let through.
func TestAudioFarJumps(t *testing.T) {
	track, units := encodeSound(t, pcmSource, 1, 0, beeps(0.5))
	r := newSoundRig(t, soundSpec(track))
	far := int64(audioMaxPTS - audioRate)
	for i, pts := range []int64{0, far, 5 * audioRate, far / 2, math.MaxInt64, math.MinInt64} {
		au := *units[i]
		au.PTS = pts
		r.writeAll(t, []*media.AccessUnit{&au})
	}
	if err := r.drain(); err != nil {
		t.Fatalf("drain: %v", err)
	}
	made := r.out.units[soundTrack]
	checkHoles(t, made)
	if limit := 2 * (audioMaxSilence/audioFrame + 3); len(made) > limit {
		t.Errorf("made %d access units, want at most %d", len(made), limit)
	}
}

func TestAudioRefuses(t *testing.T) {
	good, _ := encodeSound(t, aacSource, 0.1, 0, beeps())
	for _, tc := range []struct {
		name   string
		change func(*transcode.Spec)
	}{
		{"no sound", func(s *transcode.Spec) { s.Tracks = nil }},
		{"no configuration", func(s *transcode.Spec) { s.Tracks[0].Audio.Config = nil }},
		{"a broken configuration", func(s *transcode.Spec) { s.Tracks[0].Audio.Config = []byte{0xff} }},
		{"no timescale", func(s *transcode.Spec) { s.Tracks[0].Timescale = 0 }},
		{"a wild rate", func(s *transcode.Spec) { s.Tracks[0].Audio.SampleRate = 1 << 30 }},
		{"an unknown kind of PCM", func(s *transcode.Spec) {
			s.Tracks[0].Codec, s.Tracks[0].Audio.Config = media.CodecPCM, []byte("f16")
		}},
		{"a rendition of 3 channels", func(s *transcode.Spec) { s.Audio[0].Channels = 3 }},
		{"a start before the class", func(s *transcode.Spec) { s.Start = -time.Second }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spec := soundSpec(good)
			tc.change(&spec)
			var live objects
			if _, err := newAudioPath(&live, spec, newSoundRecorder()); !errors.Is(err, transcode.ErrSpec) {
				t.Errorf("error = %v, want %v", err, transcode.ErrSpec)
			}
			if n := live.live.Load(); n != 0 {
				t.Errorf("%d objects are left", n)
			}
		})
	}
}

// TestAudioCycles opens, runs and closes paths at every stage of their life.
func TestAudioCycles(t *testing.T) {
	track, units := encodeSound(t, aacSource, 0.5, 0, beeps(0.1))
	for i := range 30 {
		r := newSoundRig(t, soundSpec(track))
		r.writeAll(t, units[:i%len(units)])
		if i%2 == 0 {
			if err := r.drain(); err != nil {
				t.Fatalf("drain: %v", err)
			}
		}
		r.close()
		if n := r.live.live.Load(); n != 0 {
			t.Fatalf("%d objects are left after cycle %d", n, i)
		}
	}
}
