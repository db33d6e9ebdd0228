package rtsp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/base"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtsp/internal/reception"
	"github.com/lectern/lectern/media/stream"
)

// PullerDeps are what one Puller works on and with. All but Jitter are required.
type PullerDeps struct {
	// Stream is the name of the stream that the camera's media goes to.
	Stream string

	// Source is rtsp://[user:password@]host[:port]/path?query, or rtsps://. It
	// is secret.
	Source string

	Hub     ingest.Hub
	Logger  *slog.Logger
	Metrics *Metrics

	// Jitter returns random numbers in [0, 1) that spread reconnects. Default
	// math/rand/v2.
	Jitter func() float64
}

// protocolPush and protocolPull are the values of stream.PublishRequest.Protocol,
// which are label values too.
const (
	protocolPush = "rtsp"
	protocolPull = "rtsp-pull"
)

// Puller fetches one camera's media and publishes it, again and again until the
// stream ends: a camera that is gone is tried after 1, 2, 4 … 30 s.
type Puller struct {
	// Set by NewPuller, then read-only.
	cfg    PullConfig
	deps   PullerDeps
	source *base.URL
	logger *slog.Logger

	// attempt connects once; it returns when the connection has ended, and how
	// long media came. Tests replace it.
	attempt func(ctx context.Context) (lived time.Duration, err error)
}

// NewPuller checks cfg and the source. It connects to nothing. The error never
// holds the source.
func NewPuller(cfg PullConfig, deps PullerDeps) (*Puller, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure rtsp pull: %w", err)
	}
	u, err := parseSource(deps.Source)
	if err != nil {
		return nil, err
	}
	if deps.Jitter == nil {
		deps.Jitter = rand.Float64
	}
	p := &Puller{
		cfg: cfg, deps: deps, source: u,
		logger: deps.Logger.With("component", "rtsp", "stream", deps.Stream, "protocol", protocolPull),
	}
	p.attempt = p.connect
	return p, nil
}

// parseSource reads the URL of a camera. Its error holds no part of it.
func parseSource(s string) (*base.URL, error) {
	u, err := base.ParseURL(s)
	if err != nil || u.Hostname() == "" {
		return nil, ErrBadSource // the cause quotes the URL
	}
	return u, nil
}

// Run pulls until ctx ends or the stream does, and returns nil for both. Each
// publication that is lost is closed with stream.CloseDropped. A camera whose
// media is refused is tried again too: somebody may change its settings. Run
// returns once every goroutine it started has exited. Call it once.
func (p *Puller) Run(ctx context.Context) error {
	b := backoff{least: p.cfg.ReconnectMin, most: p.cfg.ReconnectMax, random: p.deps.Jitter}
	var last string // outcome that was logged
	for {
		lived, err := p.attempt(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // being told to stop is no failure
		}
		if isStreamOver(err) {
			p.logger.InfoContext(ctx, "pull ended with its stream")
			return nil
		}
		outcome := outcomeOf(err)
		pause := b.pause(lived, outcome == outcomeUnauthorised)
		// A camera that stays away fails the same way for hours.
		if outcome != last || lived > 0 {
			p.logger.WarnContext(ctx, "camera pull interrupted", "reason", outcome, "err", err, "duration", pause)
		} else {
			p.logger.DebugContext(ctx, "camera pull still fails", "reason", outcome, "duration", pause)
		}
		last = outcome

		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return nil
		}
	}
}

// isStreamOver reports whether err means that nobody wants the media any more.
func isStreamOver(err error) bool {
	if errors.Is(err, stream.ErrNoStream) || errors.Is(err, stream.ErrEnded) {
		return true
	}
	var closed *pulledEndError
	return errors.As(err, &closed) && closed.reason == stream.CloseClassEnded
}

// pulledEndError tells that the publication was closed from outside.
type pulledEndError struct{ reason stream.CloseReason }

// Error names the reason.
func (e *pulledEndError) Error() string { return "publication was closed: " + e.reason.String() }

// The values of the outcome label of lectern_rtsp_pull_attempts_total and of
// the reason attribute in logs.
const (
	outcomeConnected    = "connected"
	outcomeUnauthorised = "unauthorised"
	outcomeInsecure     = "insecure_auth"
	outcomeRefused      = "media_refused"
	outcomeBusy         = "busy"
	outcomeClosed       = "publication_closed"
	outcomeSilent       = "silent"
	outcomeStatus       = "status"
	outcomeRedirect     = "foreign_redirect"
	outcomeNetwork      = "network"
)

func outcomeOf(err error) string {
	var refusal *media.RefusalError
	var taken *stream.TakenError
	var closed *pulledEndError
	var status *statusError
	switch {
	case errors.Is(err, ErrInsecureAuth):
		return outcomeInsecure
	case errors.Is(err, ErrForeignRedirect):
		return outcomeRedirect
	case errors.As(err, &refusal):
		return outcomeRefused
	case errors.As(err, &taken):
		return outcomeBusy
	case errors.As(err, &closed):
		return outcomeClosed
	case errors.Is(err, reception.ErrNoMedia):
		return outcomeSilent
	case errors.As(err, &status) && status.code == base.StatusUnauthorized:
		return outcomeUnauthorised
	case status != nil:
		return outcomeStatus
	default:
		return outcomeNetwork
	}
}
