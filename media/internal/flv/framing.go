package flv

import (
	"slices"
	"time"

	"github.com/lectern/lectern/media/internal/paramset"
)

// split fills units from an access unit and reports whether it is whole.
//
// Start codes also read as lengths: 00 00 01 xx is a NAL unit of 256 bytes or
// more. So lengths are tried first, and must fit to the last byte; what the first
// whole access unit turns out to be is believed until the next header (case 14).
func (v *videoInput) split(b []byte) bool {
	var err error
	if v.framing != framingAnnexB {
		v.units, err = SplitAVCC(v.units[:0], b, v.lengthSize)
		if err == nil {
			v.framing = framingLengths
			return true
		}
		if v.framing == framingLengths {
			return false
		}
	}
	if !paramset.StartsWithStartCode(b) {
		return false
	}
	v.units, err = paramset.SplitAnnexB(v.units[:0], b)
	if err != nil {
		return false
	}
	if v.framing == framingUnknown && b[2] != 0 && !v.opensStream() {
		return false // rather a truncated unit of 256 to 511 bytes
	}
	v.framing = framingAnnexB
	return true
}

// opensStream reports whether units are what a byte stream starts with: a random
// access point or parameter sets. Only then is a short start code believed, for
// the specification wants the long one in front of an access unit (ITU-T H.264
// §B.1.2).
func (v *videoInput) opensStream() bool {
	p := &v.picture
	p.Sift(v.sets.Codec(), v.units)
	return p.Dropped.Invalid == 0 && (p.RandomAccess || len(p.Sets) > 0)
}

// videoDamaged notes a damaged picture: those that follow cannot be decoded
// before the next random access point (case 22).
func (d *Demuxer) videoDamaged(now time.Duration) error {
	v := &d.video
	v.keyframeWanted = true
	v.damaged = append(v.damaged, now)
	if len(v.damaged) < d.cfg.DamagedLimit {
		return nil
	}
	if (now - v.damaged[0]).Abs() <= d.cfg.DamagedWindow {
		return ErrDamaged
	}
	v.damaged = slices.Delete(v.damaged, 0, 1)
	return nil
}

// presentation returns the PTS of a picture. Encoders that put the decoding time
// of the first picture at its presentation time give negative composition times
// to B-pictures. Raising those alone would change the order of pictures, so all
// later ones are lifted by the most that was needed (case 8).
func (d *Demuxer) presentation(dts, composition time.Duration) time.Duration {
	v := &d.video
	if composition.Abs() > maxComposition {
		composition = 0
	}
	if composition < 0 {
		d.stats.LiftedPictures++
		v.lift = max(v.lift, min(-composition, maxLift))
	}
	return max(dts, dts+composition+v.lift)
}
