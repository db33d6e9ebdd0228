package hls

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/lectern/lectern/media"
)

const (
	// audioGroup and captionGroup are GROUP-IDs.
	audioGroup   = "audio"
	captionGroup = "cc"

	// patience is how many whole segments another rendition may have before an
	// encoded one that has none is not waited for any longer.
	patience = 2
)

// multivariant returns the multivariant playlist, which is last if nothing that
// it says has changed. It is nil before every rendition of the publication has
// got past its first segment, lest a player never learn of the slower one.
func (p *Packager) multivariant(last *Document) *Document {
	var offer offer
	for _, r := range p.renditions {
		if last == nil && r.declared && p.pending(r) {
			return nil
		}
		offer.captions |= r.captions
		switch {
		case r.list.whole() == 0 || r.withdrawn:
		case r.kind == media.KindVideo:
			offer.video = append(offer.video, r)
		case r.name == renditionAudioOnly:
			offer.soundOnly = append(offer.soundOnly, r)
		default:
			offer.audio = append(offer.audio, r)
		}
	}
	if len(offer.video)+len(offer.audio)+len(offer.soundOnly) == 0 {
		return last
	}
	text := p.multivariantText(p.writer.text[:0], offer)
	if last != nil && bytes.Equal(last.Body, text) {
		return last
	}
	d := p.writer.document(text)
	return &d
}

// pending reports whether r, which the publication has, is to be waited for.
func (p *Packager) pending(r *rendition) bool {
	if r.track.Encoded {
		return r.list.whole() == 0 && !r.withdrawn &&
			!slices.ContainsFunc(p.renditions, func(o *rendition) bool { return o.list.whole() >= patience })
	}
	return len(r.list.segments) == 0 && !p.overdue(r)
}

// overdue reports whether r has let pass a whole segment that another rendition
// has listed.
func (p *Packager) overdue(r *rendition) bool {
	for _, o := range p.renditions {
		if n := len(o.list.segments); n > 0 && o.list.segments[0].MSN < r.list.open.msn {
			return true
		}
	}
	return false
}

// offer is what the multivariant playlist lists, best first.
type offer struct {
	video     []*rendition
	audio     []*rendition // beside video
	soundOnly []*rendition // variants without video
	captions  captionSet
}

func (p *Packager) multivariantText(b []byte, o offer) []byte {
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, protocolVersion, 10)
	b = append(b, "\n#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	if len(o.video) == 0 {
		o.captions = 0
		for _, r := range slices.Concat(o.audio, o.soundOnly) {
			b = p.appendVariant(b, r, offer{})
		}
		return b
	}
	for i, r := range o.audio {
		b = p.appendAudioRendition(b, r, i)
	}
	b = p.appendCaptions(b, o.captions)
	for _, r := range o.video {
		b = p.appendVariant(b, r, o)
	}
	if len(o.soundOnly) == 0 && len(o.audio) > 0 {
		o.soundOnly = o.audio[:1]
	}
	for _, r := range o.soundOnly {
		b = p.appendVariant(b, r, o)
	}
	for _, r := range o.video {
		b = p.appendIFrameVariant(b, r)
	}
	return b
}

func (p *Packager) appendAudioRendition(b []byte, r *rendition, i int) []byte {
	b = append(b, `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="`+audioGroup+`",NAME="Audio`...)
	if i > 0 {
		b = append(b, ' ')
		b = strconv.AppendInt(b, int64(i+1), 10)
	}
	b = append(b, `",LANGUAGE="`...)
	b = append(b, p.cfg.AudioLanguage...)
	if i == 0 {
		b = append(b, `",DEFAULT=YES,AUTOSELECT=YES`...)
	} else {
		b = append(b, `",DEFAULT=NO,AUTOSELECT=YES`...)
	}
	if r.init.Channels > 0 {
		b = append(b, `,CHANNELS="`...)
		b = strconv.AppendInt(b, int64(r.init.Channels), 10)
		b = append(b, '"')
	}
	b = append(b, `,URI="`...)
	b = append(b, r.name...)
	return append(b, "/index.m3u8\"\n"...)
}

// appendCaptions writes the closed captions that the pictures carry
// (RFC 8216bis §4.4.6.1); they have no URI.
func (p *Packager) appendCaptions(b []byte, captions captionSet) []byte {
	for i, id := range captions.instream() {
		b = append(b, `#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="`+captionGroup+`",NAME="Captions`...)
		if i > 0 {
			b = append(b, ' ')
			b = strconv.AppendInt(b, int64(i+1), 10)
		}
		b = append(b, `",LANGUAGE="`...)
		b = append(b, p.cfg.AudioLanguage...)
		b = append(b, `",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID="`...)
		b = append(b, id...)
		b = append(b, "\"\n"...)
	}
	return b
}

// appendVariant writes the variant of r: video with any of the audio, or audio
// alone.
func (p *Packager) appendVariant(b []byte, r *rendition, o offer) []byte {
	audio := o.audio
	if r.kind != media.KindVideo {
		audio = nil
	}
	codecs := []string{r.init.Codecs}
	for _, a := range audio {
		if !slices.Contains(codecs, a.init.Codecs) {
			codecs = append(codecs, a.init.Codecs)
		}
	}
	rate := p.variantRate(r, audio)

	b = append(b, "#EXT-X-STREAM-INF:BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(rate.peak), 10)
	b = append(b, ",AVERAGE-BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(rate.average), 10)
	b = append(b, `,CODECS="`...)
	b = append(b, strings.Join(codecs, ",")...)
	b = append(b, '"')
	b = appendResolution(b, r)
	if fps := r.frameRate(); fps > 0 && r.kind == media.KindVideo {
		b = append(b, ",FRAME-RATE="...)
		b = strconv.AppendFloat(b, fps, 'f', 3, 64)
	}
	if len(audio) > 0 {
		b = append(b, `,AUDIO="`+audioGroup+`"`...)
	}
	switch {
	case o.captions == 0:
		b = append(b, ",CLOSED-CAPTIONS=NONE"...)
	case r.kind == media.KindVideo:
		b = append(b, `,CLOSED-CAPTIONS="`+captionGroup+`"`...)
	}
	b = append(b, '\n')
	b = append(b, r.name...)
	return append(b, "/index.m3u8\n"...)
}

// appendIFrameVariant writes the I-frame playlist of r, if it has one.
func (p *Packager) appendIFrameVariant(b []byte, r *rendition) []byte {
	if !r.list.hasIFrames() {
		return b
	}
	key := r.name + "/i"
	rate := p.rates[key].raise(r.iFrames.highest(), r.iFrames.average())
	p.rates[key] = rate
	b = append(b, "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(rate.peak), 10)
	b = append(b, ",AVERAGE-BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(rate.average), 10)
	b = append(b, `,CODECS="`...)
	b = append(b, r.init.Codecs...)
	b = append(b, '"')
	b = appendResolution(b, r)
	b = append(b, `,URI="`...)
	b = append(b, r.name...)
	return append(b, "/iframes.m3u8\"\n"...)
}

func appendResolution(b []byte, r *rendition) []byte {
	if r.init.Width <= 0 || r.init.Height <= 0 {
		return b
	}
	b = append(b, ",RESOLUTION="...)
	b = strconv.AppendInt(b, int64(r.init.Width), 10)
	b = append(b, 'x')
	return strconv.AppendInt(b, int64(r.init.Height), 10)
}
