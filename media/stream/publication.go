package stream

import (
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/media"
)

// Publication is one publisher's stay on a stream. SetTracks and Write belong to
// the publisher's one goroutine; the other methods may be called from any.
type Publication struct {
	// Set by Publish, then read-only.
	stream  *Stream
	req     PublishRequest
	since   time.Time
	admit   func([]media.Track) error // nil admits all
	started chan struct{}             // closed when the media is known to be good
	done    chan struct{}             // closed with the publication
	bytes   prometheus.Counter

	// Guarded by the stream's mu.
	tracks    []media.Track // as announced, nil before
	lastWrite time.Time
	reason    CloseReason // zero while open
	refusal   *media.RefusalError
	begun     bool // started is closed
	meter     meter
	keyframes keyframes
}

// newPublication is called with the stream's mu held.
func newPublication(s *Stream, req PublishRequest, now time.Time) *Publication {
	limit := s.hub.cfg.MaxKeyframeInterval
	if s.terms.AnyKeyframeInterval {
		limit = 0
	}
	return &Publication{
		stream:    s,
		req:       req,
		since:     now,
		admit:     s.terms.Admit,
		started:   make(chan struct{}),
		done:      make(chan struct{}),
		bytes:     s.hub.metrics.receivedBytes.WithLabelValues(protocolLabel(req.Protocol)),
		lastWrite: now,
		meter:     meter{limit: s.hub.cfg.MaxBitrate},
		keyframes: keyframes{limit: limit},
	}
}

// SetTracks announces the tracks: first, and whenever they change. The formats
// the stream has already (Track.SameFormat) are ignored; others start a new run
// at the next random access point. It returns a *media.RefusalError for media
// that cannot be served (then call Close(CloseRefused)), a *ClosedError, or
// ErrNoTracks for an empty list. The caller must not change tracks afterwards.
func (p *Publication) SetTracks(tracks []media.Track) error {
	if len(tracks) == 0 {
		return ErrNoTracks
	}
	if err := p.Admits(tracks); err != nil {
		refusal, ok := errors.AsType[*media.RefusalError](err)
		if !ok {
			return err
		}
		return p.refuse(refusal)
	}
	s := p.stream
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case p.reason != 0:
		return &ClosedError{Reason: p.reason}
	case p.tracks == nil:
		s.clock.Begin(tracks)
	case sameFormats(p.tracks, tracks):
		return nil
	default:
		s.clock.SetTracks(tracks)
	}
	p.tracks = tracks
	return nil
}

// Admits returns the refusal that SetTracks would return for the tracks, and does
// nothing else.
func (p *Publication) Admits(tracks []media.Track) error {
	if p.admit == nil {
		return nil
	}
	return p.admit(tracks)
}

// Write takes ownership of s and never waits for a reader. It returns a
// *media.RefusalError when the media cannot be served (then call
// Close(CloseRefused)), a *ClosedError once the publication was closed, or
// ErrNoTracks before SetTracks.
func (p *Publication) Write(s media.Sample) error {
	now := p.stream.hub.now()
	warn, refusal, err := p.write(s, now)
	if warn {
		p.stream.hub.logger.Warn("publisher exceeds the bit rate ceiling",
			"stream", p.stream.name, "protocol", p.req.Protocol, "remote", p.req.Remote)
	}
	if refusal != nil {
		return p.refuse(refusal)
	}
	return err
}

func (p *Publication) write(s media.Sample, now time.Time) (warn bool, refusal *media.RefusalError, err error) {
	st := p.stream
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case p.reason != 0:
		return false, nil, &ClosedError{Reason: p.reason}
	case p.refusal != nil:
		return false, nil, p.refusal
	case p.tracks == nil:
		return false, nil, ErrNoTracks
	}
	p.lastWrite = now
	size := s.Size()
	p.bytes.Add(float64(size))
	warn, refusal = p.meter.add(now, size)
	if refusal == nil && p.isVideo(s.Track) {
		refusal = p.keyframes.add(&s)
	}
	if refusal == nil {
		st.clock.Write(s)
		if limit := st.hub.cfg.MaxAhead; limit > 0 && st.clock.Ahead() > limit {
			refusal = refuseAhead()
		}
	}
	return warn, refusal, nil
}

// Refused notes what the publisher was told by those who read its media before
// they came here; SetTracks and Write note their own refusals. Call
// Close(CloseRefused) next. The first refusal stays.
func (p *Publication) Refused(r *media.RefusalError) {
	p.stream.mu.Lock()
	known := p.refusal != nil || p.reason != 0
	p.stream.mu.Unlock()
	if !known {
		_ = p.refuse(r) // what the caller has already
	}
}

// Close ends the stay. The first reason wins. CloseClean means that the
// publisher said goodbye, CloseDropped that its connection was lost.
func (p *Publication) Close(reason CloseReason) {
	p.stream.mu.Lock()
	closed := p.closeLocked(reason)
	p.stream.mu.Unlock()
	if closed {
		p.logClosed()
	}
}

// Started is closed when access units of the publication have reached the readers
// and its keyframes are known to be close enough, which takes two of them: its
// media is good, not only its key.
func (p *Publication) Started() <-chan struct{} { return p.started }

// Done is closed when the publication has been closed by either side; Reason
// then says why.
func (p *Publication) Done() <-chan struct{} { return p.done }

// Reason returns why the publication was closed, zero while it is open.
func (p *Publication) Reason() CloseReason {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.reason
}

// LastWrite returns when the publisher last wrote, or when it was admitted.
func (p *Publication) LastWrite() time.Time {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return p.lastWrite
}

// yieldsTo reports whether a new publisher may replace p. The caller holds the
// stream's lock.
func (p *Publication) yieldsTo(req PublishRequest, now time.Time) bool {
	return req.Remote.IsValid() && req.Remote.Unmap() == p.req.Remote.Unmap() ||
		req.ClientID != "" && req.ClientID == p.req.ClientID ||
		now.Sub(p.lastWrite) > p.stream.hub.cfg.TakeoverAfter
}

// refuse notes a refusal and returns it.
func (p *Publication) refuse(r *media.RefusalError) error {
	p.stream.hub.metrics.refusals.WithLabelValues(r.Code).Inc()
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	if p.reason != 0 {
		return &ClosedError{Reason: p.reason}
	}
	p.refusal = r
	return r
}

// closeLocked closes p and reports whether it was open.
func (p *Publication) closeLocked(reason CloseReason) bool {
	if p.reason != 0 {
		return false
	}
	p.reason = reason
	s := p.stream
	s.clock.End()
	for _, r := range s.readers {
		r.interrupt()
	}
	s.current = nil
	s.previous = Previous{Reason: reason, At: s.hub.now(), Refusal: p.refusal}
	close(p.done)
	return true
}

// logClosed tells that p was closed. The caller holds no lock.
func (p *Publication) logClosed() {
	p.stream.mu.Lock()
	reason, received, at := p.reason, p.meter.total, p.stream.hub.now()
	p.stream.mu.Unlock()
	protocol := protocolLabel(p.req.Protocol)
	p.stream.hub.metrics.publications.WithLabelValues(protocol, reason.String()).Inc()
	p.stream.hub.logger.Info("publication closed",
		"stream", p.stream.name, "protocol", p.req.Protocol, "remote", p.req.Remote,
		"reason", reason.String(), "duration", at.Sub(p.since), "bytes", received)
}

// warning is a sentence for the publisher, or empty.
func (p *Publication) warning() string {
	if _, video := media.Find(p.tracks, media.KindVideo); video && p.begun && !p.keyframes.any {
		return "Your encoder announced video but sends no picture, so the class goes on with sound only. Check the camera, then start the stream again."
	}
	return p.meter.warning()
}

func (p *Publication) isVideo(id media.TrackID) bool {
	return slices.ContainsFunc(p.tracks, func(t media.Track) bool {
		return t.ID == id && t.Codec.Kind() == media.KindVideo
	})
}

// sameFormats reports whether two lists hold the same tracks in the same formats,
// in any order.
func sameFormats(a, b []media.Track) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(t media.Track) bool {
		return !slices.ContainsFunc(b, func(o media.Track) bool { return o.ID == t.ID && t.SameFormat(o) })
	})
}
