package conformance_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"hash/crc32"
	"io"
	"net/http"
	"sync"

	"github.com/bluenviron/gohlslib/v2"
)

// inProcess hands requests to a handler without a network, so that a test may run in
// the time of a synctest bubble. Every connection of it is HTTP/2 over TLS 1.3.
type inProcess struct {
	handler http.Handler
	plain   bool // HTTP/1.1 without TLS instead
}

func (p inProcess) client() *http.Client {
	return &http.Client{Transport: p, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	body, sink := io.Pipe()
	w := &answer{header: http.Header{}, body: sink, ready: make(chan struct{})}
	var wg sync.WaitGroup // nobody waits for a handler that ignores its context but the bubble
	wg.Go(func() {
		defer func() { // a handler may break off, as net/http lets it
			w.WriteHeader(http.StatusOK)
			if v := recover(); v != nil {
				_ = sink.CloseWithError(io.ErrUnexpectedEOF)
				return
			}
			_ = sink.Close()
		}()
		in := r.Clone(ctx)
		in.RequestURI = r.URL.RequestURI()
		p.handler.ServeHTTP(w, in)
	})
	select {
	case <-w.ready:
	case <-ctx.Done():
		cancel()
		_ = body.Close()
		return nil, r.Context().Err()
	}
	res := &http.Response{
		StatusCode: w.code, Header: w.sent, ProtoMajor: 2, Request: r, ContentLength: -1,
		Body: &handled{PipeReader: body, done: func() { cancel(); wg.Wait() }},
	}
	if p.plain {
		res.ProtoMajor = 1
	} else {
		res.TLS = &tls.ConnectionState{Version: tls.VersionTLS13}
	}
	return res, nil
}

// handled is a body that is done when its handler is.
type handled struct {
	*io.PipeReader
	done func()
}

func (h *handled) Close() error {
	err := h.PipeReader.Close()
	h.done()
	return err
}

// answer is the handler's side.
type answer struct {
	header, sent http.Header
	code         int
	body         *io.PipeWriter
	ready        chan struct{}
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(code int) {
	if a.code == 0 {
		a.code, a.sent = code, a.header.Clone()
		close(a.ready)
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// handlerOf makes a handler of what has one under another name.
func handlerOf(m *gohlslib.Muxer) http.Handler { return http.HandlerFunc(m.Handle) }

// stored is body in gzip without being compressed (RFC 1951 §3.2.4, RFC 1952): a
// compressor for every answer would cost more than all the rest.
func stored(body string) []byte {
	b := []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	for rest := body; ; {
		n := min(len(rest), 65535)
		last := byte(0)
		if n == len(rest) {
			last = 1
		}
		b = append(b, last, byte(n), byte(n>>8), ^byte(n), ^byte(n>>8))
		b = append(b, rest[:n]...)
		if rest = rest[n:]; last == 1 {
			break
		}
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(body)))
	return binary.LittleEndian.AppendUint32(b, uint32(len(body)))
}
