package worker_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

func TestConfigValidate(t *testing.T) {
	if err := worker.DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	err := worker.Config{MemoryLimit: 1, QueueBytes: 1 << 40, StartTimeout: time.Hour, SilenceTimeout: -1}.Validate()
	for _, key := range []string{"memory_limit", "queue_bytes", "start_timeout", "silence_timeout"} {
		if err == nil || !strings.Contains(err.Error(), "worker."+key+": ") {
			t.Errorf("no complaint about %s in %v", key, err)
		}
	}
	if _, err := worker.New(worker.Config{}, worker.Deps{}); err == nil {
		t.Error("New takes a broken configuration")
	}
	if _, err := worker.New(worker.DefaultConfig(), worker.Deps{}); err == nil {
		t.Error("New works with nothing")
	}
}

// A spec that cannot be sent is refused before there is a process.
func TestUnsendableSpec(t *testing.T) {
	host, err := worker.New(worker.DefaultConfig(), worker.Deps{
		Command: []string{"worker"}, Logger: slog.New(slog.DiscardHandler),
		Metrics: worker.NewMetrics(prometheus.NewRegistry()), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*transcode.Spec){
		"no timescale":  func(s *transcode.Spec) { s.Tracks[0].Timescale = 0 },
		"a track twice": func(s *transcode.Spec) { s.Tracks[1].ID = s.Tracks[0].ID },
		"a rung twice":  func(s *transcode.Spec) { s.Audio[0].Track = s.Video[0].Track },
		"too large":     func(s *transcode.Spec) { s.Tracks[0].Video.ParameterSets = [][]byte{make([]byte, 1<<20)} },
	} {
		sp := spec()
		change(&sp)
		host.Open(3, sp, false)
		host.Write(&media.AccessUnit{Track: media.VideoTrackID, RandomAccess: true, Payload: [][]byte{{1}}})
		select {
		case <-host.Ready():
		default:
			t.Errorf("%s: not ready", name)
		}
		e, ok := host.Poll()
		if !ok || e.Lost == nil || e.Lost.Reason != "spec" || !e.Lost.Final || e.Run != 3 {
			t.Errorf("%s: %+v", name, e)
		}
		if s := host.Status(); s.State != worker.StateDisabled || s.State.String() != "disabled" {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// BenchmarkPipe sends access units of 50 kB through a worker that gives them back.
func BenchmarkPipe(b *testing.B) {
	r := start(b, "echo")
	r.host.Open(1, spec(), false)
	r.untilOpened()
	payload := [][]byte{bytes.Repeat([]byte{1}, 50_000)}
	b.SetBytes(50_000)
	b.ReportAllocs()
	for b.Loop() {
		au := r.unit()
		au.RandomAccess, au.Payload = true, payload
		r.host.Write(au)
		for got := false; !got; {
			<-r.host.Ready()
			for {
				e, ok := r.host.Poll()
				if !ok {
					break
				}
				got = got || e.AccessUnit != nil
				if e.Lost != nil {
					b.Fatal(fmt.Sprint(e.Lost))
				}
			}
		}
	}
}
