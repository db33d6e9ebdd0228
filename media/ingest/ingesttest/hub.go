package ingesttest

import (
	"slices"
	"sync"

	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/stream"
)

// Hub admits one publisher a stream name at a time, and keeps its publications.
// The zero value is ready. It may be used from any goroutine.
type Hub struct {
	mu       sync.Mutex // guards the fields below
	admitted []*Publication
	admit    func(stream.PublishRequest) error
	writeErr error
}

// Publish implements [ingest.Hub].
func (h *Hub) Publish(req stream.PublishRequest) (ingest.Publication, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.admit != nil {
		if err := h.admit(req); err != nil {
			return nil, err
		}
	}
	for _, p := range h.admitted {
		if p.Request.Stream == req.Stream && !p.closed() {
			return nil, &stream.TakenError{}
		}
	}
	p := NewPublication()
	p.Request = req
	p.Refuse(nil, h.writeErr)
	h.admitted = append(h.admitted, p)
	return p, nil
}

// Admit makes further calls of Publish ask f, which may return an error or panic.
func (h *Hub) Admit(f func(stream.PublishRequest) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.admit = f
}

// Refuse makes Publish return err from now on.
func (h *Hub) Refuse(err error) {
	h.Admit(func(stream.PublishRequest) error { return err })
}

// RefuseMedia makes Write of new publications return err.
func (h *Hub) RefuseMedia(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writeErr = err
}

// Publications returns what was admitted, oldest first.
func (h *Hub) Publications() []*Publication {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.admitted)
}
