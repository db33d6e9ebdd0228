package ffmpeg

import (
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
)

// FuzzAudioPath gives hostile access units, between good ones, to the decoder of
// each codec.
func FuzzAudioPath(f *testing.F) {
	s16, fltp := astiav.SampleFormatS16, astiav.SampleFormatFltp
	type stream struct {
		track media.Track
		units []*media.AccessUnit
	}
	var streams []stream
	for i, src := range []soundSource{
		aacSource,
		{media.CodecOpus, "libopus", s16, 48000, 2, 96000},
		{media.CodecMP3, "libmp3lame", fltp, 44100, 2, 128000},
		{media.CodecAC3, "ac3", fltp, 48000, 6, 384000},
		{media.CodecEAC3, "eac3", fltp, 48000, 2, 192000},
		{media.CodecFLAC, "flac", s16, 44100, 2, 0},
		{media.CodecG711A, "pcm_alaw", s16, 8000, 1, 0},
		{media.CodecSpeex, "libspeex", s16, 16000, 1, 0},
	} {
		track, units := encodeSound(f, src, 0.2, 0, tone(0.5))
		streams = append(streams, stream{track, units})
		for _, au := range units[1:2] {
			payload := au.Payload[0]
			f.Add(byte(i), payload, track.Audio.Config, int64(10), int64(1024))
			f.Add(byte(i), payload[:len(payload)/2], []byte{}, int64(-3), int64(30000))
		}
	}
	f.Fuzz(func(t *testing.T, which byte, payload, config []byte, at, step int64) {
		s := streams[int(which)%len(streams)]
		track := s.track
		if len(config) > 0 {
			track.Audio.Config = config
		}
		spec := soundSpec(track)
		spec.Loudness = true
		var live objects
		out := newSoundRecorder()
		p, err := newAudioPath(&live, spec, out)
		if err == nil {
			drive(t, p, s.units, payload, at, step)
			checkHoles(t, out.units[soundTrack])
			p.close()
		}
		if n := live.live.Load(); n != 0 {
			t.Fatalf("%d objects are left", n)
		}
	})
}

// drive writes good and hostile access units in turn.
func drive(t *testing.T, p *audioPath, good []*media.AccessUnit, payload []byte, at, step int64) {
	t.Helper()
	write := func(au *media.AccessUnit) {
		if err := p.write(au); err != nil {
			t.Fatalf("write: %v", err)
		}
	}
	const far = 1 << 15 // over half a second: farther only costs time for silence
	write(good[0])
	for i := range int64(4) {
		pts := at%far + i*(step%far)
		write(&media.AccessUnit{Track: media.AudioTrackID, PTS: pts, DTS: pts, Payload: [][]byte{payload}})
		write(good[1+i%int64(len(good)-1)])
	}
	if err := p.advance(time.Duration(step % int64(2*time.Second))); err != nil {
		t.Fatalf("advance: %v", err)
	}
	if err := p.drain(); err != nil {
		t.Fatalf("drain: %v", err)
	}
}

// checkHoles fails t unless units stand on the grid in order; only silence of more
// than a minute may leave a hole.
func checkHoles(t *testing.T, units []*media.AccessUnit) {
	t.Helper()
	for i, au := range units {
		if au.PTS < 0 || au.PTS%audioFrame != 0 {
			t.Fatalf("access unit %d is at %d, which is not on the grid", i, au.PTS)
		}
		if i > 0 && au.PTS != units[i-1].PTS+audioFrame && au.PTS-units[i-1].PTS < audioFrame {
			t.Fatalf("access unit %d at %d follows %d", i, au.PTS, units[i-1].PTS)
		}
	}
}
