package rtsp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
	"github.com/lectern/lectern/media/stream"
)

// startHubServer runs a Server on a real hub with one open stream and a reader.
func startHubServer(t *testing.T) (addr string, reader *stream.Reader, st *stream.Stream) {
	t.Helper()
	hub, err := stream.New(stream.DefaultConfig(), stream.Deps{
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	must(t, err)
	st = hub.Open(testStream, stream.Position{})
	reader = st.AddReader("test", 64<<20)
	s, err := NewServer(DefaultConfig(), Deps{
		Authorizer: fakeAuthorizer{}, Hub: ingesttest.StreamHub(hub), Metrics: NewMetrics(prometheus.NewRegistry()),
		Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() {
		if err := s.Run(ctx, ln); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		run.Wait()
		st.End(stream.CloseShutdown)
	})
	return ln.Addr().String(), reader, st
}

// read collects access units until enough says so.
func read(t *testing.T, r *stream.Reader, enough func(*media.Discontinuity, []*media.AccessUnit) bool) (*media.Discontinuity, []*media.AccessUnit) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var first *media.Discontinuity
	var units []*media.AccessUnit
	for !enough(first, units) {
		item, err := r.Next(ctx)
		if err != nil {
			t.Fatalf("after %d access units: %v", len(units), err)
		}
		if item.Discontinuity != nil {
			if first != nil {
				t.Fatalf("second discontinuity after %d access units: %s", len(units), item.Discontinuity.Reason)
			}
			first = item.Discontinuity
			continue
		}
		units = append(units, item.AccessUnit)
	}
	return first, units
}

func count(units []*media.AccessUnit, id media.TrackID) int {
	n := 0
	for _, u := range units {
		if u.Track == id {
			n++
		}
	}
	return n
}

// checkOrder checks what every reader relies on.
func checkOrder(t *testing.T, units []*media.AccessUnit) {
	t.Helper()
	for _, id := range []media.TrackID{media.VideoTrackID, media.AudioTrackID} {
		last := int64(-1)
		first := true
		for i, u := range units {
			if u.Track != id {
				continue
			}
			if first && !u.RandomAccess {
				t.Errorf("track %d begins without a random access point", id)
			}
			if !first && u.DTS <= last {
				t.Fatalf("access unit %d of track %d: DTS %d after %d", i, id, u.DTS, last)
			}
			if u.PTS < u.DTS {
				t.Fatalf("access unit %d of track %d: PTS %d before DTS %d", i, id, u.PTS, u.DTS)
			}
			first, last = false, u.DTS
		}
	}
}

func TestPushReachesReader(t *testing.T) {
	addr, reader, _ := startHubServer(t)
	src := mediatest.New(t, mediatest.Config{GOP: 30, BFrames: true})
	send := rtptest.New(t, src.Tracks(), false)
	transport := gortsplib.TransportTCP
	c := &gortsplib.Client{Transport: &transport, WriteQueueSize: 8192}
	must(t, c.StartRecording("rtsp://"+addr+"/live/"+testKey, send.Desc))
	push(t, c, send, src.Take(3*time.Second))
	first, units := read(t, reader, func(_ *media.Discontinuity, u []*media.AccessUnit) bool {
		return count(u, media.VideoTrackID) >= 80 && count(u, media.AudioTrackID) >= 120
	})
	c.Close()
	if first == nil || len(first.Tracks) != 2 || !slices.EqualFunc(first.Tracks, src.Tracks(), media.Track.SameFormat) {
		t.Fatalf("first item %+v", first)
	}
	checkOrder(t, units)
}

// What can be read is the ladder's to refuse, and the encoder is told why.
func TestLadderRefuses(t *testing.T) {
	addr, _, st := startHubServer(t)
	st.SetTerms(stream.Terms{Admit: func(tracks []media.Track) error {
		if a, ok := media.Find(tracks, media.KindAudio); ok && a.Codec == media.CodecOpus {
			return &media.RefusalError{Code: "audio_codec", Text: "This server cannot take Opus audio."}
		}
		return nil
	}})
	src := mediatest.New(t, mediatest.Config{NoAudio: true})
	send := rtptest.New(t, src.Tracks(), false)
	send.Add(&format.Opus{PayloadTyp: 97, ChannelCount: 2})
	transport := gortsplib.TransportTCP
	c := &gortsplib.Client{Transport: &transport}
	err := c.StartRecording("rtsp://"+addr+"/live/"+testKey, send.Desc)
	if err == nil {
		c.Close()
		t.Fatal("case 41: publishing was accepted")
	}
	var status liberrors.ErrClientBadStatusCode
	if !errors.As(err, &status) || status.Code != base.StatusUnsupportedMediaType || status.Message != "This server cannot take Opus audio." {
		t.Errorf("case 41: %v", err)
	}
}

// A real encoder pushes. A missing ffmpeg fails the test: without it nobody
// would know that the server works with one.
func TestFFmpegPush(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatalf("this test needs ffmpeg: %v", err)
	}
	addr, reader, st := startHubServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, ffmpeg, "-hide_banner", "-loglevel", "error", "-re",
		"-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-t", "3.5", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-pix_fmt", "yuv420p",
		"-c:a", "aac", "-ac", "2", "-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+addr+"/live/"+testKey)
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	first, units := read(t, reader, func(_ *media.Discontinuity, u []*media.AccessUnit) bool {
		return count(u, media.VideoTrackID) >= 75 && count(u, media.AudioTrackID) >= 140
	})
	if err := cmd.Wait(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, stderr.String())
	}
	video, _ := media.Find(first.Tracks, media.KindVideo)
	audio, _ := media.Find(first.Tracks, media.KindAudio)
	if video.Video.Width != 160 || video.Video.Height != 90 || audio.Audio.SampleRate != 48000 || audio.Audio.Channels != 2 {
		t.Errorf("tracks: %+v", first.Tracks)
	}
	checkOrder(t, units)
	i := slices.IndexFunc(units, func(u *media.AccessUnit) bool { return u.Track == media.VideoTrackID })
	j := slices.IndexFunc(units, func(u *media.AccessUnit) bool { return u.Track == media.AudioTrackID })
	skew := media.TimescaleVideo.Duration(units[i].PTS) - media.Timescale(48000).Duration(units[j].PTS)
	if skew.Abs() > 150*time.Millisecond {
		t.Errorf("video starts %s after audio", skew)
	}
	mediatest.Eventually(t, func() string {
		if st.Status().Publishing {
			return "the publication is still open"
		}
		return ""
	})
}

func TestFFmpegIsToldWhy(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatalf("this test needs ffmpeg: %v", err)
	}
	addr, _, _ := startHubServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, ffmpeg, "-hide_banner", "-loglevel", "error",
		"-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25", "-t", "1", "-c:v", "libx264", "-preset", "ultrafast",
		"-f", "rtsp", "-rtsp_transport", "tcp", "rtsp://"+addr+"/live/wrong").CombinedOutput()
	if err == nil {
		t.Fatal("ffmpeg was let in")
	}
	if !bytes.Contains(out, []byte("The stream key is not known.")) {
		t.Errorf("ffmpeg says:\n%s", out)
	}
}
