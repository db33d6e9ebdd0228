package loop_test

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls/origin/loop"
)

// Validate names everything that is wrong, and New refuses it.
func TestConfig(t *testing.T) {
	if err := loop.DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	bad := loop.Config{Loops: 65, MaxConnections: 0, HeadTimeout: time.Millisecond, IdleTimeout: time.Hour, WriteTimeout: 0, DrainTimeout: -1}
	_, err := loop.New(bad, &net.TCPAddr{}, loop.Deps{})
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, key := range []string{"loops", "max_connections", "head_timeout", "idle_timeout", "write_timeout", "drain_timeout"} {
		if !strings.Contains(err.Error(), "loop."+key+": ") {
			t.Errorf("%q does not name %s", err, key)
		}
	}
}

// A Server needs all that it works with.
func TestDeps(t *testing.T) {
	whole := loop.Deps{
		Handler: http.NotFoundHandler(), Serves: func(string) bool { return true },
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	}
	for name, take := range map[string]func(d *loop.Deps){
		"handler": func(d *loop.Deps) { d.Handler = nil }, "paths": func(d *loop.Deps) { d.Serves = nil },
		"logger": func(d *loop.Deps) { d.Logger = nil }, "registry": func(d *loop.Deps) { d.Registerer = nil },
	} {
		d := whole
		take(&d)
		if _, err := loop.New(loop.DefaultConfig(), &net.TCPAddr{}, d); err == nil {
			t.Errorf("it was made without %s", name)
		}
	}
	s, err := loop.New(loop.DefaultConfig(), &net.TCPAddr{Port: 80}, whole)
	if err != nil {
		t.Fatal(err)
	}
	l := s.Listener()
	if got := l.Addr().String(); got != ":80" {
		t.Errorf("address %s", got)
	}
	if err = l.Close(); err != nil {
		t.Error(err)
	}
	if c, aerr := l.Accept(); aerr == nil {
		t.Errorf("%v came out of a closed listener", c)
	}
}
