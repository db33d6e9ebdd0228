package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

const (
	rungTrack  media.TrackID = 10
	soundTrack media.TrackID = 20
	frameTicks               = 3000 // 30 pictures a second
)

// spec is of one video and one audio rung.
func spec() transcode.Spec {
	return transcode.Spec{
		Tracks: []media.Track{
			{ID: media.VideoTrackID, Codec: media.CodecH264, Timescale: media.TimescaleVideo},
			{ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: 48000},
		},
		Video: []transcode.VideoRung{{Track: rungTrack, Rendition: "360p", Width: 640, Height: 360}},
		Audio: []transcode.AudioRung{{Track: soundTrack, Rendition: "audio-only", Channels: 1, BitRate: 64000}},
	}
}

// rig is a running Host with a real process.
type rig struct {
	t     testing.TB
	host  *worker.Host
	clock *mediatest.Clock
	reg   *prometheus.Registry
	log   *logBuffer
	stop  func()

	next int64 // number of the next picture
	gop  int64

	// Owned by the goroutine that polls.
	events []transcode.Event
}

type logBuffer struct {
	mu sync.Mutex // guards the field below
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs a Host with a worker of a kind of TestMain.
func start(tb testing.TB, kind string, change ...func(*worker.Config)) *rig {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	return startCommand(tb, []string{exe, "worker", kind}, change...)
}

func startCommand(tb testing.TB, argv []string, change ...func(*worker.Config)) *rig {
	tb.Helper()
	cfg := worker.DefaultConfig()
	cfg.StartTimeout, cfg.SilenceTimeout = time.Minute, time.Minute // a slow machine is not a fault
	for _, c := range change {
		c(&cfg)
	}
	r := &rig{t: tb, clock: mediatest.NewClock(), reg: prometheus.NewRegistry(), log: &logBuffer{}, gop: 30}
	host, err := worker.New(cfg, worker.Deps{
		Command: argv, Env: os.Environ(), Logger: slog.New(slog.NewTextHandler(r.log, nil)),
		Metrics: worker.NewMetrics(r.reg), Now: r.clock.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	r.host = host
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := host.Run(ctx); err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	r.stop = func() { cancel(); running.Wait() }
	tb.Cleanup(func() {
		r.stop()
		if tb.Failed() {
			tb.Logf("log:\n%s", r.log)
		}
	})
	return r
}

// unit makes the next picture, with payload if it is given.
func (r *rig) unit(payload ...string) *media.AccessUnit {
	n := r.next
	r.next++
	body := fmt.Sprintf("picture %d", n)
	if len(payload) > 0 {
		body = payload[0]
	}
	return &media.AccessUnit{
		Track: media.VideoTrackID, PTS: n*frameTicks + frameTicks, DTS: n * frameTicks, RandomAccess: n%r.gop == 0,
		Payload: [][]byte{[]byte(body), []byte("slice")},
	}
}

// write writes n pictures.
func (r *rig) write(n int) {
	for range n {
		r.host.Write(r.unit())
	}
}

// until polls until an event matches, and returns it.
func (r *rig) until(what string, match func(transcode.Event) bool) transcode.Event {
	r.t.Helper()
	var found transcode.Event
	mediatest.Eventually(r.t, func() string {
		for {
			e, ok := r.host.Poll()
			if !ok {
				return "no " + what + "; status " + fmt.Sprintf("%+v", r.host.Status())
			}
			if e.Stats == nil {
				r.events = append(r.events, e)
			}
			if match(e) {
				found = e
				return ""
			}
		}
	})
	return found
}

func (r *rig) untilOpened() { r.t.Helper(); r.until("opened", opened) }

func (r *rig) untilLost(reason string) *transcode.Lost {
	r.t.Helper()
	e := r.until("lost", func(e transcode.Event) bool { return e.Lost != nil })
	if e.Lost.Reason != reason {
		r.t.Errorf("lost for %q (%s), want %q", e.Lost.Reason, e.Lost.Text, reason)
	}
	return e.Lost
}

// untilPicture polls until the picture with a number came back.
func (r *rig) untilPicture(n int64) {
	r.t.Helper()
	r.until(fmt.Sprintf("picture %d", n), func(e transcode.Event) bool {
		return e.AccessUnit != nil && e.AccessUnit.Track == rungTrack && e.AccessUnit.DTS == n*frameTicks
	})
}

func opened(e transcode.Event) bool { return e.Opened != nil }

// rises fails the test unless the units of each track rise, and begin with a
// random access point after each Opened.
func (r *rig) rises() {
	r.t.Helper()
	last, fresh := map[media.TrackID]int64{}, map[media.TrackID]bool{}
	for _, e := range r.events {
		if e.Opened != nil {
			fresh = map[media.TrackID]bool{}
		}
		au := e.AccessUnit
		if au == nil {
			continue
		}
		if !fresh[au.Track] && !au.RandomAccess {
			r.t.Errorf("track %d begins at dts %d, which is no random access point", au.Track, au.DTS)
		}
		fresh[au.Track] = true
		if before, ok := last[au.Track]; ok && au.DTS <= before {
			r.t.Errorf("track %d goes from dts %d to %d", au.Track, before, au.DTS)
		}
		last[au.Track] = au.DTS
	}
}

// children lists those of this process that run or have not been waited for.
func children() []string {
	var out []string
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return []string{err.Error()}
	}
	for _, d := range dirs {
		b, err := os.ReadFile("/proc/" + d.Name() + "/stat")
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(b), ") ")
		fields := strings.Fields(rest)
		if ok && len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) {
			out = append(out, string(b))
		}
	}
	return out
}
