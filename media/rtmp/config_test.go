package rtmp_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/rtmp"
)

func TestConfigValidate(t *testing.T) {
	if err := rtmp.DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	err := rtmp.Config{MaxConnections: 0, MaxConnectionsPerIP: 70_000, PublishTimeout: time.Hour, WriteTimeout: -1}.Validate()
	for _, key := range []string{"max_connections", "max_connections_per_ip", "publish_timeout", "read_timeout", "write_timeout"} {
		if err == nil || !strings.Contains(err.Error(), "rtmp."+key+": ") {
			t.Errorf("no complaint about rtmp.%s in %v", key, err)
		}
	}
	if _, err := rtmp.New(rtmp.Config{}, rtmp.Deps{}); err == nil {
		t.Error("New takes a broken configuration")
	}
	if _, err := rtmp.New(rtmp.DefaultConfig(), rtmp.Deps{}); err == nil {
		t.Error("New works with nothing")
	}
}

func TestRunWithoutListener(t *testing.T) {
	s, err := rtmp.New(rtmp.DefaultConfig(), rtmp.Deps{
		Authorizer: keys{}, Hub: &ingesttest.Hub{}, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context(), nil); !errors.Is(err, rtmp.ErrNoListener) {
		t.Errorf("err = %v", err)
	}
}

func TestMetricNames(t *testing.T) {
	r := start(t)
	r.survives(goodKey)
	r.stop()
	problems, err := testutil.GatherAndLint(r.reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}
