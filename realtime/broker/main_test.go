package broker_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/broker/brokertest"
	"github.com/lectern/lectern/storage/kv"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		publishUntilKilled(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// running is a broker that runs, and what a test wants to look at.
type running struct {
	*broker.Embedded
	db   *kv.DB
	reg  *prometheus.Registry
	stop func()
}

func run(tb testing.TB, path string, cfg broker.Config, deps broker.Deps) running {
	tb.Helper()
	db, err := kv.Open(path, kv.Options{SkipFreelist: true})
	if err != nil {
		tb.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	deps.DB, deps.Registerer = db, reg
	b := broker.NewEmbedded(cfg, deps)
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() {
		if err := b.Run(ctx); err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	stop := sync.OnceFunc(func() {
		cancel()
		wait.Wait()
		if err := db.Close(); err != nil {
			tb.Errorf("close: %v", err)
		}
	})
	tb.Cleanup(stop)
	return running{b, db, reg, stop}
}

func TestConformance(t *testing.T) {
	for name, cfg := range map[string]broker.Config{
		"default":      broker.DefaultConfig(),
		"small memory": {ResumeEvents: 3, QueueEvents: 1000}, // most is read from the disk
	} {
		t.Run(name, func(t *testing.T) {
			brokertest.Run(t, func(t *testing.T) brokertest.Open {
				t.Helper()
				path := filepath.Join(t.TempDir(), "rooms.db")
				return func(t *testing.T) (broker.Broker, func()) {
					t.Helper()
					r := run(t, path, cfg, broker.Deps{})
					return r.Embedded, r.stop
				}
			})
		})
	}
}
