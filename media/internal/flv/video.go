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

	codec      media.Codec      // CodecUnknown before the first message
	sets       *paramset.Sets   // of H.264 and HEVC
	frames     *paramset.Frames // of AV1, VP8 and VP9
	refresh    paramset.Refresh
	header     []byte // the last sequence header
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
	if t.Codec == media.CodecUnknown {
		return refuseCodec(media.KindVideo, t.Name)
	}
	v := &d.video
	if v.codec != t.Codec {
		v.become(t.Codec)
	}
	if t.Packet == PacketHeader {
		if v.frames != nil {
			return d.framesHeader(t)
		}
		return d.videoHeader(t)
	}
	now, err := d.now(timestampMS, t)
	if err != nil {
		return err
	}
	if v.frames != nil {
		return d.videoPlain(now, t)
	}
	return d.videoFrame(now, t)
}

// become prepares for another codec, which is another track (case 12). It is
// announced when its parameters are here.
func (v *videoInput) become(c media.Codec) {
	v.codec = c
	v.sets, v.frames = nil, nil
	if c == media.CodecH264 || c == media.CodecHEVC {
		v.sets = paramset.NewSets(c)
	} else {
		v.frames = paramset.NewFrames(c)
	}
	v.refresh = paramset.Refresh{}
	v.header = nil
	v.lengthSize = 4
	v.framing = framingUnknown
	v.keyframeWanted = true
}

// describe returns the track that sets announce.
func (v *videoInput) describe(sets *paramset.Sets) (media.Track, error) {
	track, err := sets.Track()
	track.Video.IntraRefresh = v.refresh.On()
	return track, err
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
	track, err := v.describe(sets)
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
	v.refresh.Judge(p, now)
	if p.RandomAccess && (v.sets.Changed() || !v.known || v.track.Video.IntraRefresh != v.refresh.On()) {
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
	track, err := v.describe(v.sets)
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
