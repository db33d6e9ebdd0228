package reception

import (
	"errors"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// dropReason says why an access unit was not written; it is a metric label.
type dropReason string

const (
	dropNone       dropReason = ""
	dropNotCoded   dropReason = "not_coded"         // parameter sets or messages only
	dropPartial    dropReason = "partial"           // its first slice is missing
	dropNoKeyframe dropReason = "awaiting_keyframe" // refers to what was lost or never came
	dropNoSets     dropReason = "no_parameter_sets" // a keyframe that cannot be described
	dropNoTracks   dropReason = "before_tracks"     // the other track is not known or has no picture to start at yet
)

func dropReasons() []dropReason {
	return []dropReason{dropNotCoded, dropPartial, dropNoKeyframe, dropNoSets, dropNoTracks}
}

// videoTrack turns the NAL units of received pictures into samples that start at
// a random access point and have no hole.
type videoTrack struct {
	codec    media.Codec
	sets     *paramset.Sets   // H.264 and HEVC
	frames   *paramset.Frames // AV1, VP8 and VP9
	refresh  paramset.Refresh
	track    media.Track
	complete bool // track describes the stream
	dts      dtsDeriver

	picture  paramset.Picture
	waiting  bool // for a random access point
	skipRASL bool // leading pictures refer to what lies before the start
}

// coded is a picture ready to be stamped.
type coded struct {
	units        [][]byte // alias the input
	randomAccess bool
	newTrack     bool // videoTrack.track has changed
}

func newVideoTrack(a Stream) *videoTrack {
	v := &videoTrack{
		codec: a.Track.Codec, sets: a.sets, track: a.Track, complete: a.complete,
		dts: dtsDeriver{codec: a.Track.Codec}, waiting: true,
	}
	if v.sets == nil {
		v.frames = paramset.NewFrames(v.codec)
	}
	return v
}

// lost makes v wait for the next random access point.
func (v *videoTrack) lost() { v.waiting = true }

// sift sorts what was received of one picture, at any time on a clock that goes on.
// It returns a *media.RefusalError when new parameters cannot be served. malformed
// counts parameter sets, or whole pictures, that broke their syntax.
func (v *videoTrack) sift(units [][]byte, at time.Duration) (c coded, drop dropReason, malformed int, err error) {
	if v.frames != nil {
		return v.siftFrame(units)
	}
	v.picture.Sift(v.codec, units)
	if v.codec == media.CodecH264 && v.picture.Coded {
		v.refresh.Judge(&v.picture, at)
	}
	for _, nal := range v.picture.Sets {
		if _, putErr := v.sets.Put(nal); putErr != nil {
			malformed++
		}
	}
	p := &v.picture
	if !p.Coded {
		return coded{}, dropNotCoded, malformed, nil
	}
	if !v.startsPicture(p.Units) {
		v.waiting = true
		return coded{}, dropPartial, malformed, nil
	}
	if v.waiting && !p.RandomAccess {
		return coded{}, dropNoKeyframe, malformed, nil
	}
	c = coded{units: p.Units, randomAccess: p.RandomAccess}
	if p.RandomAccess {
		if c.newTrack, err = v.update(); err != nil {
			return coded{}, dropNoSets, malformed, err
		}
		if !v.complete {
			return coded{}, dropNoSets, malformed, nil
		}
		v.skipRASL = v.waiting || v.hasType(p.Units, isBLA)
		v.waiting = false
	} else if v.skipRASL && v.hasType(p.Units, isRASL) {
		return coded{}, dropNoKeyframe, malformed, nil
	}
	return c, dropNone, malformed, nil
}

// siftFrame is sift for codecs without NAL units.
func (v *videoTrack) siftFrame(units [][]byte) (c coded, drop dropReason, malformed int, err error) {
	f, err := v.frames.Read(units)
	if refusal := (*media.RefusalError)(nil); errors.As(err, &refusal) {
		return coded{}, dropNoSets, 0, refusal
	}
	switch {
	case err != nil:
		v.waiting = true
		return coded{}, dropPartial, 1, nil //nolint:nilerr // counted: video resumes at the next random access point
	case !f.Coded:
		return coded{}, dropNotCoded, 0, nil
	case v.waiting && !f.RandomAccess:
		return coded{}, dropNoKeyframe, 0, nil
	}
	v.waiting = false
	if f.NewTrack {
		v.track, v.complete = v.frames.Track()
	}
	return coded{units: f.Units, randomAccess: f.RandomAccess, newTrack: f.NewTrack}, dropNone, 0, nil
}

// update reads the track from the parameter sets if they have changed.
func (v *videoTrack) update() (changed bool, err error) {
	if v.complete && !v.sets.Changed() && v.track.Video.IntraRefresh == v.refresh.On() {
		return false, nil
	}
	track, err := v.sets.Track()
	if err != nil {
		var refusal *media.RefusalError
		if errors.As(err, &refusal) {
			return false, refusal
		}
		v.complete = false // wait for better ones; the watch bounds the wait
		return false, nil
	}
	track.Video.IntraRefresh = v.refresh.On()
	changed = !v.complete || !track.SameFormat(v.track)
	v.track, v.complete = track, true
	return changed, nil
}

// stamps derives DTS and PTS, both in ticks, for a picture that sift passed.
func (v *videoTrack) stamps(c coded, pts int64) (dts, newPTS int64, fellBack bool) {
	if v.frames != nil {
		return pts, pts, false // no codec but those of NAL units changes the order
	}
	v.dts.fields = v.codec == media.CodecH264 && v.track.Video.Interlaced
	units := c.units
	if c.randomAccess {
		units = slices.Concat(v.track.Video.ParameterSets, c.units)
	}
	return v.dts.derive(units, pts, c.randomAccess)
}

// startsPicture reports whether the first slice of units is the first of its
// picture: first_mb_in_slice is 0 (ITU-T H.264 §7.3.3), which is a single 1 bit,
// or first_slice_segment_in_pic_flag is set (ITU-T H.265 §7.3.6.1).
func (v *videoTrack) startsPicture(units [][]byte) bool {
	header := 1
	if v.codec == media.CodecHEVC {
		header = 2
	}
	for _, nal := range units {
		switch paramset.Classify(v.codec, nal) {
		case paramset.NALSlice, paramset.NALRandomAccess:
			return len(nal) > header && nal[header]&0x80 != 0
		default:
		}
	}
	return false
}

// hasType reports whether a unit of an HEVC picture is of a type that is asks for.
func (v *videoTrack) hasType(units [][]byte, is func(nalType byte) bool) bool {
	return v.codec == media.CodecHEVC && slices.ContainsFunc(units, func(nal []byte) bool {
		return is(nal[0] >> 1)
	})
}

// Types of ITU-T H.265 Table 7-1.
func isRASL(t byte) bool { return t == 8 || t == 9 }
func isBLA(t byte) bool  { return t >= 16 && t <= 18 }
