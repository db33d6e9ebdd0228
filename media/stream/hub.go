package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/timeline"
)

// Deps are what a Hub works with.
type Deps struct {
	// Logger and Registerer are needed.
	Logger     *slog.Logger
	Registerer prometheus.Registerer

	// Now is the server's clock, time.Now if nil.
	Now func() time.Time
}

// Terms are what a stream asks of its publishers.
type Terms struct {
	// Admit looks at the tracks of every publication and returns a
	// *media.RefusalError for those that cannot be served. It must not block.
	// Nil admits all.
	Admit func([]media.Track) error

	// AnyKeyframeInterval lifts Config.MaxKeyframeInterval: the pictures are going
	// to be encoded anew where keyframes are too far apart.
	AnyKeyframeInterval bool
}

// Hub knows all streams by name. It is safe for concurrent use.
type Hub struct {
	// Set by New, then read-only.
	cfg     Config
	logger  *slog.Logger
	now     func() time.Time
	metrics *metrics

	mu      sync.Mutex // guards the field below; never held together with a Stream's
	streams map[string]*Stream
}

// PublishRequest says who wants to publish. The stream key was checked before.
type PublishRequest struct {
	// Stream is the name of the stream: the class id.
	Stream string

	// Protocol is "rtmp", "rtmps", "rtsp" or "rtsp-pull".
	Protocol string

	// Remote is the peer's address. From the same address a new publisher
	// replaces the old one at once.
	Remote netip.Addr

	// ClientID survives reconnects where the protocol has such a thing, and is
	// empty otherwise. It has the effect of Remote.
	ClientID string
}

// Position is where a stream's clock stands or continues.
type Position = timeline.Position

// New returns a hub without streams.
func New(cfg Config, deps Deps) (*Hub, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("new hub: %w", err)
	}
	if deps.Logger == nil || deps.Registerer == nil {
		return nil, errors.New("new hub: logger and registerer are needed")
	}
	h := &Hub{
		cfg:     cfg,
		logger:  deps.Logger.With("component", "stream"),
		now:     deps.Now,
		streams: map[string]*Stream{},
	}
	if h.now == nil {
		h.now = time.Now
	}
	h.metrics = newMetrics(deps.Registerer,
		func() float64 { return float64(len(h.Streams())) },
		func() float64 {
			n := 0
			for _, s := range h.Streams() {
				if s.Status().Publishing {
					n++
				}
			}
			return float64(n)
		},
		func() float64 { return worstLag(h.Streams(), h.now()) })
	return h, nil
}

// Open returns the stream with this name. When there is none it is made, and its
// clock continues at pos.
func (h *Hub) Open(name string, pos Position) *Stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.streams[name]
	if !ok {
		s = newStream(h, name, pos)
		h.streams[name] = s
	}
	return s
}

// Stream returns the open stream with this name.
func (h *Hub) Stream(name string) (*Stream, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.streams[name]
	return s, ok
}

// Streams returns the open streams in no order.
func (h *Hub) Streams() []*Stream {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*Stream, 0, len(h.streams))
	for _, s := range h.streams {
		all = append(all, s)
	}
	return all
}

// Publish admits a publisher. It returns ErrNoStream, ErrEnded, or a *TakenError
// if another publisher is there that has sent something within
// Config.TakeoverAfter and came from elsewhere; otherwise that one is closed with
// CloseTakenOver.
func (h *Hub) Publish(req PublishRequest) (*Publication, error) {
	s, ok := h.Stream(req.Stream)
	if !ok {
		return nil, fmt.Errorf("publish %q: %w", req.Stream, ErrNoStream)
	}
	return s.publish(req)
}

// forget removes an ended stream.
func (h *Hub) forget(s *Stream) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[s.name] == s {
		delete(h.streams, s.name)
	}
}
