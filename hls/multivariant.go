package hls

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lectern/lectern/media"
)

const (
	// rateHeadroom is what is stated above the highest rate measured, since the
	// next segment may be larger; RFC 8216bis wants an upper bound.
	rateHeadroom = 1.1
	// rateStep is what stated rates are rounded up to, in bits a second, so that
	// the playlist seldom changes.
	rateStep = 50_000
	// audioGroup is the GROUP-ID of the audio renditions.
	audioGroup = "audio"
)

// variantRate is what the multivariant playlist states of one variant. It is
// only ever raised.
type variantRate struct {
	peak, average int
}

func (v variantRate) raise(peak, average float64) variantRate {
	up := func(was int, rate float64) int {
		return max(was, int(math.Ceil(rate*rateHeadroom/rateStep))*rateStep)
	}
	v.peak, v.average = up(v.peak, peak), up(v.average, average)
	v.peak = max(v.peak, v.average)
	return v
}

// multivariant returns the multivariant playlist, which is last if nothing that
// it says has changed. It is nil before every rendition of the publication has
// got past its first segment, lest a player never learn of the slower one.
func (p *Packager) multivariant(last *Document) *Document {
	var video, audio []*rendition
	for _, r := range p.renditions {
		if last == nil && r.declared && len(r.list.segments) == 0 && !p.overdue(r) {
			return nil
		}
		switch {
		case !r.playable():
		case r.kind == media.KindVideo:
			video = append(video, r)
		default:
			audio = append(audio, r)
		}
	}
	if len(video)+len(audio) == 0 {
		return last
	}
	text := p.multivariantText(p.writer.text[:0], video, audio)
	if last != nil && bytes.Equal(last.Body, text) {
		return last
	}
	d := p.writer.document(text)
	return &d
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

// playable reports whether the window has media of the rendition.
func (r *rendition) playable() bool {
	for i := range r.list.segments {
		if !r.list.segments[i].Gap {
			return true
		}
	}
	return false
}

func (p *Packager) multivariantText(b []byte, video, audio []*rendition) []byte {
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, protocolVersion, 10)
	b = append(b, "\n#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	if len(video) == 0 {
		return p.appendVariant(b, audio[0], nil)
	}
	for i, r := range audio {
		b = p.appendAudioRendition(b, r, i)
	}
	for _, r := range video {
		b = p.appendVariant(b, r, audio)
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

// appendVariant writes the variant of r, video with any of audio or audio alone.
func (p *Packager) appendVariant(b []byte, r *rendition, audio []*rendition) []byte {
	peak, average := r.rate.highest(), r.rate.average()
	codecs := []string{r.init.Codecs}
	if len(audio) > 0 {
		var audioPeak, audioAverage float64
		for _, a := range audio {
			audioPeak = max(audioPeak, a.rate.highest())
			audioAverage = max(audioAverage, a.rate.average())
			if !slices.Contains(codecs, a.init.Codecs) {
				codecs = append(codecs, a.init.Codecs)
			}
		}
		peak, average = peak+audioPeak, average+audioAverage
	}
	rate := p.rates[r.name].raise(peak, average)
	p.rates[r.name] = rate

	b = append(b, "#EXT-X-STREAM-INF:BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(rate.peak), 10)
	b = append(b, ",AVERAGE-BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(rate.average), 10)
	b = append(b, `,CODECS="`...)
	b = append(b, strings.Join(codecs, ",")...)
	b = append(b, '"')
	if r.init.Width > 0 && r.init.Height > 0 {
		b = append(b, ",RESOLUTION="...)
		b = strconv.AppendInt(b, int64(r.init.Width), 10)
		b = append(b, 'x')
		b = strconv.AppendInt(b, int64(r.init.Height), 10)
	}
	if fps := r.frameRate(); fps > 0 && r.kind == media.KindVideo {
		b = append(b, ",FRAME-RATE="...)
		b = strconv.AppendFloat(b, fps, 'f', 3, 64)
	}
	if len(audio) > 0 {
		b = append(b, `,AUDIO="`+audioGroup+`"`...)
	}
	b = append(b, ",CLOSED-CAPTIONS=NONE\n"...)
	b = append(b, r.name...)
	return append(b, "/index.m3u8\n"...)
}
