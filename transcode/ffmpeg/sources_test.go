package ffmpeg_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/ffmpeg"
)

// clipPictures is how many pictures encodeClip makes, 25 a second.
const clipPictures = 16

// encodeClip has the ffmpeg program encode test pictures and returns them by
// access unit, in decoding order without reordering.
func encodeClip(tb testing.TB, codec media.Codec, args ...string) []*media.AccessUnit {
	tb.Helper()
	muxer := "ivf"
	switch codec {
	case media.CodecH264:
		muxer = "h264"
	case media.CodecHEVC:
		muxer = "hevc"
	}
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", slices.Concat([]string{
		"-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x96:r=25", "-frames:v", fmt.Sprint(clipPictures),
	}, args, []string{"-f", muxer, "-"})...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		tb.Fatalf("ffmpeg: %v\n%s", err, complaints.String())
	}
	var payloads [][][]byte
	if muxer == "ivf" {
		for b := out.Bytes()[32:]; len(b) >= 12; {
			n := int(binary.LittleEndian.Uint32(b))
			payloads = append(payloads, [][]byte{b[12 : 12+n]})
			b = b[12+n:]
		}
	} else {
		for _, part := range bytes.Split(out.Bytes(), []byte{0, 0, 1})[1:] {
			nal := bytes.TrimRight(part, "\x00")
			delimiter := nal[0]&0x1f == 9
			if codec == media.CodecHEVC {
				delimiter = nal[0]>>1 == 35
			}
			if delimiter {
				payloads = append(payloads, nil)
				continue
			}
			payloads[len(payloads)-1] = append(payloads[len(payloads)-1], nal)
		}
	}
	var aus []*media.AccessUnit
	for n, p := range payloads {
		aus = append(aus, &media.AccessUnit{
			Track: media.VideoTrackID, PTS: int64(n) * 3600, DTS: int64(n) * 3600, RandomAccess: n == 0, Payload: p,
		})
	}
	return aus
}

// Whatever the publisher sends becomes 8-bit 4:2:0 with square pixels.
func TestSources(t *testing.T) {
	const x264 = "aud=1:bframes=0:scenecut=0:sliced-threads=0"
	for _, tc := range []struct {
		name  string
		codec media.Codec
		args  string
	}{
		{"case 37: H.264, 10 bit", media.CodecH264, "-pix_fmt yuv420p10le -c:v libx264 -x264-params " + x264},
		{"case 37: H.264, 4:2:2", media.CodecH264, "-pix_fmt yuv422p -c:v libx264 -x264-params " + x264},
		{"case 37: H.264, 4:4:4, full range", media.CodecH264, "-pix_fmt yuvj444p -color_range pc -c:v libx264 -x264-params " + x264},
		{"H.264, RGB", media.CodecH264, "-pix_fmt gbrp -c:v libx264rgb -x264-params " + x264},
		{"case 39: H.264, odd size, other pixels", media.CodecH264, "-vf scale=162:94,setsar=4/3 -pix_fmt yuv420p -c:v libx264 -x264-params " + x264},
		{"case 38: H.264, interlaced", media.CodecH264, "-vf format=yuv420p,interlace -flags +ildct+ilme -r 25 -c:v libx264 -x264-params tff=1:" + x264},
		{"case 36: HEVC, 10 bit", media.CodecHEVC, "-pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=none:aud=1:bframes=0"},
		{"case 36: AV1", media.CodecAV1, "-pix_fmt yuv420p -c:v libsvtav1 -preset 12 -svtav1-params pred-struct=1"},
		{"case 36: VP9", media.CodecVP9, "-pix_fmt yuv420p -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0"},
		{"case 36: VP8", media.CodecVP8, "-pix_fmt yuv420p -c:v libvpx -deadline realtime -cpu-used 8 -lag-in-frames 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := encodeClip(t, tc.codec, strings.Fields(tc.args)...)
			if len(in) < clipPictures/2 {
				t.Fatalf("the clip has %d access units", len(in))
			}
			rec := newRecorder()
			enc := open(t, newEngine(t), transcode.Spec{
				Tracks: []media.Track{{
					ID: media.VideoTrackID, Codec: tc.codec, Timescale: media.TimescaleVideo,
					Video: media.VideoFormat{Width: 160, Height: 96, FrameRate: 25},
				}},
				Grid: 400 * time.Millisecond, Patient: true,
				Video: []transcode.VideoRung{rung(10, "source", 160, 96), rung(11, "small", 80, 48)},
			}, rec)
			write(t, enc, in...)
			drain(t, enc)
			for _, track := range enc.Tracks() {
				got := rec.of(track.ID)
				if len(got) < len(in) || len(got) > len(in)+1 {
					t.Errorf("%s: %d pictures of %d", track.Rendition, len(got), len(in))
				}
				checkTimes(t, got)
				checkDecodes(t, track, got)
				if keys := rec.keyframes(track.ID); len(keys) < 1 || slices.ContainsFunc(keys, func(k int64) bool { return k%36000 != 0 }) {
					t.Errorf("%s: keyframes at %v", track.Rendition, keys)
				}
			}
			if n := enc.Stats().DecodeErrors; n != 0 {
				t.Errorf("%d decoding errors", n)
			}
		})
	}
}

// Case 11: the publisher's size changes in mid-stream, the rungs' does not.
func TestSourceChangesSize(t *testing.T) {
	small := mediatest.New(t, mediatest.Config{GOP: 30, InBand: true, NoAudio: true})
	large := mediatest.New(t, mediatest.Config{GOP: 30, InBand: true, NoAudio: true, Large: true, Start: 2 * time.Second})
	again := mediatest.New(t, mediatest.Config{GOP: 30, InBand: true, NoAudio: true, Start: 4 * time.Second})
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: small.Tracks(), Patient: true,
		Video: []transcode.VideoRung{rung(11, "big", 64, 36), rung(12, "small", 32, 18)},
	}, rec)
	in := slices.Concat(units(small, 2*time.Second), units(large, 2*time.Second), units(again, 2*time.Second))
	write(t, enc, in...)
	drain(t, enc)
	for _, track := range enc.Tracks() {
		got := rec.of(track.ID)
		if len(got) != len(in) {
			t.Errorf("%s: %d pictures of %d", track.Rendition, len(got), len(in))
		}
		if keys, want := rec.keyframes(track.ID), []int64{0, 90000, 180000, 270000, 360000, 450000}; !slices.Equal(keys, want) {
			t.Errorf("%s: keyframes at %v, want %v", track.Rendition, keys, want)
		}
		checkTimes(t, got)
		checkDecodes(t, track, got)
	}
}

// Broken access units are counted and the rest goes on.
func TestBrokenInputIsCounted(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 30, NoAudio: true})
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Patient: true, Video: []transcode.VideoRung{rung(11, "small", 32, 18)},
	}, rec)
	in := units(src, 6*time.Second)
	junk := 0
	for n, au := range in {
		switch {
		case n == 95: // empty
			au.Payload = nil
			junk++
		case n%50 == 44: // noise in a slice's place
			au.Payload = [][]byte{{0x41, 0xff, 0xff, 0xff, 0xff}}
			junk++
		case n == 60: // all slices of a keyframe are lost
			au.Payload = [][]byte{{0x06, 0x05, 0x01, 0x55, 0x80}}
			junk++
		}
	}
	write(t, enc, in...)
	drain(t, enc)
	stats := enc.Stats()
	if stats.DecodeErrors < junk/2 || stats.DecodeErrors > junk {
		t.Errorf("%d errors counted for %d broken access units", stats.DecodeErrors, junk)
	}
	got := rec.of(11)
	// The decoder holds back pictures that refer to what was lost.
	if len(got) < len(in)*3/4 {
		t.Errorf("%d pictures of %d, of which %d were broken", len(got), len(in), junk)
	}
	checkTimes(t, got)
	checkDecodes(t, enc.Tracks()[0], got)
	// The first picture after the lost keyframe takes its place.
	keys := rec.keyframes(11)
	if len(keys) != 6 || keys[2] <= 180000 || keys[2] >= 270000 {
		t.Fatalf("keyframes at %v, want one between 2 and 3 s", keys)
	}
	if want := []int64{0, 90000, keys[2], 270000, 360000, 450000}; !slices.Equal(keys, want) {
		t.Errorf("keyframes at %v, want %v", keys, want)
	}
	if e, want := stats.Rungs[0].KeyframeError, media.TimescaleVideo.Duration(keys[2]-180000); e != want {
		t.Errorf("keyframe error %s, want %s", e, want)
	}
}

// Nothing but errors for ten seconds ends the run.
func TestNothingButErrors(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 30, NoAudio: true})
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Patient: true, Video: []transcode.VideoRung{rung(11, "small", 32, 18)},
	}, newRecorder())
	var at int64
	var err error
	for _, au := range units(src, 15*time.Second) {
		au.Payload = [][]byte{{0x41, 0xff, 0xff, 0xff, 0xff}}
		if err = enc.Write(au, time.Now()); err != nil {
			at = au.DTS
			break
		}
	}
	if !errors.Is(err, ffmpeg.ErrBroken) || at != 10*90000 {
		t.Errorf("err = %v at %d, want ErrBroken at 10 s", err, at)
	}
}

// Case 40: an SPS in band that asks for more than is allowed does not get it.
func TestHugePicturesAreRefused(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 30, InBand: true, NoAudio: true})
	huge := encodeClip(t, media.CodecH264, strings.Fields("-vf scale=4112:2320,format=yuv420p -frames:v 3 -c:v libx264 -preset ultrafast -x264-params aud=1:threads=1")...)
	rec := newRecorder()
	enc := open(t, newEngine(t), transcode.Spec{
		Tracks: src.Tracks(), Patient: true, Video: []transcode.VideoRung{rung(11, "small", 32, 18)},
	}, rec)
	in := units(src, 2*time.Second)
	write(t, enc, in[:30]...)
	for n, au := range huge {
		au.PTS, au.DTS = 90000+int64(n)*3000, 90000+int64(n)*3000
		write(t, enc, au)
	}
	write(t, enc, in[30+len(huge):]...)
	drain(t, enc)
	if n := enc.Stats().DecodeErrors; n < len(huge) {
		t.Errorf("%d errors, want one for each of %d", n, len(huge))
	}
	checkDecodes(t, enc.Tracks()[0], rec.of(11))
}
