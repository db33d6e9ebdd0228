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

// The media playlists that a multivariant playlist can list, and the I-frame
// playlists beside them.
const (
	listLive      = "index.m3u8"
	listDVR       = "dvr.m3u8"
	listRecording = "recording.m3u8"

	iFramesLive      = "iframes.m3u8"
	iFramesRecording = "recording-iframes.m3u8"
)

// multivariants returns the multivariant playlists: of the live lists, or the
// recording when the class has ended, and of the DVR lists. They are those of before
// if nothing that they say has changed. They are nil before every rendition of the
// publication has got past its first segment, lest a player never learn of the
// slower one.
func (p *Packager) multivariants(live, dvr *Document) (nextLive, nextDVR *Document) {
	for _, r := range p.renditions {
		if live == nil && r.declared && p.pending(r) {
			return nil, nil
		}
	}
	if p.ended {
		nextLive = p.multivariant(live, offer{list: listRecording, iFrames: iFramesRecording})
	} else {
		nextLive = p.multivariant(live, offer{list: listLive, iFrames: iFramesLive})
	}
	if p.cfg.DVRWindow > 0 {
		nextDVR = p.multivariant(dvr, offer{list: listDVR})
	}
	return nextLive, nextDVR
}

// offers reports whether the rendition has something to play in such a list.
func (r *rendition) offers(list string) bool {
	some := func(rows []row) bool { return slices.ContainsFunc(rows, func(w row) bool { return !w.gap }) }
	switch list {
	case listRecording:
		return r.recording != nil && some(r.recording.rows)
	case listDVR:
		return some(r.list.rows)
	default:
		return r.list.whole() > 0 && !r.withdrawn
	}
}

// multivariant returns the playlist of what there is in such lists, which is last
// if that says so already, or if there is nothing.
func (p *Packager) multivariant(last *Document, o offer) *Document {
	for _, r := range p.renditions {
		o.captions |= r.captions
		switch {
		case !r.offers(o.list):
		case r.kind == media.KindVideo:
			o.video = append(o.video, r)
		case r.name == renditionAudioOnly:
			o.soundOnly = append(o.soundOnly, r)
		default:
			o.audio = append(o.audio, r)
		}
	}
	if len(o.video)+len(o.audio)+len(o.soundOnly) == 0 {
		return last
	}
	text := p.multivariantText(p.writer.text[:0], o)
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
	return len(r.list.rows) == 0 && !p.overdue(r)
}

// overdue reports whether r has let pass a whole segment that another rendition
// has listed.
func (p *Packager) overdue(r *rendition) bool {
	for _, o := range p.renditions {
		if rows := o.list.rows; len(rows) > 0 && rows[0].msn < r.list.open.msn {
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

	list    string // the media playlists
	iFrames string // the I-frame playlists beside them; "" for none
}

func (p *Packager) multivariantText(b []byte, o offer) []byte {
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, protocolVersion, 10)
	b = append(b, "\n#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	if p.cfg.Pathway != "" {
		b = append(b, `#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json",PATHWAY-ID="`...)
		b = append(b, p.cfg.Pathway...)
		b = append(b, "\"\n"...)
	}
	if len(o.video) == 0 {
		for _, r := range slices.Concat(o.audio, o.soundOnly) {
			b = p.appendVariant(b, r, offer{list: o.list})
		}
		return b
	}
	for i, r := range o.audio {
		b = p.appendAudioRendition(b, r, i, o.list)
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
		b = p.appendIFrameVariant(b, r, o.iFrames)
	}
	return b
}

func (p *Packager) appendAudioRendition(b []byte, r *rendition, i int, list string) []byte {
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
	b = append(b, '/')
	b = append(b, list...)
	return append(b, "\"\n"...)
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
	if p.cfg.Pathway != "" {
		b = append(b, `,PATHWAY-ID="`...)
		b = append(b, p.cfg.Pathway...)
		b = append(b, '"')
	}
	b = append(b, '\n')
	b = append(b, r.name...)
	b = append(b, '/')
	b = append(b, o.list...)
	return append(b, '\n')
}

// appendIFrameVariant writes the I-frame playlist of r, if it has one.
func (p *Packager) appendIFrameVariant(b []byte, r *rendition, list string) []byte {
	if list == "" || list == iFramesLive && !hasIFrames(r.list.window()) ||
		list == iFramesRecording && !hasIFrames(r.recording.rows) {
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
	b = append(b, '/')
	b = append(b, list...)
	return append(b, "\"\n"...)
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
