package rtsp

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtsp/internal/reception"
	"github.com/lectern/lectern/media/stream"
)

// checkEvery is how often a publication's timeouts are looked at.
const checkEvery = 250 * time.Millisecond

// publisher is one RTSP session that announced a stream. The library calls its
// methods from the session's goroutine, except where noted.
type publisher struct {
	// Set by OnAnnounce and OnRecord, then read-only.
	server   *Server
	session  *gortsplib.ServerSession
	conn     *peerConn // the connection that records
	remote   netip.Addr
	stopping <-chan struct{}

	streamName string
	plan       reception.Plan

	// Set by begin, then read-only; nil before.
	pub    ingest.Publication
	in     *reception.Receiver
	logger *slog.Logger

	mu    sync.Mutex // guards the field below
	cause error      // why we closed the session; the first one stays
}

// admit checks path, key and description.
func (p *publisher) admit(ctx *gortsplib.ServerHandlerOnAnnounceCtx, authorize func(string, *publisher) (string, error)) error {
	key, ok := streamKey(ctx.Path)
	if !ok {
		return errNoKey
	}
	name, err := authorize(key, p)
	if err != nil {
		return &authError{err}
	}
	p.streamName = name
	p.plan, err = reception.Map(ctx.Description, p.server.cfg.IgnoreUnsupportedAudio)
	return err
}

// begin opens the publication and starts to listen.
func (p *publisher) begin() error {
	pub, err := p.server.deps.Hub.Publish(stream.PublishRequest{
		Stream: p.streamName, Protocol: protocolPush, Remote: p.remote,
	})
	if err != nil {
		return err
	}
	p.logger = p.server.logger.With("stream", p.streamName, "remote", p.remote.String())
	in, err := reception.New(p.plan, pub, reception.Deps{
		MediaTimeout: p.server.cfg.MediaTimeout, Stop: p.fail, Metrics: p.server.deps.Metrics.media, Logger: p.logger,
	}, time.Now())
	if err != nil {
		closeFor(pub, err)
		return err
	}
	p.pub, p.in = pub, in
	in.Attach(p.session)
	p.conn.setPublishing(true)
	p.server.deps.Metrics.publications.WithLabelValues(protocolPush).Inc()
	p.logger.Info("publisher admitted", "protocol", protocolPush, "ignored_tracks", p.plan.Ignored)
	return nil
}

// watch closes the session when its publication was closed from outside or its
// media stopped. It runs on a goroutine of its own until the publication ends,
// which end makes sure of.
func (p *publisher) watch() {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-p.pub.Done():
			p.fail(errPublicationEnded)
			return
		case now := <-tick.C:
			if err := p.in.Check(now); err != nil {
				p.fail(err)
			}
		}
	}
}

// fail ends the session because of err. It may be called from any goroutine and
// does not block.
func (p *publisher) fail(err error) {
	p.mu.Lock()
	if p.cause == nil {
		p.cause = err
	}
	p.mu.Unlock()
	p.session.Close()
}

// end closes the publication. err is the library's; its text may hold the path.
func (p *publisher) end(err error) {
	if p.pub == nil {
		return
	}
	p.mu.Lock()
	cause := p.cause
	p.mu.Unlock()
	if cause == nil {
		cause = p.causeOf(err)
	}
	closeFor(p.pub, cause)
	p.conn.setPublishing(false)
	reason := p.pub.Reason().String()
	p.server.deps.Metrics.publications.WithLabelValues(protocolPush).Dec()
	p.server.deps.Metrics.publicationsEnded.WithLabelValues(protocolPush, reason).Inc()
	p.logger.Info("publisher left", "reason", reason, "err", cause)
}

// causeOf translates why the library ended the session: nil for a goodbye.
func (p *publisher) causeOf(err error) error {
	var goodbye liberrors.ErrServerSessionTornDown
	if errors.As(err, &goodbye) {
		return nil
	}
	select {
	case <-p.stopping:
		return errStopping
	default:
		return errConnectionLost
	}
}

// closeFor closes pub because of err.
func closeFor(pub ingest.Publication, err error) {
	if refusal, ok := errors.AsType[*media.RefusalError](err); ok {
		pub.Refused(refusal)
	}
	pub.Close(closeReason(err))
}

// closeReason tells how a publication ends that failed with err.
func closeReason(err error) stream.CloseReason {
	var refusal *media.RefusalError
	switch {
	case err == nil:
		return stream.CloseClean
	case errors.As(err, &refusal):
		return stream.CloseRefused
	case errors.Is(err, reception.ErrNoMedia):
		return stream.CloseSilent
	case errors.Is(err, errStopping):
		return stream.CloseShutdown
	default:
		return stream.CloseDropped
	}
}

// refuse builds the response for err, and returns an error that makes the library
// close the connection.
func (p *publisher) refuse(err error) (*base.Response, error) {
	code, text, label := answer(err)
	p.server.deps.Metrics.refusals.WithLabelValues(protocolPush, label).Inc()
	logger := p.server.logger.With("remote", p.remote.String(), "reason", label)
	if p.streamName != "" {
		logger = logger.With("stream", p.streamName)
	}
	if label == refusedInternal {
		logger.Error("publisher could not be checked", "err", err)
	} else {
		logger.Info("publisher refused")
	}
	return &base.Response{StatusCode: code, StatusMessage: phrase(text)}, errRefused
}

// maxPhrase keeps a status line within what clients read.
const maxPhrase = 200

// phrase makes text fit for a status line: printable ASCII on one line.
func phrase(text string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
	return ascii[:min(len(ascii), maxPhrase)]
}

// authError marks an error of the Authorizer.
type authError struct{ err error }

// Error returns the text of the cause.
func (e *authError) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *authError) Unwrap() error { return e.err }

// The values of the reason label of lectern_rtsp_refusals_total.
const (
	refusedPath     = "path"
	refusedKey      = "key"
	refusedBusy     = "busy"
	refusedEnded    = "ended"
	refusedMedia    = "media"
	refusedInternal = "internal"
)

// answer maps an error to an RTSP status (RFC 2326 §7.1.1), a reason phrase for
// the person at the encoder, and a label. 401 is not used: it asks for
// credentials in a header, and the key is in the path.
func answer(err error) (code base.StatusCode, text, label string) {
	var refusal *media.RefusalError
	isRefusal := errors.As(err, &refusal)
	var auth *authError
	var taken *stream.TakenError
	switch {
	case errors.Is(err, errNoKey):
		return base.StatusNotFound, "Publish to rtsp://HOST/live/STREAM-KEY with the stream key of your class.", refusedPath
	case errors.As(err, &auth) && isRefusal:
		return base.StatusForbidden, refusal.Text, refusedKey
	case isRefusal:
		return base.StatusUnsupportedMediaType, refusal.Text, refusedMedia
	case errors.As(err, &taken):
		return base.StatusServiceUnavailable, "Another encoder is publishing to this class. Stop it first.", refusedBusy
	case errors.Is(err, stream.ErrNoStream), errors.Is(err, stream.ErrEnded):
		return base.StatusForbidden, "This class is not open for publishing: it has ended or was removed.", refusedEnded
	default:
		return base.StatusInternalServerError, "The server could not start the stream. Try again.", refusedInternal
	}
}
