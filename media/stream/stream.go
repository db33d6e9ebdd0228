package stream

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/timeline"
)

// Stream is the live media of one class: at most one publication at a time, any
// number of readers. It is safe for concurrent use.
type Stream struct {
	// Set by Open, then read-only.
	hub  *Hub
	name string

	mu       sync.Mutex // guards the fields below; held before a Reader's, never with the Hub's
	clock    *timeline.Timeline
	current  *Publication // nil while nobody publishes
	readers  []*Reader
	tracks   []media.Track // of the run, nil before the first
	lead     media.TrackID
	captured time.Time // of the newest access unit
	ended    bool
	previous Previous
	terms    Terms // of the next publication
}

// Status is what the API and the class's page say about a stream.
type Status struct {
	Publishing bool

	// The fields below are zero while nobody publishes. Times are of the server's
	// clock.
	Protocol  string
	Remote    string // address without port
	Since     time.Time
	LastWrite time.Time
	Tracks    []media.Track // as announced
	BytesIn   int64         // payload bytes

	// Bitrate is bits per second over the last seconds.
	Bitrate int64

	// KeyframeInterval is the last distance of two keyframes, 0 if unknown.
	KeyframeInterval time.Duration

	// Lag is the server's clock minus the capture time of the newest access unit.
	Lag time.Duration

	// Warning is a sentence for the person who publishes, or empty.
	Warning string

	// Previous tells of the publication before.
	Previous Previous
}

// Previous tells how a publication ended.
type Previous struct {
	Reason  CloseReason // zero if there was none
	At      time.Time
	Refusal *media.RefusalError // what the publisher was told, nil if it was not refused
}

func newStream(h *Hub, name string, pos Position) *Stream {
	s := &Stream{hub: h, name: name}
	s.clock = timeline.New(fanout{s}, h.now, pos)
	return s
}

// Name returns the name given to Open.
func (s *Stream) Name() string { return s.name }

// SetTerms sets what is asked of publishers from the next one on. Without it
// everything is admitted that keeps Config.MaxKeyframeInterval.
func (s *Stream) SetTerms(t Terms) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.terms = t
}

// Position returns where the stream's clock stands: what to give to Open when
// the stream must go on in another process.
func (s *Stream) Position() Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock.Position()
}

// Status returns a copy of the present state.
func (s *Stream) Status() Status {
	now := s.hub.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Status{Previous: s.previous}
	p := s.current
	if p == nil {
		return st
	}
	st.Publishing = true
	st.Protocol, st.Since = p.req.Protocol, p.since
	if p.req.Remote.IsValid() {
		st.Remote = p.req.Remote.String()
	}
	st.LastWrite = p.lastWrite
	st.Tracks = slices.Clone(p.tracks)
	st.BytesIn, st.Bitrate = p.meter.total, p.meter.rate
	st.KeyframeInterval = p.keyframes.interval
	st.Lag = s.lagLocked(now)
	st.Warning = p.warning()
	return st
}

// AddReader adds a consumer with a queue of at most maxBytes. What it gets first
// is a Discontinuity and then access units from the leading track's next random
// access point on. name is a metric label: a word from the code, such as "hls".
// The caller calls RemoveReader when it stops reading.
func (s *Stream) AddReader(name string, maxBytes int) *Reader {
	r := newReader(maxBytes, s.hub.metrics.droppedBy(name))
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		r.end()
		return r
	}
	if s.tracks != nil {
		r.join(s.tracks, s.lead)
	}
	s.readers = append(s.readers, r)
	return r
}

// RemoveReader removes r and empties its queue; Next returns ErrEnded. It may be
// called more than once.
func (s *Stream) RemoveReader(r *Reader) {
	s.mu.Lock()
	s.readers = slices.DeleteFunc(s.readers, func(o *Reader) bool { return o == r })
	s.mu.Unlock()
	r.discard()
	r.end()
}

// ClosePublication closes the current publication, if there is one; the stream
// stays open for the next.
func (s *Stream) ClosePublication(reason CloseReason) {
	s.mu.Lock()
	p := s.current
	s.mu.Unlock()
	if p != nil {
		p.Close(reason)
	}
}

// End ends the stream: the publication is closed with reason, readers drain and
// then get ErrEnded, and the hub forgets the name. It may be called more than
// once.
func (s *Stream) End(reason CloseReason) {
	s.mu.Lock()
	p := s.current
	closed := p != nil && p.closeLocked(reason)
	s.ended = true
	for _, r := range s.readers {
		r.end()
	}
	s.readers = nil
	s.mu.Unlock()
	if closed {
		p.logClosed()
	}
	s.hub.forget(s)
}

func (s *Stream) publish(req PublishRequest) (*Publication, error) {
	now := s.hub.now()
	logger := s.hub.logger.With("stream", s.name, "protocol", req.Protocol, "remote", req.Remote)
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return nil, fmt.Errorf("publish %q: %w", s.name, ErrEnded)
	}
	old := s.current
	if old != nil && !old.yieldsTo(req, now) {
		s.mu.Unlock()
		logger.Info("publisher refused, stream is taken",
			"since", old.since, "current_remote", old.req.Remote, "current_protocol", old.req.Protocol)
		return nil, &TakenError{Name: s.name, Since: old.since}
	}
	if old != nil {
		old.closeLocked(CloseTakenOver)
	}
	p := newPublication(s, req, now)
	s.current, s.captured = p, time.Time{}
	s.mu.Unlock()
	if old != nil {
		old.logClosed()
	}
	logger.Info("publisher admitted", "takeover", old != nil)
	return p, nil
}

func (s *Stream) lag(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil {
		return 0
	}
	return s.lagLocked(now)
}

func (s *Stream) lagLocked(now time.Time) time.Duration {
	if s.captured.IsZero() {
		return 0
	}
	return now.Round(0).Sub(s.captured)
}

// fanout passes what the timeline emits to the readers, under the stream's lock.
type fanout struct{ s *Stream }

// Discontinuity implements timeline.Sink.
func (f fanout) Discontinuity(d *media.Discontinuity) {
	s := f.s
	s.tracks = d.Tracks
	s.lead = d.Tracks[0].ID
	if v, ok := media.Find(d.Tracks, media.KindVideo); ok {
		s.lead = v.ID
	}
	s.hub.metrics.discontinuities[d.Reason].Inc()
	for _, r := range s.readers {
		r.open(d, s.lead)
	}
}

// AccessUnit implements timeline.Sink.
func (f fanout) AccessUnit(au *media.AccessUnit) {
	f.s.captured = au.CapturedAt
	if p := f.s.current; p != nil && !p.begun && p.reason == 0 && p.refusal == nil && p.keyframes.proven() {
		p.begun = true
		close(p.started)
	}
	for _, r := range f.s.readers {
		r.push(au)
	}
}

// Repaired implements timeline.Sink.
func (f fanout) Repaired(r timeline.Repair) { f.s.hub.metrics.repairs[r].Inc() }
