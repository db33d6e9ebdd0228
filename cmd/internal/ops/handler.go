package ops

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTimeout bounds one readiness check, so that a hung disk shows as "not
// ready" instead of as a hung probe.
const checkTimeout = 2 * time.Second

// Check is one thing the server needs to be of use.
type Check struct {
	// Name appears in the answer of /readyz: "listeners", "store".
	Name string
	// Ready returns nil when it works. It must heed ctx and be safe for
	// concurrent use.
	Ready func(ctx context.Context) error
}

// NewHandler returns the handler of the admin listener. It is safe for
// concurrent use.
//
//   - /metrics: Prometheus text of gatherer
//   - /healthz: 200 while the process serves; a supervisor restarts on failure
//   - /readyz: 200 when every check passes, else 503; a balancer routes by it
//   - /debug/pprof/: profiles
func NewHandler(gatherer prometheus.Gatherer, checks []Check, logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelError),
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // a failed write means the prober left
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { serveReady(w, r, checks) })
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

func serveReady(w http.ResponseWriter, r *http.Request, checks []Check) {
	results := make(map[string]string, len(checks))
	status := http.StatusOK
	for _, c := range checks {
		results[c.Name] = "ok"
		if err := runCheck(r.Context(), c); err != nil {
			results[c.Name] = err.Error()
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"ready": status == http.StatusOK, "checks": results}) // a failed write means the prober left
}

func runCheck(ctx context.Context, c Check) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return c.Ready(ctx)
}
