package rtsp

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/lectern/lectern/media"
)

// What no browser plays is read, described and passed on all the same.
func TestFFmpegPushesOthers(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatalf("this test needs ffmpeg: %v", err)
	}
	for _, tc := range []struct {
		name, options string
		video, audio  string // as announced
	}{
		{
			"case 36: VP8 and Opus", "-pix_fmt yuv420p -c:v libvpx -deadline realtime -g 10 -ac 2 -c:a libopus",
			"VP8 160x96 8 1 false", "Opus 48000 2",
		},
		{
			"case 37: VP9 in 4:4:4 and 16-bit PCM", "-pix_fmt yuv444p -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 10 -strict experimental -ar 16000 -c:a pcm_s16be",
			"VP9 160x96 8 3 false", "PCM 16000 1",
		},
		{
			"case 37: HEVC Main 10 and MP3", "-pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=10 -ac 2 -c:a libmp3lame",
			"HEVC 160x96 10 1 false", "MP3 48000 2",
		},
		{
			"case 38: interlaced H.264 and G.711", "-pix_fmt yuv420p -flags +ildct+ilme -c:v libx264 -preset veryfast -g 10 -ar 8000 -c:a pcm_alaw",
			"H.264 160x96 8 1 true", "G.711 A-law 8000 1",
		},
		{
			"case 37: H.264 in 4:2:2 with 10 bits, and Speex", "-pix_fmt yuv422p10le -c:v libx264 -preset ultrafast -g 10 -ar 16000 -ac 1 -c:a libspeex",
			"H.264 160x96 10 2 false", "Speex 16000 1",
		},
		{
			"case 19: LATM", "-pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 10 -ac 1 -c:a aac -rtpflags latm",
			"H.264 160x96 8 1 false", "AAC 48000 1",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			addr, reader, _ := startHubServer(t)
			args := "-hide_banner -loglevel error -nostdin -f lavfi -i testsrc2=size=160x96:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 -t 1.2 -threads 1 " +
				tc.options + " -f rtsp -rtsp_transport tcp rtsp://" + addr + "/live/" + testKey
			out := make(chan string, 1)
			cmd := exec.CommandContext(t.Context(), ffmpeg, strings.Fields(args)...)
			var running sync.WaitGroup
			defer running.Wait()
			running.Go(func() {
				b, runErr := cmd.CombinedOutput()
				out <- fmt.Sprintf("%v\n%s", runErr, b)
			})
			first, units := read(t, reader, func(_ *media.Discontinuity, u []*media.AccessUnit) bool {
				return count(u, media.VideoTrackID) >= 20 && count(u, media.AudioTrackID) >= 10
			})
			if text := <-out; !strings.HasPrefix(text, "<nil>") {
				t.Fatalf("ffmpeg: %s", text)
			}
			video, _ := media.Find(first.Tracks, media.KindVideo)
			audio, _ := media.Find(first.Tracks, media.KindAudio)
			v := video.Video
			if got := fmt.Sprintf("%s %dx%d %d %d %v", video.Codec, v.Width, v.Height, v.BitDepth, v.ChromaFormat, v.Interlaced); got != tc.video {
				t.Errorf("video %s, want %s", got, tc.video)
			}
			if got := fmt.Sprintf("%s %d %d", audio.Codec, audio.Audio.SampleRate, audio.Audio.Channels); got != tc.audio {
				t.Errorf("audio %s, want %s", got, tc.audio)
			}
			checkOrder(t, units)
		})
	}
}
