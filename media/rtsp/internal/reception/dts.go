package reception

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/lectern/lectern/media"
)

// maxClampedStep is how far back a keyframe's PTS may lie and still be squeezed
// in after what came before. A longer step is a new timeline and passes through:
// package timeline decides.
const maxClampedStep = int64(media.TimescaleVideo) / 2

// reorderSlack leaves room for the pictures that follow each other a tick apart
// because all of them come before their turn: 1 ms.
const reorderSlack = int64(media.TimescaleVideo) / 1000

// dtsDeriver finds the DTS of pictures from their picture order count, since RTP
// carries the PTS only. It counts in ticks of media.TimescaleVideo.
//
// When the order count cannot be followed, until the next random access point
// starts afresh, and always with fields, DTS runs behind the PTS by as much as
// pictures were found to be reordered. The first that is has its PTS pushed
// forward.
type dtsDeriver struct {
	codec   media.Codec
	fields  bool // H.264 pictures may be fields
	behind  int64
	extract func(units [][]byte, pts int64) (int64, error) // nil: start afresh
	broken  bool

	started bool
	last    int64 // last DTS
	newest  int64 // greatest PTS
}

// derive returns the timestamps of the picture in units, which at a random
// access point must begin with the parameter sets. It may lift the PTS to the
// DTS. fellBack reports that following the order count failed at this picture.
func (d *dtsDeriver) derive(units [][]byte, pts int64, randomAccess bool) (dts, newPTS int64, fellBack bool) {
	if randomAccess {
		if d.broken || d.extract == nil {
			d.extract, d.broken = newExtractor(d.codec), false
		}
		if d.started && pts < d.last-maxClampedStep {
			d.extract, d.started = newExtractor(d.codec), false
		}
	}
	dts = pts
	switch {
	case d.fields || d.broken:
		dts = pts - d.behind
	case d.extract != nil:
		found, err := d.extract(units, pts)
		if err != nil {
			d.broken, fellBack = true, true
		} else {
			// While the depth of reordering is still being learnt, the
			// library may be a millisecond past the PTS.
			dts = min(found, pts)
		}
	}
	if d.started && dts <= d.last {
		dts = d.last + 1
	}
	if back := d.newest - pts; d.started && back > 0 && back <= maxClampedStep {
		d.behind = max(d.behind, back+reorderSlack)
	}
	if !d.started || pts > d.newest || pts < d.newest-maxClampedStep {
		d.newest = pts
	}
	d.started, d.last = true, dts
	return dts, max(pts, dts), fellBack
}

func newExtractor(codec media.Codec) func([][]byte, int64) (int64, error) {
	if codec == media.CodecHEVC {
		var e h265.DTSExtractor
		e.Initialize()
		return e.Extract
	}
	var e h264.DTSExtractor
	e.Initialize()
	return e.Extract
}
