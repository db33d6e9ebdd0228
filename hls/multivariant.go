package hls

import (
	"bytes"
	"slices"
	"strings"

	"github.com/lectern/lectern/hls/playlist"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/storage/segment"
)

const (
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
	iFramesDVR       = "dvr-iframes.m3u8"
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
		nextDVR = p.multivariant(dvr, offer{list: listDVR, iFrames: iFramesDVR})
	}
	return nextLive, nextDVR
}

// offers reports whether the rendition has something to play in such a list.
func (r *rendition) offers(list string) bool {
	some := func(rows []playlist.Row) bool {
		return slices.ContainsFunc(rows, func(w playlist.Row) bool { return !w.Gap })
	}
	switch list {
	case listRecording:
		return r.recording != nil && some(r.recording.Rows)
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
	text := p.describeOffer(o).Append(p.writer.Text[:0])
	if last != nil && bytes.Equal(last.Body, text) {
		return last
	}
	d := p.writer.Document(text)
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
		if rows := o.list.rows; len(rows) > 0 && rows[0].MSN < r.list.open.msn {
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
	iFrames string // the I-frame playlists beside them
}

// describeOffer returns what the multivariant playlist says.
func (p *Packager) describeOffer(o offer) *playlist.Multivariant {
	m := &playlist.Multivariant{
		Pathway: p.cfg.Pathway, Language: p.cfg.AudioLanguage, List: o.list, IFrameList: o.iFrames,
	}
	if len(o.video) == 0 {
		for _, r := range slices.Concat(o.audio, o.soundOnly) {
			m.Variants = append(m.Variants, p.variant(r, nil))
		}
		return m
	}
	m.Captions, m.Service = o.captions.instream(), o.captions&captionService1 != 0
	for _, r := range o.audio {
		m.Audio = append(m.Audio, playlist.Audio{Name: r.name, Channels: r.format().Channels})
	}
	for _, r := range o.video {
		m.Variants = append(m.Variants, p.variant(r, o.audio))
	}
	if len(o.soundOnly) == 0 && len(o.audio) > 0 {
		o.soundOnly = o.audio[:1]
	}
	for _, r := range o.soundOnly {
		m.Variants = append(m.Variants, p.variant(r, nil))
	}
	for _, r := range o.video {
		if r.hasIFrames(o.iFrames) {
			m.IFrames = append(m.IFrames, p.iFrameVariant(r))
		}
	}
	return m
}

// variant returns the variant of r: video with any of the audio, or audio alone.
func (p *Packager) variant(r *rendition, audio []*rendition) playlist.Variant {
	is := r.format()
	codecs := []string{is.Codecs}
	for _, a := range audio {
		if c := a.format().Codecs; !slices.Contains(codecs, c) {
			codecs = append(codecs, c)
		}
	}
	rate := p.variantRate(r, audio)
	return playlist.Variant{
		Name: r.name, Codecs: strings.Join(codecs, ","), Width: is.Width, Height: is.Height,
		FrameRate: r.frameRate(), Peak: rate.peak, Average: rate.average, Video: r.kind == media.KindVideo,
	}
}

// format is what the rendition is said to be: what it was when it could last be played.
// The Init in force may have no media yet.
func (r *rendition) format() segment.Init {
	if r.shown.Codecs == "" {
		return r.init
	}
	return r.shown
}

// hasIFrames reports whether the rendition has something to show in such a list.
func (r *rendition) hasIFrames(list string) bool {
	switch list {
	case iFramesDVR:
		return playlist.HasIFrames(r.list.rows)
	case iFramesRecording:
		return playlist.HasIFrames(r.recording.Rows)
	default:
		return playlist.HasIFrames(r.list.window())
	}
}

func (p *Packager) iFrameVariant(r *rendition) playlist.Variant {
	key := r.name + "/i"
	rate := p.rates[key].raise(r.iFrames.highest(), r.iFrames.average())
	p.rates[key] = rate
	is := r.format()
	return playlist.Variant{
		Name: r.name, Codecs: is.Codecs, Width: is.Width, Height: is.Height, Peak: rate.peak, Average: rate.average, Video: true,
	}
}
