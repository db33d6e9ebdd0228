package worker

import (
	"fmt"
	"time"

	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

func lostSpec(err error) transcode.Lost {
	return transcode.Lost{Reason: reasonSpec, Text: err.Error()}
}

// take acts on a frame of the worker. It returns an ending for one that no correct
// worker sends, and for a worker that gives up.
func (h *Host) take(kind wire.Kind, body []byte) *ending {
	var e *ending
	var err error
	switch kind {
	case wire.KindUnit:
		err = h.takeUnit(body)
	case wire.KindStats:
		err = h.takeStats(body)
	case wire.KindOpened:
		err = h.takeOpened(body)
	case wire.KindStopped:
		err = h.takeStopped(body)
	case wire.KindDrained:
		err = h.takeDrained(body)
	case wire.KindThumbnail:
		err = h.takeThumbnail(body)
	case wire.KindLoudness:
		err = h.takeLoudness(body)
	case wire.KindFailed:
		e, err = h.takeFailed(body)
	default:
		err = fmt.Errorf("%w: unexpected %s", wire.ErrFrame, kind)
	}
	if err != nil {
		return &ending{reason: reasonProtocol, text: err.Error()}
	}
	return e
}

// ofRunLocked reports whether a frame belongs to the run; one of an older run is
// of no use. The error is for a worker that has not opened the run.
func (h *Host) ofRunLocked(generation uint32, kind wire.Kind) (bool, error) {
	if generation != h.generation || h.intake == nil || h.final {
		return false, nil
	}
	if !h.opened {
		return false, fmt.Errorf("%w: %s before opened", wire.ErrFrame, kind)
	}
	return true, nil
}

func (h *Host) takeUnit(body []byte) error {
	u, err := wire.ParseUnit(body)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ok, err := h.ofRunLocked(u.Run, wire.KindUnit)
	if err != nil || !ok {
		h.metrics.drop(dropStale, 1)
		return err
	}
	fresh, err := h.intake.unit(u.AccessUnit)
	if err != nil {
		return err
	}
	if !fresh {
		h.metrics.drop(dropOverlap, 1)
		return nil
	}
	h.putLocked(transcode.Event{AccessUnit: u.AccessUnit})
	return nil
}

func (h *Host) takeOpened(body []byte) error {
	generation, tracks, err := wire.ParseOpened(body)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if generation != h.generation || h.final {
		return nil
	}
	if h.opened || !h.openSent || h.intake == nil {
		return fmt.Errorf("%w: opened unasked", wire.ErrFrame)
	}
	if tracks, err = h.intake.opened(tracks); err != nil {
		return err
	}
	h.opened = true
	h.putLocked(transcode.Event{Opened: tracks})
	return nil
}

func (h *Host) takeStopped(body []byte) error {
	generation, s, err := wire.ParseStopped(body)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ok, err := h.ofRunLocked(generation, wire.KindStopped)
	if err != nil || !ok {
		return err
	}
	if err = h.intake.stopped(&s); err != nil {
		return err
	}
	h.putLocked(transcode.Event{Stopped: &s})
	return nil
}

func (h *Host) takeDrained(body []byte) error {
	generation, err := wire.ParseRun(wire.KindDrained, body)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ok, err := h.ofRunLocked(generation, wire.KindDrained)
	if err != nil || !ok {
		return err
	}
	if !h.drainSent {
		return fmt.Errorf("%w: drained unasked", wire.ErrFrame)
	}
	h.wanted, h.opened = false, false
	h.putLocked(transcode.Event{Drained: true})
	return nil
}

func (h *Host) takeThumbnail(body []byte) error {
	generation, t, err := wire.ParseThumbnail(body)
	if err != nil {
		return err
	}
	return h.takeMeasure(generation, wire.KindThumbnail, t.PTS, transcode.Event{Thumbnail: &t})
}

func (h *Host) takeLoudness(body []byte) error {
	generation, l, err := wire.ParseLoudness(body)
	if err != nil {
		return err
	}
	l.Duration = min(max(l.Duration, 0), time.Hour)
	return h.takeMeasure(generation, wire.KindLoudness, l.PTS, transcode.Event{Loudness: &l})
}

// takeMeasure queues what the worker tells of the time at.
func (h *Host) takeMeasure(generation uint32, kind wire.Kind, at time.Duration, e transcode.Event) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	ok, err := h.ofRunLocked(generation, kind)
	if err != nil || !ok {
		return err
	}
	if !h.intake.within(at) {
		return fmt.Errorf("%w: %s at %s, far from what was written", wire.ErrFrame, kind, at)
	}
	h.putLocked(e)
	return nil
}

func (h *Host) takeStats(body []byte) error {
	generation, s, err := wire.ParseStats(body)
	if err != nil {
		return err
	}
	if len(s.Rungs) > maxRungs {
		return fmt.Errorf("%w: stats of %d rungs", wire.ErrFrame, len(s.Rungs))
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	ok, err := h.ofRunLocked(generation, wire.KindStats)
	if err != nil || !ok {
		return nil // the heartbeat of a worker that is opening, or has nothing to do
	}
	h.metrics.pictures(h.status.Stats.Rungs, s.Rungs)
	h.status.Stats = s
	h.metrics.lag(h, worst(s.Rungs))
	h.putLocked(transcode.Event{Stats: &s})
	return nil
}

func worst(rungs []transcode.RungStats) time.Duration {
	var d time.Duration
	for _, r := range rungs {
		d = max(d, r.Lag)
	}
	return d
}

func (h *Host) takeFailed(body []byte) (*ending, error) {
	generation, spec, text, err := wire.ParseFailed(body)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case generation != 0 && generation != h.generation:
		return nil, nil // of an older run
	case spec:
		return &ending{reason: reasonSpec, text: text, final: true}, nil
	case h.opened:
		return &ending{reason: reasonCrashed, text: text}, nil
	default:
		return &ending{reason: reasonStart, text: text}, nil
	}
}
