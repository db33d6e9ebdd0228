package flv

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

const (
	// maxHeader bounds a sequence header that is kept for comparison.
	maxHeader = 64 << 10
	// maxComposition is the largest composition time that is believed. Encoders
	// reorder over a few pictures.
	maxComposition = 10 * time.Second
	// maxLift is the most that all pictures are delayed for the sake of a negative
	// composition time.
	maxLift = 500 * time.Millisecond
)

// framing is how NAL units are told apart in an access unit.
type framing uint8

const (
	framingUnknown framing = iota
	framingLengths         // ISO/IEC 14496-15
	framingAnnexB          // start codes, from encoders that ignore the specification
)

// videoInput is the state of the video track.
type videoInput struct {
	seen    bool // frames have come
	known   bool // track is set
	sampled bool // frames have become samples; implies known
	live    bool // track is announced; implies known
	track   media.Track

	sets       *paramset.Sets // nil before the first message
	header     []byte         // the last sequence header
	lengthSize int
	framing    framing

	keyframeWanted bool // drop pictures until random access
	skipping       bool // decoding starts at this random access point: drop its RASL pictures
	lift           time.Duration
	noHeader       patience
	noKeyframe     patience
	damaged        []time.Duration // of the last damaged pictures, at most DamagedLimit

	units   [][]byte // scratch
	picture paramset.Picture
}

func (d *Demuxer) videoMessage(timestampMS uint32, body []byte) error {
	t, ok := d.open(body, ParseVideoTag)
	if !ok {
		return nil
	}
	if t.Codec != media.CodecH264 && t.Codec != media.CodecHEVC {
		return d.refuse(media.KindVideo, t)
	}
	if v := &d.video; v.sets == nil || v.sets.Codec() != t.Codec {
		// Case 12: another codec is another track. It is announced when its
		// parameter sets are here.
		v.sets = paramset.NewSets(t.Codec)
		v.header = nil
		v.lengthSize = 4
		v.framing = framingUnknown
		v.keyframeWanted = true
	}
	if t.Packet == PacketHeader {
		return d.videoHeader(t)
	}
	now, err := d.now(timestampMS, t)
	if err != nil {
		return err
	}
	return d.videoFrame(now, t)
}

// videoHeader takes a sequence header (cases 10, 11).
func (d *Demuxer) videoHeader(t Tag) error {
	v := &d.video
	if v.header != nil && bytes.Equal(v.header, t.Body) {
		d.stats.RepeatedHeaders++
		return nil
	}
	c, err := parseHeader(t)
	if err != nil || len(t.Body) > maxHeader {
		d.stats.Malformed++ // then they may come in band
		return nil          //nolint:nilerr // counted: the header timeout decides
	}
	sets := paramset.NewSets(t.Codec)
	for _, nal := range c.Sets {
		if _, err = sets.Put(nal); err != nil && paramset.Classify(t.Codec, nal) != paramset.NALSEI {
			d.stats.Malformed++
		}
	}
	track, err := sets.Track()
	if refusal := (*media.RefusalError)(nil); errors.As(err, &refusal) {
		return err
	}
	v.header = slices.Clone(t.Body)
	v.lengthSize = c.LengthSize
	v.framing = framingUnknown
	if err != nil {
		if !errors.Is(err, paramset.ErrIncomplete) {
			d.stats.Malformed++
		}
		if !v.known {
			v.sets = sets
		}
		return nil // case 13: what is missing may come in band
	}
	v.sets = sets
	if v.known && v.track.SameFormat(track) {
		d.stats.RepeatedHeaders++
		return nil
	}
	v.keyframeWanted = true
	return d.setVideo(track)
}

// parseHeader reads a decoder configuration record or, from encoders that know
// no better, parameter sets with start codes (case 14).
func parseHeader(t Tag) (DecoderConfig, error) {
	if paramset.StartsWithStartCode(t.Body) {
		units, err := paramset.SplitAnnexB(nil, t.Body)
		return DecoderConfig{LengthSize: 4, Sets: units}, err
	}
	if t.Codec == media.CodecHEVC {
		return ParseHEVCConfig(t.Body)
	}
	return ParseAVCConfig(t.Body)
}

// videoFrame takes an access unit.
func (d *Demuxer) videoFrame(now time.Duration, t Tag) error {
	v := &d.video
	v.seen = true
	if !v.split(t.Body) {
		d.stats.Damaged++
		return d.videoDamaged(now)
	}
	p := &v.picture
	p.Sift(t.Codec, v.units)
	d.stats.Units.Add(p.Dropped)
	news := false // the access unit brings parameter sets not seen before
	for _, nal := range p.Sets {
		changed, err := v.sets.Put(nal)
		if err != nil {
			d.stats.Malformed++
		}
		news = news || changed
	}
	if !p.Coded {
		if len(p.Sets) == 0 {
			d.stats.WithoutPicture++
		}
		return nil
	}
	if p.RandomAccess && (v.sets.Changed() || !v.known) {
		if err := d.adoptSets(); err != nil {
			return err
		}
	}

	if !v.known || v.track.Codec != t.Codec {
		d.stats.AwaitingHeader++
		if v.noHeader.spent(now, d.cfg.HeaderTimeout) {
			return refuseVideoHeader()
		}
		return nil
	}
	v.noHeader = patience{}
	if v.keyframeWanted && !p.RandomAccess {
		d.stats.AwaitingKeyframe++
		if v.noKeyframe.spent(now, d.cfg.KeyframeTimeout) {
			return refuseNoKeyframe()
		}
		return nil
	}
	if p.RandomAccess {
		v.skipping = v.keyframeWanted
	} else if v.skipping && p.Skipped {
		d.stats.AwaitingKeyframe++
		return nil
	}
	v.keyframeWanted = false
	v.noKeyframe = patience{}

	units := p.Units
	if news && !p.RandomAccess {
		// New parameter sets can be announced at a random access point only. Until
		// then decoders need them where they are.
		units = slices.Concat(p.Sets, p.Units)
	}
	d.stats.VideoSamples++
	return d.emit(media.Sample{
		Track:        media.VideoTrackID,
		DTS:          now,
		PTS:          d.presentation(now, t.CompositionTime),
		RandomAccess: p.RandomAccess,
		Payload:      paramset.Clone(units),
	})
}

// adoptSets announces the parameter sets that came in band, if they make another
// format.
func (d *Demuxer) adoptSets() error {
	v := &d.video
	track, err := v.sets.Track()
	if refusal := (*media.RefusalError)(nil); errors.As(err, &refusal) {
		return err
	}
	if err != nil {
		if !errors.Is(err, paramset.ErrIncomplete) {
			d.stats.Malformed++
		}
		return nil // the old format goes on, or the header timeout
	}
	if v.known && v.track.SameFormat(track) {
		return nil
	}
	return d.setVideo(track)
}

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
