package ffmpeg

import (
	"bytes"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// rung makes one encoded video rendition. Its goroutine, run, encodes; the fields
// say which of them belong to the encoding's goroutine.
type rung struct {
	// Set by newRung, then read-only.
	objects *objects
	spec    encoderSpec
	track   media.Track
	header  []byte
	out     transcode.Output
	logger  *slog.Logger
	queue   *queue

	// Owned by the encoding's goroutine.
	scaler scaler
	thin   thinner
	off    bool
	fast   bool
	left   []byte // captions of pictures that were thinned out

	// Owned by run.
	encoder  *encoder
	noFast   bool // superfast would change the parameter sets
	captions captionQueue
	dts      dtsRule
	keys     []int64 // PTS of the IDR pictures inside the encoder

	mu    sync.Mutex // guards stats
	stats transcode.RungStats
}

// newRung opens the rung's first encoder, so that its track can be described.
func newRung(objects *objects, spec encoderSpec, patient bool, out transcode.Output, logger *slog.Logger) (*rung, error) {
	e, err := newEncoder(objects, spec)
	if err != nil {
		return nil, err
	}
	header := e.header()
	track, err := spec.describe(header)
	if err != nil {
		e.close()
		return nil, err
	}
	r := &rung{
		objects: objects, spec: spec, track: track, header: header, out: out,
		logger:  logger.With("rendition", spec.rung.Rendition),
		queue:   newQueue(patient),
		scaler:  scaler{objects: objects, width: spec.rung.Width, height: spec.rung.Height},
		encoder: e,
		dts:     dtsRule{spread: max(1, int64(float64(media.TimescaleVideo)/spec.frameRate)/(bFrames+2))},
	}
	r.stats.Track = spec.rung.Track
	return r, nil
}

// run encodes what comes out of the queue until that is closed, or ended and
// empty; in the latter case everything inside the encoder is put out too.
func (r *rung) run() error {
	for {
		w, ok := r.queue.pop()
		if !ok {
			break
		}
		start := time.Now()
		err := r.do(w)
		if w.frame != nil {
			w.frame.release()
		}
		if err != nil {
			return fmt.Errorf("rendition %s: %w", r.spec.rung.Rendition, err)
		}
		r.count(w, time.Since(start))
	}
	if r.queue.aborted() {
		return nil
	}
	if err := r.flush(); err != nil {
		return fmt.Errorf("rendition %s: %w", r.spec.rung.Rendition, err)
	}
	return nil
}

func (r *rung) do(w work) error {
	if w.stop {
		if err := r.flush(); err != nil {
			return err
		}
		r.out.Stopped(r.spec.rung.Track, w.pts)
		return nil
	}
	if w.key {
		if err := r.prepare(w.fast); err != nil {
			return err
		}
		r.keys = append(r.keys, w.pts)
	}
	if r.encoder == nil {
		return nil // cannot be: a rung comes back with a keyframe
	}
	f := w.frame.raw
	f.SetPts(w.pts)
	// Decoded frames say of which type they were, and x264 would obey.
	f.SetPictureType(astiav.PictureTypeNone)
	if w.key {
		f.SetPictureType(astiav.PictureTypeI)
	}
	r.captions.add(w.captions)
	attachCaptions(f, r.captions.take())
	return r.encoder.encode(f, r.write)
}

// prepare makes the encoder ready for a keyframe, with the preset that is asked
// for if that needs no other parameter sets.
func (r *rung) prepare(fast bool) error {
	if r.noFast {
		fast = false
	}
	if r.encoder != nil && r.encoder.fast == fast {
		return nil
	}
	if err := r.flush(); err != nil {
		return err
	}
	spec := r.spec
	spec.fast = fast
	e, err := newEncoder(r.objects, spec)
	if err != nil {
		return err
	}
	if !bytes.Equal(e.header(), r.header) {
		e.close()
		if !fast {
			return fmt.Errorf("encoder %s changed its parameter sets", spec.name)
		}
		r.noFast = true
		r.logger.Warn("fast preset not used, it changes the parameter sets")
		return r.prepare(false)
	}
	r.encoder = e
	return nil
}

// flush puts out what is in the encoder and closes it.
func (r *rung) flush() error {
	if r.encoder == nil {
		return nil
	}
	err := r.encoder.encode(nil, r.write)
	r.encoder.close()
	r.encoder = nil
	r.keys = r.keys[:0]
	return err
}

// write hands out one access unit.
func (r *rung) write(data []byte, pts, dts int64) error {
	units, idr := pictureUnits(data)
	if len(units) == 0 {
		return nil
	}
	if idr {
		if !r.expected(pts) {
			r.logger.Warn("keyframe where none was asked for")
		}
	}
	r.out.AccessUnit(&media.AccessUnit{
		Track: r.spec.rung.Track, PTS: pts, DTS: r.dts.next(pts, dts), RandomAccess: idr, Payload: units,
	})
	return nil
}

// expected reports whether an IDR picture was asked for at pts.
func (r *rung) expected(pts int64) bool {
	for i, k := range r.keys {
		if k == pts {
			r.keys = r.keys[i+1:]
			return true
		}
	}
	return false
}

func (r *rung) count(w work, busy time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Busy += busy
	if w.stop {
		r.stats.Lag = 0 // of a rung that is not made
		return
	}
	r.stats.Encoded++
	if !w.received.IsZero() {
		r.stats.Lag = time.Since(w.received)
	}
	if w.key {
		r.stats.KeyframeError = max(r.stats.KeyframeError, media.TimescaleVideo.Duration(w.keyError))
	}
}

func (r *rung) snapshot() transcode.RungStats {
	r.mu.Lock()
	s := r.stats
	r.mu.Unlock()
	s.Queued, s.Dropped = r.queue.stats()
	return s
}

// close frees what is left when run has returned.
func (r *rung) close() {
	r.queue.close()
	if r.encoder != nil {
		r.encoder.close()
		r.encoder = nil
	}
	r.scaler.close()
}

// dtsRule makes decoding times of an encoder's, so that they rise strictly over
// encoders that follow each other and are never negative: each encoder begins
// with times before its first picture's.
type dtsRule struct {
	spread int64 // distance of times that had to be lifted
	begun  bool
	last   int64
}

func (d *dtsRule) next(pts, dts int64) int64 {
	least := int64(0)
	if d.begun {
		least = d.last + 1
	}
	if dts < least {
		dts = least
		if lifted := d.last + d.spread; d.begun && lifted <= pts {
			dts = lifted
		}
	}
	d.begun, d.last = true, dts
	return dts
}
