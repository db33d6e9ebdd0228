package rtsp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"
	"github.com/bluenviron/gortsplib/v4/pkg/liberrors"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtsp/internal/reception"
	"github.com/lectern/lectern/media/stream"
)

const (
	// maxDials bounds the connections of one attempt: redirects, and the switch
	// from UDP to TCP. The library follows redirects without end.
	maxDials = 4

	// maxKeepAlive is the longest session timeout that is believed (RFC 2326
	// §12.37). The library multiplies the camera's number without a check: an
	// overflow would send keep-alives in a busy loop.
	maxKeepAlive = uint(3600)
)

// pull is one attempt to fetch from a camera.
type pull struct {
	puller *Puller
	cancel context.CancelCauseFunc // ends the attempt; does not block

	// Owned by the library's client goroutine.
	dials  int
	method base.Method // of the last request

	mu     sync.Mutex // guards the fields below
	remote netip.Addr // of the current connection
	basic  bool       // Basic authentication was offered and may not be used
}

// connect makes one attempt. It returns how long media came and why it ended.
func (p *Puller) connect(parent context.Context) (lived time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	a := &pull{puller: p, cancel: cancel}
	c := a.client()
	if err = c.Start2(); err != nil {
		return 0, fmt.Errorf("start rtsp client: %w", err)
	}
	var closing sync.WaitGroup
	done := make(chan struct{})
	closing.Go(func() {
		select {
		case <-ctx.Done():
		case <-done:
		}
		c.Close()
	})
	defer closing.Wait()
	defer close(done)

	pub, in, err := a.begin(ctx, c)
	if err != nil {
		p.countAttempt(outcomeOf(err))
		return 0, err
	}
	p.countAttempt(outcomeConnected)
	p.deps.Metrics.publications.WithLabelValues(protocolPull).Inc()
	p.logger.InfoContext(ctx, "camera connected", "remote", a.address().String())

	started := time.Now()
	err = a.wait(ctx, c, pub, in)
	reason := closeReason(err)
	if parent.Err() != nil {
		reason = stream.CloseShutdown
	}
	if refusal, ok := errors.AsType[*media.RefusalError](err); ok {
		pub.Refused(refusal)
	}
	pub.Close(reason)
	p.deps.Metrics.publications.WithLabelValues(protocolPull).Dec()
	p.deps.Metrics.publicationsEnded.WithLabelValues(protocolPull, pub.Reason().String()).Inc()
	return time.Since(started), err
}

func (p *Puller) countAttempt(outcome string) {
	p.deps.Metrics.pullAttempts.WithLabelValues(outcome).Inc()
}

// client returns a client whose callbacks work around the library's faults.
func (a *pull) client() *gortsplib.Client {
	p := a.puller
	c := &gortsplib.Client{
		Scheme:                   p.source.Scheme,
		Host:                     p.source.Host,
		ReadTimeout:              p.cfg.Timeout,
		WriteTimeout:             p.cfg.Timeout,
		UserAgent:                serverName,
		DisableRTCPSenderReports: true,
		TLSConfig:                &tls.Config{MinVersion: tls.VersionTLS12},
		DialContext:              a.dial,
		OnRequest:                a.onRequest,
		OnResponse:               a.onResponse,
		OnTransportSwitch: func(error) {
			p.logger.Info("no packets over udp: switching to tcp")
		},
		OnPacketsLost: func(uint64) {}, // the depacketiser counts by itself
		OnDecodeError: func(error) { p.deps.Metrics.media.PacketsUnreadable.Inc() },
	}
	if p.cfg.Transport == TransportTCP {
		transport := gortsplib.TransportTCP
		c.Transport = &transport
	}
	return c
}

// dial connects to the configured host only, so that a redirect does not carry
// the credentials elsewhere.
func (a *pull) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if a.dials++; a.dials > maxDials {
		return nil, ErrForeignRedirect
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil || host != a.puller.source.Hostname() {
		return nil, ErrForeignRedirect
	}
	d := net.Dialer{KeepAliveConfig: ingest.KeepAlive()}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("dial camera: %w", err)
	}
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		a.mu.Lock()
		a.remote = tcp.AddrPort().Addr().Unmap()
		a.mu.Unlock()
	}
	return c, nil
}

func (a *pull) address() netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.remote
}

// mayUseBasic reports whether credentials may cross the connection in the clear.
func (a *pull) mayUseBasic() bool {
	ip := a.address()
	return a.puller.source.Scheme == "rtsps" || ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
}

func (a *pull) onRequest(req *base.Request) {
	a.method = req.Method
}

// onResponse edits a response before the library acts on it.
func (a *pull) onResponse(res *base.Response) {
	stripSources(res.Header)
	if a.method == base.Options { // the library takes a response without CSeq too
		switch res.StatusCode {
		case base.StatusNotFound, base.StatusMethodNotAllowed, base.StatusNotImplemented:
			// The method is optional for cameras. After a 404 the library
			// would ask again at the end, when its reader may be gone, and
			// fault on a nil pointer.
			res.StatusCode = base.StatusOK
		}
	}
	if offers, ok := res.Header["WWW-Authenticate"]; ok && !a.mayUseBasic() {
		kept := offers[:0:0]
		for _, o := range offers {
			if name, _, _ := strings.Cut(o, " "); !strings.EqualFold(name, "Basic") {
				kept = append(kept, o)
			}
		}
		res.Header["WWW-Authenticate"] = kept
		a.mu.Lock()
		a.basic = len(kept) == 0
		a.mu.Unlock()
	}
	if v, ok := res.Header["Session"]; ok {
		var s headers.Session
		if s.Unmarshal(v) == nil && s.Timeout != nil && *s.Timeout > maxKeepAlive {
			limit := maxKeepAlive
			s.Timeout = &limit
			res.Header["Session"] = s.Marshal()
		}
	}
}

// begin asks for the camera's media and publishes it.
func (a *pull) begin(ctx context.Context, c *gortsplib.Client) (ingest.Publication, *reception.Receiver, error) {
	p := a.puller
	desc, _, err := c.Describe(p.source)
	if err != nil {
		return nil, nil, a.explain(ctx, "describe", err)
	}
	plan, err := reception.Map(desc, p.cfg.IgnoreUnsupportedAudio)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range plan.Streams {
		// The library ignores the error of parsing this URL and would fault.
		if u, urlErr := s.Media.URL(desc.BaseURL); urlErr != nil || u == nil {
			return nil, nil, errBadControl
		}
		if _, err = c.Setup(desc.BaseURL, s.Media, 0, 0); err != nil {
			return nil, nil, a.explain(ctx, "set up", err)
		}
	}
	pub, err := p.deps.Hub.Publish(stream.PublishRequest{
		Stream: p.deps.Stream, Protocol: protocolPull, Remote: a.address(),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("publish camera: %w", err)
	}
	in, err := reception.New(plan, pub, reception.Deps{
		MediaTimeout: p.cfg.Timeout, Stop: func(err error) { a.cancel(err) }, Metrics: p.deps.Metrics.media, Logger: p.logger,
	}, time.Now())
	if err != nil {
		closeFor(pub, err)
		return nil, nil, err
	}
	in.Attach(c)
	if _, err := c.Play(nil); err != nil {
		err = a.explain(ctx, "play", err)
		closeFor(pub, err)
		return nil, nil, err
	}
	return pub, in, nil
}

// wait returns why the media ended; never nil.
func (a *pull) wait(ctx context.Context, c *gortsplib.Client, pub ingest.Publication, in *reception.Receiver) error {
	var waiting sync.WaitGroup
	defer waiting.Wait()
	ended := make(chan error, 1)
	waiting.Go(func() { ended <- c.Wait() })
	defer a.cancel(nil) // makes c.Wait return

	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-ended:
			return a.explain(ctx, "read", err)
		case <-pub.Done():
			return &pulledEndError{pub.Reason()}
		case now := <-tick.C:
			if err := in.Check(now); err != nil {
				return err
			}
		}
	}
}

// statusError is a response of the camera other than 200. It keeps the number
// only: the phrase is the peer's.
type statusError struct {
	during string
	code   base.StatusCode
}

// Error names the request and the status.
func (e *statusError) Error() string {
	return fmt.Sprintf("camera answered %s with status %d", e.during, e.code)
}

// explain makes an error of the library fit to be logged: such errors may quote
// the URL, the peer's bytes, or nothing useful.
func (a *pull) explain(ctx context.Context, during string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	a.mu.Lock()
	basic := a.basic
	a.mu.Unlock()
	var status liberrors.ErrClientBadStatusCode
	var auth liberrors.ErrClientAuthSetup
	var netErr *net.OpError
	switch {
	case errors.As(err, &auth) && basic:
		return ErrInsecureAuth
	case errors.Is(err, ErrForeignRedirect):
		return ErrForeignRedirect
	case errors.As(err, &auth):
		return &statusError{during: during, code: base.StatusUnauthorized}
	case errors.As(err, &status):
		return &statusError{during: during, code: status.Code}
	case errors.As(err, &netErr):
		return fmt.Errorf("%s: %w", during, netErr.Err)
	default:
		return fmt.Errorf("%s: %w", during, &libraryError{kind: fmt.Sprintf("%T", err)})
	}
}

// libraryError names the kind of an error of the library without its text.
type libraryError struct{ kind string }

// Error names the kind.
func (e *libraryError) Error() string { return e.kind }
