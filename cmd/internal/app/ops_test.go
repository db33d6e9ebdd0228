package app_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/lectern/lectern/cmd/internal/app"
	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/media/mediatest"
)

func TestStartErrorsNameTheKey(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		edit func(*configs.Config)
		want string
	}{
		{"port is taken", func(c *configs.Config) { c.Listen.RTMP = taken.Addr().String() }, "listen.rtmp: "},
		{"data is a file", func(c *configs.Config) { c.Data = file }, "data: "},
		{"no certificate", func(c *configs.Config) { c.TLS.CertFile, c.TLS.KeyFile = "none.pem", "none.key" }, "tls.cert_file: "},
		{"bad token file", func(c *configs.Config) { c.API.TokenFile = file }, "api.token_file: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := testConfig(t.TempDir())
			tc.edit(&cfg)
			a, err := app.New(cfg, nil, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Run(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("err = %v, want %q in it", err, tc.want)
			}
			if _, err := a.Addrs(t.Context()); !errors.Is(err, app.ErrNotRunning) {
				t.Errorf("Addrs: %v, want ErrNotRunning", err)
			}
		})
	}
}

func TestReadiness(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	code, body := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/readyz", "")
	var ready struct {
		Ready  bool
		Checks map[string]string
	}
	if err := json.Unmarshal([]byte(body), &ready); err != nil || code != http.StatusOK || !ready.Ready ||
		ready.Checks["listeners"] != "ok" || ready.Checks["store"] != "ok" {
		t.Errorf("/readyz = %d %s, %v", code, body, err)
	}
}

// Names, help texts and units of every metric follow the conventions, and no
// metric tells of a class, a room or a person.
func TestMetrics(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("metered")
	s.teach(s.push(c.StreamKey), mediatest.New(t, mediatest.Config{Round: time.Millisecond}), 12*time.Second)
	s.wantSegments("/live/metered/source/index.m3u8", 1)
	s.get("/watch/metered")
	_, text := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/metrics", "")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "lectern_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if strings.Contains(text, "metered") || strings.Contains(text, c.StreamKey) {
		t.Error("a metric names a class or a key")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		name, found := strings.CutPrefix(line, "# HELP lectern_")
		if !found {
			continue
		}
		pkg, _, _ := strings.Cut(name, "_")
		seen[pkg] = true
		if help := strings.TrimSpace(name[strings.Index(name, " "):]); !strings.HasSuffix(help, ".") {
			t.Errorf("the help of %s is not a sentence: %q", pkg, help)
		}
	}
	for _, pkg := range []string{"rtmp", "rtsp", "stream", "hls", "origin", "segment", "class", "api", "web", "kv", "app"} {
		if !seen[pkg] {
			t.Errorf("no metric of %s", pkg)
		}
	}
}
