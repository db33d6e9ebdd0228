package worker

import (
	"errors"
	"log/slog"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// runOutput is the transcode.Output of one run: it puts what the engine makes
// into the outbox, and waits while that is full.
type runOutput struct {
	// Set at first, then read-only.
	run    uint32
	box    *outbox
	logger *slog.Logger

	over bool // nobody wants more of this run; guarded by the outbox's mu
}

var _ transcode.Output = (*runOutput)(nil)

// end lets go whoever waits in one of the methods, and makes them do nothing.
func (o *runOutput) end() { o.box.update(func() { o.over = true }) }

// AccessUnit implements transcode.Output.
func (o *runOutput) AccessUnit(au *media.AccessUnit) {
	o.put(wire.UnitSize(au), func(dst []byte) ([]byte, error) {
		return wire.AppendUnit(dst, wire.Unit{Run: o.run, AccessUnit: au})
	})
}

// Stopped implements transcode.Output.
func (o *runOutput) Stopped(track media.TrackID, at int64) {
	o.put(1, func(dst []byte) ([]byte, error) {
		return wire.AppendStopped(dst, o.run, transcode.Stopped{Track: track, At: at})
	})
}

// Thumbnail implements transcode.Output.
func (o *runOutput) Thumbnail(t transcode.Thumbnail) {
	o.put(len(t.JPEG), func(dst []byte) ([]byte, error) { return wire.AppendThumbnail(dst, o.run, t) })
}

// Loudness implements transcode.Output.
func (o *runOutput) Loudness(l transcode.Loudness) {
	o.put(1, func(dst []byte) ([]byte, error) { return wire.AppendLoudness(dst, o.run, l) })
}

func (o *runOutput) put(size int, frame func(dst []byte) ([]byte, error)) {
	err := o.box.add(size, func() bool { return o.over }, frame)
	if err != nil && !errors.Is(err, errClosed) {
		o.logger.Warn("encoder made what cannot be sent", "err", err)
	}
}
