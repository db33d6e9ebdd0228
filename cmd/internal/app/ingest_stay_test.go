package app_test

import (
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/realtime/class"
)

// How publishers leave, and what becomes of their class.
func TestPublishersThatLeave(t *testing.T) {
	src := func(at time.Duration) *mediatest.Source {
		return mediatest.New(t, mediatest.Config{Round: ms, Start: at})
	}

	t.Run("case 29: a goodbye ends the class after the short grace", func(t *testing.T) {
		cfg := testConfig(t.TempDir())
		cfg.Class.CleanStopGrace = time.Second
		l := start(t, cfg).lesson("goodbye")
		l.send(src(0), 12*time.Second)
		if err := l.client.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		l.wantState(l.id, class.Ended)
		if p := l.playlist("source"); p.discontinuities != 0 {
			t.Errorf("discontinuities in\n%s", p.body)
		}
	})
	cfg := testConfig(t.TempDir())
	cfg.RTMP.ReadTimeout = 3 * time.Second
	s := start(t, cfg)
	for _, tc := range []struct {
		name, id string
		leave    func(*rtmptest.Client)
	}{
		{"case 30: a lost connection, back within the grace", "dropped", (*rtmptest.Client).Abort},
		{"case 32: a connection without a word, back within the grace", "silent", func(c *rtmptest.Client) {
			if err := c.Closed(t.Context()); err == nil {
				t.Error("a silent connection is kept")
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := s.create(tc.id)
			l := &lesson{server: s.as(t), id: tc.id, client: s.push(c.StreamKey)}
			l.send(src(5*time.Hour), 12*time.Second)
			l.wantSegments("/live/"+l.id+"/source/index.m3u8", 1)
			tc.leave(l.client)
			l.wantState(l.id, class.Interrupted)
			_, body := l.get("/live/" + l.id + "/source/index.m3u8")
			before := segments(body)
			if strings.Contains(body, "ENDLIST") {
				t.Errorf("the end is announced within the grace:\n%s", body)
			}

			l.client = s.push(c.StreamKey)
			l.send(src(0), 12*time.Second)
			if err := l.client.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := l.api.End(t.Context(), l.id); err != nil {
				t.Fatal(err)
			}
			p := l.playlist("source")
			after := segments(p.body)
			if p.discontinuities != 1 || after[0] != before[0] || len(after) < len(before)+3 {
				t.Errorf("segments %v became %v with %d discontinuities", before, after, p.discontinuities)
			}
			// A reset loses what was on its way.
			if d := p.total(); d < 20*time.Second || d > 24100*ms {
				t.Errorf("%s of media", d)
			}
		})
	}
}

// Tracks that never come.
func TestOneTrackOnly(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	for _, tc := range []struct {
		name             string
		announced, sends mediatest.Config
		video, audio     bool
	}{
		{"case 15: sound only", mediatest.Config{NoVideo: true}, mediatest.Config{NoVideo: true}, false, true},
		{"case 15: video is announced and no picture comes", mediatest.Config{}, mediatest.Config{NoVideo: true}, false, true},
		{"case 16: video only", mediatest.Config{NoAudio: true}, mediatest.Config{NoAudio: true}, true, false},
		{"case 16: sound is announced and none comes", mediatest.Config{}, mediatest.Config{NoAudio: true}, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := s.as(t).lesson(className(tc.name))
			tc.sends.Round = ms
			l.headers(0, mediatest.New(t, tc.announced).Tracks()...)
			src := mediatest.New(t, tc.sends)
			l.write(src, src.Take(12*time.Second))
			if err := l.client.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := l.api.End(t.Context(), l.id); err != nil {
				t.Fatal(err)
			}
			wanted := map[string]bool{"source": tc.video, "audio": tc.audio}
			for rendition, want := range wanted {
				if want { // waits for its end
					within(t, rendition, l.playlist(rendition).total(), 12*time.Second)
				}
			}
			for rendition, want := range wanted {
				if code, _ := l.get("/live/" + l.id + "/" + rendition + "/index.m3u8"); (code == http.StatusOK) != want {
					t.Errorf("rendition %s: %d, want it to be there: %v", rendition, code, want)
				}
			}
			_, body := l.get("/live/" + l.id + "/index.m3u8")
			if strings.Contains(body, "RESOLUTION=") != tc.video || strings.Contains(body, "mp4a.") != tc.audio || strings.Contains(body, "TYPE=AUDIO") != (tc.video && tc.audio) {
				t.Errorf("multivariant playlist:\n%s", body)
			}
		})
	}
}

// What cannot be decoded as it should be is still told apart by its size.
func TestPortraitIsPassedThrough(t *testing.T) {
	l := start(t, testConfig(t.TempDir())).lesson("portrait")
	src := mediatest.New(t, mediatest.Config{Round: ms})
	tracks := src.Tracks()
	tracks[0].Video.ParameterSets = [][]byte{unhex(t, spsPortrait), tracks[0].Video.ParameterSets[1]}
	l.headers(0, tracks...)
	l.write(src, src.Take(12*time.Second))
	mediatest.Eventually(t, func() string {
		if _, body := l.get("/live/portrait/index.m3u8"); !strings.Contains(body, "RESOLUTION=360x640") {
			return "case 39: portrait\n" + body
		}
		return ""
	})
}

// Whoever is refused reads why in the encoder and in the API, and its class has
// not begun.
func TestRefusals(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	plain := mediatest.New(t, mediatest.Config{Round: ms})
	video, audio := plain.Tracks()[0], plain.Tracks()[1]
	// sets returns plain media under another SPS.
	sets := func(sps string) func(*lesson) error {
		return func(l *lesson) error {
			src, track := mediatest.New(t, mediatest.Config{Round: ms}), video
			track.Video.ParameterSets = [][]byte{unhex(t, sps), video.Video.ParameterSets[1]}
			return errors.Join(l.client.WriteHeaders(0, []media.Track{track, audio}), l.client.WriteSamples(src.Tracks(), src.Take(3*time.Second)...))
		}
	}
	config := func(b ...byte) func(*lesson) error {
		return func(l *lesson) error {
			src, track := mediatest.New(t, mediatest.Config{Round: ms}), audio
			track.Audio.Config = b
			return errors.Join(l.client.WriteHeaders(0, []media.Track{video, track}), l.client.WriteSamples(src.Tracks(), src.Take(3*time.Second)...))
		}
	}
	// What is announced is judged once the tracks are known: after 2 s at most.
	clip := func(video bool, name, header, frame string) func(*lesson) error {
		return func(l *lesson) error {
			write := l.client.WriteAudio
			if video {
				write = l.client.WriteVideo
			}
			config, frames := mediatest.Frames(t, name)
			var err error
			if header != "" {
				err = write(0, append([]byte(header), config...))
			}
			for i := 0; i < 12 && err == nil; i++ {
				err = write(uint32(i)*250, append([]byte(frame), frames[i%len(frames)]...))
			}
			return err
		}
	}
	raw := func(video bool, b ...byte) func(*lesson) error {
		return func(l *lesson) error {
			if video {
				return l.client.WriteVideo(0, b)
			}
			return l.client.WriteAudio(0, b)
		}
	}
	encoded := func(cfg mediatest.Config, d time.Duration) func(*lesson) error {
		return func(l *lesson) error {
			cfg.Round = ms
			src := mediatest.New(t, cfg)
			return errors.Join(l.client.WriteHeaders(0, src.Tracks()), l.client.WriteSamples(src.Tracks(), src.Take(d)...))
		}
	}
	level51 := append([]byte(nil), video.Video.ParameterSets[0]...)
	level51[3] = 51
	for _, tc := range []struct {
		name string
		play func(*lesson) error
		code string
		says string
	}{
		{"case 13: no parameter sets for 5 s", func(l *lesson) error {
			src := mediatest.New(t, mediatest.Config{Round: ms})
			return errors.Join(l.client.WriteHeaders(0, src.Tracks()[1:]), l.client.WriteSamples(src.Tracks(), src.Take(6*time.Second)...))
		}, "video_header", "decoder settings"},
		{"case 19: LATM", func(l *lesson) error {
			return errors.Join(raw(false, 0xaf, 0, 0x11, 0x90)(l), raw(false, 0xaf, 1, 0x56, 0xe0, 0x04, 0x20, 0x00, 0x11, 0x90)(l))
		}, "audio_latm", "LATM"},
		{"case 23: no keyframe at all", func(l *lesson) error {
			src := mediatest.New(t, mediatest.Config{Round: ms, GOP: 300})
			samples := src.Take(12 * time.Second)
			kept := samples[:0]
			for _, sample := range samples {
				if sample.Track == media.AudioTrackID || !sample.RandomAccess {
					kept = append(kept, sample)
				}
			}
			return errors.Join(l.client.WriteHeaders(0, src.Tracks()), l.client.WriteSamples(src.Tracks(), kept...))
		}, "keyframe_missing", "Keyframe Interval"},
		{"case 24: one keyframe in 10 s", encoded(mediatest.Config{GOP: 300}, 12*time.Second), "keyframe_interval", "set it to 2 s"},
		{"case 25: OBS on auto, 250 frames", encoded(mediatest.Config{GOP: 250}, 12*time.Second), "keyframe_interval", "Keyframe Interval"},
		{"case 34: a file as fast as it goes", encoded(mediatest.Config{}, 90*time.Second), "ahead", "-re"},
		{"case 36: AV1", clip(true, "av1", "\x90av01", "\x91av01"), "video_codec", "AV1"},
		{"case 36: VP9", clip(true, "vp9", "\x90vp09", "\x91vp09"), "video_codec", "VP9"},
		{"case 36: Opus", clip(false, "opus", "\x90Opus", "\x91Opus"), "audio_codec", "Opus"},
		{"case 37: 10 bit", sets(sps10bit), "color_format", "NV12"},
		{"case 37: 4:2:2", sets(sps422), "color_format", "4:2:2"},
		{"case 37: 4:4:4", sets(sps444), "color_format", "4:4:4"},
		{"case 38: interlaced", sets(spsFields), "interlaced", "progressive"},
		{"case 40: 4096x2304", sets(spsLargest), "video_size", "1920x1080"},
		{"case 40: larger than may be decoded", sets(spsTooLarge), "picture_size", "1920x1080"},
		{"case 40: level 5.1", sets(hex.EncodeToString(level51)), "video_level", "4.2"},
		{"case 41: G.711", clip(false, "mp3", "", "\x72"), "audio_codec", "G.711"},
		{"case 41: MP3", clip(false, "mp3", "", "\x2f"), "audio_codec", "MP3"},
		{"case 41: 22.05 kHz", config(0x13, 0x90), "audio_rate", "22050"},
		{"case 41: 5.1", config(0x11, 0xb0), "audio_channels", "6 channels"},
		{"case 18: HE-AAC", config(0x2b, 0x11, 0x88, 0x00), "audio_profile", "AAC-LC"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := s.as(t).lesson(className(tc.name))
			sent := tc.play(l) // may be cut off in between
			status := l.lastStatus()
			if !strings.Contains(status.Description, tc.says) || status.Level != "error" {
				t.Errorf("the encoder reads %+v, want %q in it; sending: %v", status, tc.says, sent)
			}
			mediatest.Eventually(t, func() string {
				got, err := l.api.Get(t.Context(), l.id)
				switch {
				case err != nil:
					return err.Error()
				case got.LastRefusal == nil:
					return "no refusal in the API"
				case got.LastRefusal.Code != tc.code || !strings.Contains(got.LastRefusal.Text, tc.says):
					t.Fatalf("the API says %+v, want %s", got.LastRefusal, tc.code)
				case got.State != class.Scheduled && tc.code != "ahead": // that began well
					t.Fatalf("the class is %s", got.State)
				}
				return ""
			})
		})
	}
}

// lastStatus is what the publisher is told before the connection ends.
func (l *lesson) lastStatus() (last rtmptest.Status) {
	l.t.Helper()
	for {
		status, err := l.client.NextStatus(l.t.Context())
		if err != nil {
			return last
		}
		last = status
	}
}
