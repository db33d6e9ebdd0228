package ops_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/cmd/internal/ops"
)

func TestHandler(t *testing.T) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "lectern_test_things_total", Help: "Things."}))
	var storeErr error
	h := ops.NewHandler(reg, []ops.Check{
		{Name: "listeners", Ready: func(context.Context) error { return nil }},
		{Name: "store", Ready: func(context.Context) error { return storeErr }},
	}, slog.New(slog.DiscardHandler))

	for _, tc := range []struct {
		name, method, path string
		storeErr           error
		status             int
		want               string
	}{
		{"metrics", "GET", "/metrics", nil, 200, "lectern_test_things_total 0"},
		{"health", "GET", "/healthz", errors.New("store is closed"), 200, "ok"},
		{"ready", "GET", "/readyz", nil, 200, `"ready":true`},
		{"not ready", "GET", "/readyz", errors.New("store is closed"), 503, `"store":"store is closed"`},
		{"profiles", "GET", "/debug/pprof/", nil, 200, "goroutine"},
		{"only reads", "POST", "/healthz", nil, 405, ""},
		{"nothing else", "GET", "/", nil, 404, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			storeErr = tc.storeErr
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), tc.method, tc.path, http.NoBody))
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
				t.Errorf("%s %s = %d %q, want %d with %q", tc.method, tc.path, w.Code, w.Body, tc.status, tc.want)
			}
		})
	}
}
