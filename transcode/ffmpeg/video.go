package ffmpeg

import (
	"slices"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// brokenFor is how long, on the class's clock, nothing but errors may come from a
// decoder.
const brokenFor = 10 * time.Second

// maxMisfits is how many pictures in a row may be of no use to the scalers: ten
// seconds of 30 a second.
const maxMisfits = 300

// videoPath leads from a publisher's access units to the queues of the rungs. It
// belongs to the encoding's goroutine.
type videoPath struct {
	encoding *encoding
	decoder  *decoder
	thumbs   *thumbnailer // nil if none are wanted
	fields   deinterlacer
	placer   placer
	pace     pace
	start    int64  // ticks; what is shown earlier is decoded only
	previous *frame // the latest picture, for repetition; nil before the first

	effort     transcode.Effort  // in force
	pending    *transcode.Effort // takes effect with the first keyframe from effortFrom on
	effortFrom int64

	// skipping is true after access units have been left out because no rung needs
	// them: decoding can go on at a keyframe only.
	skipping bool

	received time.Time // of the access unit that is being decoded
	misfits  int       // pictures in a row that could not be scaled
	captions []byte    // of pictures that have no place

	faulty   bool  // nothing has come out of the decoder since faultyAt
	faultyAt int64 // DTS
}

func newVideoPath(e *encoding, track media.Track, out transcode.Output) (*videoPath, error) {
	d, err := newDecoder(e.objects, track, e.engine.cfg.DecoderThreads)
	if err != nil {
		return nil, err
	}
	v := &videoPath{
		encoding: e,
		decoder:  d,
		fields:   deinterlacer{objects: e.objects, active: track.Video.Interlaced},
		placer:   newPlacer(e.spec.Grid, e.spec.Start),
		start:    media.TimescaleVideo.Ticks(e.spec.Start),
	}
	if e.spec.Thumbnail > 0 {
		v.thumbs = newThumbnailer(e.objects, e.spec.Thumbnail, e.spec.ThumbnailWidth, out)
	}
	return v, nil
}

// write decodes au.
func (v *videoPath) write(au *media.AccessUnit, received time.Time) error {
	if idle := v.idle(); idle || v.skipping {
		// Nobody wants pictures. Keyframes are decoded all the same, for thumbnails.
		if !au.RandomAccess {
			v.skipping = true
			return nil
		}
		if v.skipping && !idle {
			v.skipping = false
			v.effortFrom = au.PTS
		}
	}
	if au.RandomAccess {
		v.placer.expect(au.PTS)
	}
	v.received = received
	before := v.encoding.decoded.Load()
	broken, err := v.decoder.decode(au, v.decoded)
	if err != nil {
		return err
	}
	v.encoding.broken.Add(int64(broken))
	switch {
	case v.encoding.decoded.Load() > before:
		v.faulty = false
	case broken > 0 && !v.faulty:
		v.faulty, v.faultyAt = true, au.DTS
	case v.faulty && au.DTS-v.faultyAt >= media.TimescaleVideo.Ticks(brokenFor):
		return ErrBroken
	}
	return nil
}

// idle reports whether no rung is made and none is about to be.
func (v *videoPath) idle() bool {
	return v.pending == nil && !slices.ContainsFunc(v.encoding.rungs, func(r *rung) bool { return !r.off })
}

func (v *videoPath) setEffort(effort transcode.Effort) {
	effort.Off = slices.Clone(effort.Off)
	v.pending = &effort
	if v.skipping {
		v.effortFrom = 1<<63 - 1 // until decoding goes on
	}
}

// drain takes out what the decoder and the deinterlacer hold.
func (v *videoPath) drain() error {
	v.received = time.Time{}
	for _, r := range v.encoding.rungs {
		r.queue.wait()
	}
	broken, err := v.decoder.decode(nil, v.decoded)
	v.encoding.broken.Add(int64(broken))
	if err != nil {
		return err
	}
	return v.fields.flush(v.whole)
}

// decoded takes a picture from the decoder.
func (v *videoPath) decoded(f *astiav.Frame) error {
	v.encoding.decoded.Add(1)
	if v.thumbs != nil && f.KeyFrame() && f.Pts() >= v.start {
		if err := v.thumbs.offer(f, media.TimescaleVideo.Duration(f.Pts())); err != nil {
			v.encoding.logger.Debug("no thumbnail", "err", err)
		}
	}
	return v.fields.push(f, v.whole)
}

// whole takes a picture that has no fields and gives it its place.
func (v *videoPath) whole(f *astiav.Frame) error {
	v.captions = append(v.captions, takeCaptions(f)...)
	pts := f.Pts()
	if pts < v.start {
		v.placer.skip(pts)
		v.captions = nil
		return nil
	}
	current := &frame{raw: f} // the decoder's own: never released here
	current.objects = v.encoding.objects
	for _, place := range v.placer.place(pts) {
		spacing := v.pace.add(place.pts)
		p := picture{pts: place.pts, key: place.key, keyError: place.keyError, repeated: place.repeat, received: v.received, frame: current}
		if place.repeat {
			if p.frame = v.previous; p.frame == nil {
				continue
			}
		} else {
			p.captions, v.captions = v.captions, nil
		}
		if err := v.distribute(p, spacing); err != nil {
			return err
		}
	}
	if over := len(v.captions) - maxCaptionBytes; over > 0 {
		v.captions = v.captions[over:]
	}
	return v.remember(current)
}

// remember keeps a reference to f, which may have to be repeated.
func (v *videoPath) remember(f *frame) error {
	c, err := f.clone()
	if err != nil {
		return err
	}
	if v.previous != nil {
		v.previous.release()
	}
	v.previous = c
	return nil
}

// distribute gives p to the rungs that want it, each in its size. Rungs scale
// from the next larger one, which is cheaper than from the source.
func (v *videoPath) distribute(p picture, spacing int64) error {
	if p.key && v.pending != nil && p.pts >= v.effortFrom {
		v.apply(p.pts)
	}
	var scaled []*frame
	defer func() {
		for _, f := range scaled {
			f.release()
		}
	}()
	from := p.frame
	for _, r := range v.encoding.rungs {
		if r.off {
			continue
		}
		r.left = append(r.left, p.captions...)
		if !r.thin.keep(p.pts, p.key, v.rate(r), spacing) {
			continue
		}
		f, err := r.scaler.scale(from)
		if err != nil {
			return v.misfit(err)
		}
		v.misfits = 0
		// The rung's goroutine changes the frame's properties, so this goroutine
		// keeps a reference of its own to scale the next from.
		mine, err := f.clone()
		if err != nil {
			f.release()
			return err
		}
		scaled = append(scaled, mine)
		from = mine
		w := work{picture: p, fast: r.fast}
		w.frame, w.captions = f, r.left
		r.left = nil
		r.queue.push(w)
	}
	return nil
}

// misfit counts a picture that could not be scaled. One of a strange format must
// not end the run; when nothing else comes it does.
func (v *videoPath) misfit(err error) error {
	v.encoding.broken.Add(1)
	if v.misfits++; v.misfits < maxMisfits {
		return nil
	}
	return err
}

// rate returns the limit of pictures a second of r at present; 0 is none.
func (v *videoPath) rate(r *rung) float64 {
	limit := r.spec.rung.MaxFrameRate
	if e := v.effort.MaxFrameRate; e > 0 && (limit == 0 || e < limit) {
		limit = e
	}
	return limit
}

// apply puts the pending effort in force with the keyframe at pts.
func (v *videoPath) apply(pts int64) {
	v.effort, v.pending, v.effortFrom = *v.pending, nil, 0
	for _, r := range v.encoding.rungs {
		off := slices.Contains(v.effort.Off, r.spec.rung.Track)
		if off && !r.off {
			r.queue.push(work{picture: picture{pts: pts}, stop: true})
			r.left = nil
		}
		r.off, r.fast = off, v.effort.Fast
	}
}

func (v *videoPath) close() {
	v.decoder.close()
	v.fields.close()
	if v.thumbs != nil {
		v.thumbs.close()
	}
	if v.previous != nil {
		v.previous.release()
		v.previous = nil
	}
}
