package paramset_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
	"github.com/lectern/lectern/media/mediatest"
)

func checkVideo(t *testing.T, track media.Track, err error) {
	t.Helper()
	if err != nil {
		var refusal *media.RefusalError
		if !errors.Is(err, paramset.ErrMalformed) && !errors.Is(err, paramset.ErrIncomplete) && !errors.As(err, &refusal) {
			t.Fatalf("error of no known kind: %v", err)
		}
		return
	}
	v := track.Video
	if v.Width < 1 || v.Height < 1 || max(v.Width, v.Height) > paramset.MaxLongSide || min(v.Width, v.Height) > paramset.MaxShortSide {
		t.Fatalf("size %d x %d", v.Width, v.Height)
	}
	if v.SARWidth < 1 || v.SARHeight < 1 || v.FrameRate < 0 || v.FrameRate > 1000 || v.FrameRate != v.FrameRate {
		t.Fatalf("aspect %d:%d, rate %v", v.SARWidth, v.SARHeight, v.FrameRate)
	}
}

func FuzzH264(f *testing.F) {
	for _, s := range []string{sps1080, sps720, spsFields, sps10bit, sps422, sps444, spsGray, spsTooLarge} {
		f.Add(unhex(f, s), unhex(f, pps1080))
	}
	f.Add(spsWithMacroblocks(0, 0), []byte{0x68})
	f.Fuzz(func(t *testing.T, sps, pps []byte) {
		track, err := paramset.H264(sps, pps)
		checkVideo(t, track, err)
	})
}

func FuzzHEVC(f *testing.F) {
	f.Add(unhex(f, vpsMain), unhex(f, spsMain), unhex(f, ppsHEVC))
	f.Add(unhex(f, vpsMain10), unhex(f, spsMain10), unhex(f, ppsHEVC))
	f.Add(unhex(f, vpsMain422), unhex(f, spsMain422), unhex(f, ppsHEVC))
	f.Fuzz(func(t *testing.T, vps, sps, pps []byte) {
		track, err := paramset.HEVC(vps, sps, pps)
		checkVideo(t, track, err)
	})
}

func FuzzAudioSpecificConfig(f *testing.F) {
	for _, s := range []string{"1190", "1208", "121056e500", "2b118800", "eb8a0800", "139056e5a0", "17805dc010", "f8e65000", "118004c848002000c4400d4c61766335392e33372e31303056e500"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		track, err := paramset.AAC(config)
		if err != nil {
			if !errors.Is(err, paramset.ErrMalformed) {
				t.Fatalf("error of no known kind: %v", err)
			}
			return
		}
		a := track.Audio
		if a.SampleRate < 7350 || a.SampleRate > 96000 || a.Channels < 1 || a.FrameSamples < 1 || track.Timescale == 0 {
			t.Fatalf("format %+v, timescale %d", a, track.Timescale)
		}
	})
}

func FuzzSplitAnnexB(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 9, 0xF0, 0, 0, 1, 0x65, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		units, err := paramset.SplitAnnexB(nil, b)
		size := 0
		for _, u := range units {
			if len(u) == 0 || bytes.Contains(u, []byte{0, 0, 1}) {
				t.Fatalf("unit %x", u)
			}
			size += len(u)
		}
		if size > len(b) || len(units) > paramset.MaxUnits || (err == nil) != bytes.Contains(b, []byte{0, 0, 1}) && len(units) < paramset.MaxUnits {
			t.Fatalf("%d units of %d bytes from %d, error %v", len(units), size, len(b), err)
		}
	})
}

func FuzzSets(f *testing.F) {
	f.Add(true, unhex(f, sps1080), unhex(f, pps1080), unhex(f, sps720))
	f.Add(false, unhex(f, vpsMain), unhex(f, spsMain), unhex(f, ppsHEVC))
	f.Fuzz(func(t *testing.T, isH264 bool, a, b, c []byte) {
		codec := media.CodecHEVC
		if isH264 {
			codec = media.CodecH264
		}
		s := paramset.NewSets(codec)
		for _, nal := range [][]byte{a, b, c} {
			if _, err := s.Put(nal); err != nil && !errors.Is(err, paramset.ErrMalformed) {
				t.Fatalf("Put: error of no known kind: %v", err)
			}
		}
		track, err := s.Track()
		checkVideo(t, track, err)
	})
}

func FuzzFrames(f *testing.F) {
	for i, name := range []string{"av1", "vp8", "vp9", "av1_svt", "vp9_422_10bit"} {
		header, frames := mediatest.Frames(f, name)
		f.Add(uint8(i), header, frames[0][:min(len(frames[0]), 200)], frames[1])
	}
	f.Fuzz(func(t *testing.T, which uint8, a, b, c []byte) {
		codec := []media.Codec{media.CodecAV1, media.CodecVP8, media.CodecVP9}[which%3]
		frames := paramset.NewFrames(codec)
		if codec == media.CodecAV1 && len(a) > 4 {
			_, _ = frames.Header(a[4:])
		}
		for _, b := range [][]byte{a, b, c} {
			frame, err := frames.Read([][]byte{b})
			track, known := frames.Track()
			if err != nil {
				checkVideo(t, track, err)
				continue
			}
			if known {
				checkVideo(t, track, nil)
			}
			if frame.RandomAccess && (!known || !frame.Coded) || frame.NewTrack && !frame.RandomAccess {
				t.Fatalf("frame %+v, track known: %v", frame, known)
			}
			size := 0
			for _, u := range frame.Units {
				if size += len(u); len(u) == 0 || !bytes.Contains(b, u) {
					t.Fatalf("unit %x of %x", u, b)
				}
			}
			if size > len(b) {
				t.Fatalf("%d bytes of %d", size, len(b))
			}
		}
	})
}

func FuzzSound(f *testing.F) {
	for i, name := range []string{"opus", "flac", "mp3", "ac3", "eac3", "opus_60ms", "mp2"} {
		header, frames := mediatest.Frames(f, name)
		f.Add(uint8(i), header, frames[0][:min(len(frames[0]), 200)])
	}
	f.Fuzz(func(t *testing.T, which uint8, header, frame []byte) {
		var track media.Track
		var err error
		switch which % 5 {
		case 0:
			track, err = paramset.Opus(header, frame)
		case 1:
			track, err = paramset.FLAC(header)
		case 2:
			if frames, splitErr := paramset.SplitMP3(frame); splitErr == nil && len(bytes.Join(frames, nil)) > len(frame) {
				t.Fatal("frames larger than the message")
			}
			track, err = paramset.MP3(frame)
		case 3:
			track, err = paramset.AC3(frame)
		default:
			track, err = paramset.EAC3(frame)
		}
		if err != nil {
			if !errors.Is(err, paramset.ErrMalformed) {
				t.Fatalf("error of no known kind: %v", err)
			}
			return
		}
		if a := track.Audio; a.SampleRate < 4000 || a.SampleRate > 192000 || a.Channels < 1 || a.Channels > 8 || a.FrameSamples < 1 || a.FrameSamples > 1<<16 || len(a.Config) > len(header)+19 {
			t.Fatalf("format %+v", a)
		}
	})
}
