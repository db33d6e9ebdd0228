package worker

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

const (
	testRung  media.TrackID = 10
	testSound media.TrackID = 20
)

func testSpec() transcode.Spec {
	return transcode.Spec{
		Tracks: []media.Track{
			{ID: media.VideoTrackID, Codec: media.CodecH264, Timescale: media.TimescaleVideo},
			{ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: 48000},
		},
		Video: []transcode.VideoRung{{Track: testRung, Rendition: "360p"}},
		Audio: []transcode.AudioRung{{Track: testSound, Rendition: "audio-only"}},
	}
}

func testTracks() []media.Track {
	return []media.Track{
		{
			ID: testRung, Codec: media.CodecH264, Timescale: media.TimescaleVideo,
			Video: media.VideoFormat{ParameterSets: [][]byte{{0x67}}, Width: 640, Height: 360},
		},
		{
			ID: testSound, Codec: media.CodecAAC, Timescale: 48000,
			Audio: media.AudioFormat{Config: []byte{1}, SampleRate: 48000, Channels: 1, FrameSamples: 1024},
		},
	}
}

// picture is number n of 30 a second, with a keyframe each second.
func picture(n int) *media.AccessUnit {
	return &media.AccessUnit{
		Track: media.VideoTrackID, PTS: int64(n) * 3000, DTS: int64(n) * 3000, RandomAccess: n%30 == 0, Payload: [][]byte{{1}},
	}
}

// encoded is the same on the rung.
func encoded(n int) *media.AccessUnit {
	au := picture(n)
	au.Track = testRung
	return au
}

// scripted is a process that is a function; the function ends when its pipes do.
type scripted struct {
	script     func(s *scripted) ending
	inR        *io.PipeReader
	inW        *io.PipeWriter
	outR, errR *io.PipeReader
	outW, errW *io.PipeWriter
	dead       chan struct{} // closed by kill
	once       sync.Once
	resident   int64
	reader     *wire.Reader
}

func newScripted(script func(*scripted) ending) *scripted {
	s := &scripted{script: script, dead: make(chan struct{})}
	s.inR, s.inW = io.Pipe()
	s.outR, s.outW = io.Pipe()
	s.errR, s.errW = io.Pipe()
	s.reader = wire.NewServerReader(s.inR)
	return s
}

func (s *scripted) run(started func()) ending {
	started()
	end := s.script(s)
	for _, c := range []io.Closer{s.inR, s.outW, s.errW} {
		_ = c.Close()
	}
	return end
}

func (s *scripted) kill() {
	s.once.Do(func() { close(s.dead) })
	for _, c := range []io.Closer{s.inR, s.inW, s.outW, s.errW} {
		_ = c.Close()
	}
}

func (s *scripted) stdin() io.WriteCloser  { return s.inW }
func (s *scripted) stdout() io.Reader      { return s.outR }
func (s *scripted) stderr() io.Reader      { return s.errR }
func (s *scripted) release()               { _ = s.outR.Close(); _ = s.errR.Close() }
func (s *scripted) pid() int               { return 1 }
func (s *scripted) memory() (int64, error) { return s.resident, nil }

// say writes a frame.
func (s *scripted) say(frame []byte, err error) {
	if err == nil {
		_, _ = s.outW.Write(frame)
	}
}

func (s *scripted) hello() { s.say(wire.AppendHello(nil, BuildID())) }

// next reads frames up to one of a kind; ok is false at the end.
func (s *scripted) next(kind wire.Kind) ([]byte, bool) {
	for {
		k, body, err := s.reader.Next()
		if err != nil {
			return nil, false
		}
		if k == kind {
			return body, true
		}
	}
}

// beatUntilDead is a worker's idle life.
func (s *scripted) beatUntilDead() ending {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.say(wire.AppendStats(nil, 0, transcode.Stats{}))
		case <-s.dead:
			return ending{reason: reasonKilled, text: "killed"}
		}
	}
}

// open says hello and answers the first open, and returns the run.
func (s *scripted) open() (uint32, transcode.Spec) {
	s.hello()
	body, ok := s.next(wire.KindOpen)
	if !ok {
		return 0, transcode.Spec{}
	}
	run, spec, err := wire.ParseOpen(body)
	if err != nil {
		return 0, spec
	}
	s.say(wire.AppendOpened(nil, run, testTracks()))
	return run, spec
}

// bench is a Host in a bubble, with what it starts.
type bench struct {
	t       *testing.T
	host    *Host
	starts  []time.Duration // since the begin
	begin   time.Time
	scripts []func(*scripted) ending // the last one is for all that follow
	procs   []*scripted
}

// bubble runs a test in a bubble with a Host.
func bubble(t *testing.T, test func(b *bench), scripts ...func(*scripted) ending) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, begin: time.Now(), scripts: scripts}
		cfg := DefaultConfig()
		b.host = newHost(cfg, Deps{
			Logger: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()), Now: time.Now,
		}, func() process {
			p := newScripted(b.scripts[min(len(b.starts), len(b.scripts)-1)])
			b.starts = append(b.starts, time.Since(b.begin))
			b.procs = append(b.procs, p)
			return p
		})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := b.host.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
		test(b)
		cancel()
		running.Wait()
	})
}

// events polls all there is when nothing moves any more; stats are left out.
func (b *bench) events() []transcode.Event {
	synctest.Wait()
	var out []transcode.Event
	for {
		e, ok := b.host.Poll()
		if !ok {
			return out
		}
		if e.Stats == nil {
			out = append(out, e)
		}
	}
}

// lost returns the losses in events.
func lost(events []transcode.Event) []*transcode.Lost {
	var out []*transcode.Lost
	for _, e := range events {
		if e.Lost != nil {
			out = append(out, e.Lost)
		}
	}
	return out
}
