package app_test

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
)

// What publishers do to their clock and to their formats, sent as RTMP to the
// whole server, and read back from playlists and segments.
func TestIngestCasesThroughTheServer(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	obs := mediatest.Config{Round: ms}
	from := func(at time.Duration) mediatest.Config { return mediatest.Config{Round: ms, Start: at} }
	plain := func(cfg mediatest.Config, d time.Duration) func(*lesson) {
		return func(l *lesson) { l.send(mediatest.New(t, cfg), d) }
	}
	edited := func(keep func(sample *media.Sample, picture int) bool) func(*lesson) {
		return func(l *lesson) {
			src, picture := mediatest.New(t, obs), -1
			l.headers(0, src.Tracks()...)
			for _, sample := range src.Take(12 * time.Second) {
				if sample.Track == media.VideoTrackID {
					if picture++; !keep(&sample, picture) {
						continue
					}
				}
				l.write(src, []media.Sample{sample})
			}
		}
	}
	step := func(by time.Duration) func(*lesson) {
		return func(l *lesson) {
			src := mediatest.New(t, from(3*time.Hour))
			l.send(src, 12*time.Second)
			src.Jump(by)
			l.send(src, 12*time.Second)
		}
	}
	for _, tc := range []struct {
		name            string
		play            func(l *lesson)
		discontinuities int
		total           time.Duration // of the source rendition, within 100 ms
		maps            int           // 1 if 0
		more            func(t *testing.T, source, audio listed)
	}{
		{"case 1: across 2^32 ms", plain(from((1<<32-10_000)*ms), 24*time.Second), 0, 24 * time.Second, 0, startsAtZero},
		{"case 2: across 24 bits, in small chunks", func(l *lesson) {
			if err := l.client.SetChunkSize(128); err != nil {
				t.Fatal(err)
			}
			l.send(mediatest.New(t, from((1<<24-10_000)*ms)), 24*time.Second)
		}, 0, 24 * time.Second, 0, startsAtZero},
		{"case 3: from 49 days on", plain(from(1190*time.Hour), 12*time.Second), 0, 12 * time.Second, 0, startsAtZero},
		{"case 4: a gap of 3 s", step(3 * time.Second), 0, 27 * time.Second, 0, nil},
		{"case 4: a jump of an hour", step(time.Hour), 1, 24 * time.Second, 0, nil},
		{"case 5: back by 300 ms", step(-300 * ms), 0, 24*time.Second - 300*ms, 0, nil},
		{"case 5: back by an hour", step(-time.Hour), 1, 24 * time.Second, 0, nil},
		{"case 6: two wild timestamps", func(l *lesson) {
			src := mediatest.New(t, obs)
			samples := src.Take(12 * time.Second)
			for _, i := range []int{300, 301} {
				samples[i].DTS += 7 * time.Hour
				samples[i].PTS += 7 * time.Hour
			}
			l.headers(0, src.Tracks()...)
			l.write(src, samples)
		}, 0, 12 * time.Second, 0, nil},
		{"case 7: sound arrives 900 ms after its picture", func(l *lesson) {
			src := mediatest.New(t, obs)
			samples := src.Take(12 * time.Second)
			due := func(s media.Sample) time.Duration {
				if s.Track == media.AudioTrackID {
					return s.DTS + 900*ms
				}
				return s.DTS
			}
			slices.SortStableFunc(samples, func(a, b media.Sample) int { return cmp.Compare(due(a), due(b)) })
			l.headers(0, src.Tracks()...)
			l.write(src, samples)
		}, 0, 12 * time.Second, 0, func(t *testing.T, _, audio listed) {
			t.Helper()
			within(t, "sound", audio.total(), 12*time.Second)
		}},
		{"case 8: B pictures", plain(mediatest.Config{Round: ms, BFrames: true}, 12*time.Second), 0, 12 * time.Second, 0, nil},
		{"case 9: sound starts 700 ms before the picture", plain(mediatest.Config{Round: ms, AudioStart: -700 * ms}, 12*time.Second), 0, 11300 * ms, 0, func(t *testing.T, source, audio listed) {
			t.Helper()
			within(t, "offset", source.starts[0]-audio.starts[0], 700*ms)
		}},
		{"case 10: headers before every keyframe", func(l *lesson) {
			for src := mediatest.New(t, obs); ; {
				at := src.Take(2 * time.Second)
				l.headers(0, src.Tracks()...)
				l.write(src, at)
				if at[0].DTS >= 10*time.Second-50*ms {
					return
				}
			}
		}, 0, 12 * time.Second, 0, nil},
		{"case 11: another resolution", func(l *lesson) {
			l.send(mediatest.New(t, obs), 8*time.Second)
			l.send(mediatest.New(t, mediatest.Config{Round: ms, Large: true, Start: 8 * time.Second}), 8*time.Second)
		}, 1, 16 * time.Second, 2, nil},
		{"case 12: another codec", func(l *lesson) {
			l.send(mediatest.New(t, obs), 8*time.Second)
			l.send(mediatest.New(t, mediatest.Config{Round: ms, Codec: media.CodecHEVC, Start: 8 * time.Second}), 8*time.Second)
		}, 1, 16 * time.Second, 2, nil},
		{"case 13: parameter sets in band only", func(l *lesson) {
			src := mediatest.New(t, mediatest.Config{Round: ms, InBand: true})
			l.headers(0, src.Tracks()[1])
			l.write(src, src.Take(12*time.Second))
		}, 0, 12 * time.Second, 0, nil},
		{"case 14: start codes inside FLV", func(l *lesson) {
			src := mediatest.New(t, obs)
			l.headers(0, src.Tracks()...)
			for _, sample := range src.Take(12 * time.Second) {
				at, body, video := rtmptest.Tag(src.Tracks(), sample)
				write := l.client.WriteAudio
				if video {
					write = l.client.WriteVideo
					body = append(body[:5:5], bytes.Join(append([][]byte{nil}, sample.Payload...), []byte{0, 0, 0, 1})...)
				}
				if err := write(at, body); err != nil {
					t.Fatal(err)
				}
			}
		}, 0, 12 * time.Second, 0, nil},
		{"case 15: video comes 5 s after the sound", func(l *lesson) {
			l.send(mediatest.New(t, mediatest.Config{Round: ms, NoVideo: true}), 5*time.Second)
			l.send(mediatest.New(t, mediatest.Config{Round: ms, Start: 5003 * ms}), 12*time.Second)
		}, 1, 12 * time.Second, 0, func(t *testing.T, _, audio listed) {
			t.Helper()
			if audio.discontinuities != 1 {
				t.Errorf("sound has %d discontinuities, want one", audio.discontinuities)
			}
		}},
		{"case 17: sound comes 5 s after the video", func(l *lesson) {
			l.send(mediatest.New(t, mediatest.Config{Round: ms, NoAudio: true, GOP: 30}), 5*time.Second)
			l.send(mediatest.New(t, mediatest.Config{Round: ms, Start: 5 * time.Second}), 12*time.Second)
		}, 1, 17 * time.Second, 0, nil},
		{"case 18: another AAC configuration", func(l *lesson) {
			l.send(mediatest.New(t, obs), 8*time.Second)
			l.send(mediatest.New(t, mediatest.Config{Round: ms, SampleRate: 44100, Start: 8 * time.Second}), 8*time.Second)
		}, 1, 16 * time.Second, 0, func(t *testing.T, _, audio listed) {
			t.Helper()
			if audio.discontinuities != 1 || len(audio.maps) != 2 {
				t.Errorf("sound has %d discontinuities and the sections %v", audio.discontinuities, audio.maps)
			}
		}},
		{"case 20: empty messages in between", func(l *lesson) {
			src := mediatest.New(t, obs)
			for range 6 {
				l.send(src, 2*time.Second)
				if err := errors.Join(l.client.WriteVideo(0, nil), l.client.WriteAudio(0, nil), l.client.WriteVideo(0, []byte{0x17, 1, 0, 0, 0})); err != nil {
					t.Fatal(err)
				}
			}
		}, 0, 12 * time.Second, 0, nil},
		{"case 21: delimiters, filler and SEI in every picture", edited(func(sample *media.Sample, _ int) bool {
			sample.Payload = append([][]byte{{9, 0xf0}, append([]byte{6, 4}, "GA94captions"...), {12, 0xff, 0xff, 0x80}}, sample.Payload...)
			return true
		}), 0, 12 * time.Second, 0, nil},
		{"case 22: a truncated picture", func(l *lesson) {
			src := mediatest.New(t, obs)
			l.send(src, 3*time.Second)
			if err := l.client.WriteVideo(3000, []byte{0x27, 1, 0, 0, 0, 0, 0, 9, 0, 0x41, 0x9a}); err != nil {
				t.Fatal(err)
			}
			l.send(src, 9*time.Second)
		}, 0, 12 * time.Second, 0, nil},
		{"case 26: a rate that varies", edited(func(_ *media.Sample, picture int) bool {
			return picture%60 == 0 || picture%60%(1+picture/60) == 0
		}), 0, 12 * time.Second, 0, nil},
		{"case 26: two pictures a second", plain(mediatest.Config{Round: ms, FPS: 2, GOP: 4}, 16*time.Second), 0, 16 * time.Second, 0, nil},
		{"case 27: 29.97 pictures a second", plain(mediatest.Config{Round: ms, FPS: 30000.0 / 1001}, 24*time.Second), 0, 24 * time.Second, 0, nil},
		{"case 27: 59.94 pictures a second", plain(mediatest.Config{Round: ms, FPS: 60000.0 / 1001, GOP: 120}, 24*time.Second), 0, 24 * time.Second, 0, nil},
		{"case 28: onMetaData wrong, late and malformed", func(l *lesson) {
			src := mediatest.New(t, obs)
			for _, meta := range []rtmptest.Object{
				{"width": 1, "height": -1, "framerate": 1e9, "videocodecid": 99, "audiocodecid": "mp3"}, {}, {"duration": "NaN", "width": true},
			} {
				if err := l.client.WriteMetadata(meta); err != nil {
					t.Fatal(err)
				}
				l.send(src, 4*time.Second)
				broken := rtmptest.Message{Type: 18, Stream: l.client.Stream(), Body: []byte{2, 0xff, 0xff, 'o', 'n'}}
				if err := l.client.Write(broken, rtmptest.Format{CSID: 4, Size: l.client.ChunkSize}); err != nil {
					t.Fatal(err)
				}
			}
		}, 0, 12 * time.Second, 0, nil},
		{"case 34: 50 s at once", plain(obs, 50*time.Second), 0, 50 * time.Second, 0, nil},
		{"case 35: a picture of 6 MiB", func(l *lesson) {
			src := mediatest.New(t, obs)
			samples := src.Take(12 * time.Second)
			i := slices.IndexFunc(samples, func(s media.Sample) bool {
				return s.DTS >= 6*time.Second && s.RandomAccess && s.Track == media.VideoTrackID
			})
			samples[i].Payload = [][]byte{append(slices.Clone(samples[i].Payload[0]), bytes.Repeat([]byte{0xa5}, 6<<20)...)}
			l.headers(0, src.Tracks()...)
			l.write(src, samples)
		}, 0, 12 * time.Second, 0, nil},
		{"case 36: HEVC by Enhanced RTMP", plain(mediatest.Config{Round: ms, Codec: media.CodecHEVC}, 12*time.Second), 0, 12 * time.Second, 0, nil},
		{"case 41: mono at 44.1 kHz", plain(mediatest.Config{Round: ms, SampleRate: 44100}, 12*time.Second), 0, 12 * time.Second, 0, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := s.as(t).lesson(className(tc.name))
			tc.play(l)
			if err := l.client.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := l.api.End(t.Context(), l.id); err != nil {
				t.Fatal(err)
			}
			source, audio := l.playlist("source"), l.playlist("audio")
			if source.discontinuities != tc.discontinuities {
				t.Errorf("%d discontinuities, want %d, in\n%s", source.discontinuities, tc.discontinuities, source.body)
			}
			within(t, "source", source.total(), tc.total)
			slices.Sort(source.maps) // named again after a discontinuity
			if maps := slices.Compact(source.maps); len(maps) != max(tc.maps, 1) {
				t.Errorf("initialization sections %v, want %d", maps, max(tc.maps, 1))
			}
			if tc.more != nil {
				tc.more(t, source, audio)
			}
		})
	}
}

func startsAtZero(t *testing.T, source, audio listed) {
	t.Helper()
	if source.starts[0] > 100*ms || audio.starts[0] > 100*ms {
		t.Errorf("media time starts at %s and %s", source.starts[0], audio.starts[0])
	}
}
