package rtmp_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

// ffmpeg returns a command that pushes seconds of a small test card. The
// program is part of what the tests need: without it they fail.
func ffmpeg(t *testing.T, seconds, url string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatalf("the ffmpeg program is needed: %v", err)
	}
	return exec.CommandContext(t.Context(), path, "-hide_banner", "-nostdin",
		"-f", "lavfi", "-i", "testsrc=size=128x72:rate=25", "-f", "lavfi", "-i", "sine=sample_rate=48000",
		"-t", seconds, "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-g", "50", "-pix_fmt", "yuv420p",
		"-c:a", "aac", "-f", "flv", url)
}

func TestFFmpegPublishes(t *testing.T) {
	r := start(t)
	if out, err := ffmpeg(t, "3", "rtmp://"+r.addr+"/live/"+goodKey).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	p := r.publication()
	r.ended(p, stream.CloseClean)
	if len(tracksOf(p)) != 2 || len(p.Samples()) < 75+140 {
		t.Errorf("%d tracks, %d samples", len(tracksOf(p)), len(p.Samples()))
	}
}

// Sound that no browser plays is read, described and passed on all the same.
func TestFFmpegPublishesOtherSound(t *testing.T) {
	for _, tc := range []struct{ name, options, want string }{
		{"case 41: MP3 at 22,050 Hz, mono", "-ar 22050 -ac 1 -c:a libmp3lame", "MP3 22050 1"},
		{"case 41: G.711 A-law", "-ar 8000 -ac 1 -c:a pcm_alaw", "G.711 A-law 8000 1"},
		{"case 41: G.711 µ-law", "-ar 8000 -ac 1 -c:a pcm_mulaw", "G.711 µ-law 8000 1"},
		{"case 41: linear PCM", "-ar 44100 -ac 2 -c:a pcm_s16le", "PCM 44100 2"},
		{"case 41: Speex", "-ar 16000 -ac 1 -c:a libspeex", "Speex 16000 1"},
		{"case 41: AAC in 5.1", "-ac 6 -c:a aac", "AAC 48000 6"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := start(t)
			cmd := ffmpeg(t, "1", "rtmp://"+r.addr+"/live/"+goodKey)
			at := slices.Index(cmd.Args, "-c:a")
			cmd.Args = slices.Concat(cmd.Args[:at], strings.Fields(tc.options), cmd.Args[at+2:])
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("ffmpeg: %v\n%s", err, out)
			}
			p := r.publication()
			r.ended(p, stream.CloseClean)
			audio, _ := media.Find(tracksOf(p), media.KindAudio)
			if got := fmt.Sprintf("%s %d %d", audio.Codec, audio.Audio.SampleRate, audio.Audio.Channels); got != tc.want {
				t.Errorf("announced %s, want %s", got, tc.want)
			}
			samples := p.Samples()
			n := 0
			for _, s := range samples {
				if s.Track == media.AudioTrackID {
					n++
				}
			}
			if n < 7 || len(samples)-n < 25 {
				t.Errorf("%d samples of sound, %d pictures", n, len(samples)-n)
			}
		})
	}
}

// What a teacher sees in the encoder's log or dialog.
func TestFFmpegPrintsRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, path string
		prepare    func(t *testing.T, r *rig)
		want       string
	}{
		{"wrong key", "/live/guess", nil, "Server error: This stream key is not known."},
		{"wrong app", "/stream/" + goodKey, nil, "Server error: The server address must end in /live"},
		{"busy", "/live/" + goodKey, func(_ *testing.T, r *rig) { r.push(goodKey) }, "Server error: Another encoder is publishing this class."},
		{"media", "/live/" + goodKey, func(t *testing.T, r *rig) {
			t.Helper()
			r.hub.RefuseMedia(&media.RefusalError{Code: "keyframe_interval", Text: "Set the keyframe interval to 2 s."})
		}, "Server error: Set the keyframe interval to 2 s."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := start(t)
			if tc.prepare != nil {
				tc.prepare(t, r)
			}
			out, err := ffmpeg(t, "20", "rtmp://"+r.addr+tc.path).CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte(tc.want)) {
				t.Errorf("ffmpeg ended with %v and does not say %q:\n%s", err, tc.want, tail(out))
			}
		})
	}
}

func TestFFmpegIsToldThatTheClassEnded(t *testing.T) {
	r := start(t)
	cmd := ffmpeg(t, "600", "rtmp://"+r.addr+"/live/"+goodKey)
	cmd.Args = append(cmd.Args[:3:3], append([]string{"-re"}, cmd.Args[3:]...)...)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := r.publication()
	r.eventually("samples", func() bool { return len(p.Samples()) > 20 })
	p.Close(stream.CloseClassEnded)
	if err := cmd.Wait(); err == nil || !strings.Contains(out.String(), "Server error: This class has ended.") {
		t.Errorf("ffmpeg ended with %v:\n%s", err, tail(out.Bytes()))
	}
	r.closed("ended", 1)
	if _, err := rtmptest.Push(t.Context(), r.addr, "class-2"); err != nil {
		t.Error(err)
	}
}

func tail(b []byte) []byte { return b[max(0, len(b)-1500):] }
