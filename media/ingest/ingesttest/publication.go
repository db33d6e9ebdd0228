package ingesttest

import (
	"sync"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// Publication keeps what its publisher sends, and how it was closed. It may be
// used from any goroutine.
type Publication struct {
	mediatest.Recorder

	// Request is what it was published with; read-only.
	Request stream.PublishRequest

	done chan struct{}

	mu      sync.Mutex // guards the fields below
	reason  stream.CloseReason
	refusal *media.RefusalError
	onWrite func()
}

// NewPublication returns an open publication.
func NewPublication() *Publication { return &Publication{done: make(chan struct{})} }

// Write records s. It fails as a *stream.Publication does once p is closed.
func (p *Publication) Write(s media.Sample) error {
	p.mu.Lock()
	onWrite := p.onWrite
	p.mu.Unlock()
	if onWrite != nil {
		onWrite()
	}
	if p.closed() {
		return &stream.ClosedError{Reason: p.Reason()}
	}
	return p.Recorder.Write(s)
}

// OnWrite makes Write call f first, which may panic.
func (p *Publication) OnWrite(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.onWrite = f
}

// Refused notes r; the first one stays.
func (p *Publication) Refused(r *media.RefusalError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusal == nil {
		p.refusal = r
	}
}

// Refusal returns what Refused was told, or nil.
func (p *Publication) Refusal() *media.RefusalError {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusal
}

// Close ends p for reason; the first one stays.
func (p *Publication) Close(reason stream.CloseReason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed() {
		p.reason = reason
		close(p.done)
	}
}

func (p *Publication) closed() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Done is closed when p is.
func (p *Publication) Done() <-chan struct{} { return p.done }

// Reason returns why p was closed, or 0.
func (p *Publication) Reason() stream.CloseReason {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}
