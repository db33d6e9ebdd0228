package playlist

import "strconv"

const (
	// audioGroup and captionGroup are GROUP-IDs.
	audioGroup   = "audio"
	captionGroup = "cc"
)

// Multivariant is what a multivariant playlist says.
type Multivariant struct {
	// Pathway is the PATHWAY-ID of all variants, empty without content steering.
	Pathway string
	// Language is that of the sound and of captions, a BCP 47 tag.
	Language string
	// List is the name of the media playlists, IFrameList of the I-frame playlists.
	List, IFrameList string

	// Audio is the sound that goes with the variants that have pictures, Captions the
	// INSTREAM-ID of each service in the pictures. Both are left out if there are no
	// pictures.
	Audio    []Audio
	Captions []string
	// Service tells that one of Captions is of CEA-708.
	Service bool
	// Variants are all there are, best first. IFrames are those with I-frame playlists.
	Variants, IFrames []Variant
}

// Audio is one rendition of sound.
type Audio struct {
	Name     string
	Channels int // 0 if not known
}

// Variant is one variant stream.
type Variant struct {
	Name string
	// Codecs is the CODECS attribute; Width, Height and FrameRate are 0 if not known.
	Codecs        string
	Width, Height int
	FrameRate     float64
	// Peak and Average are bits a second.
	Peak, Average int
	// Video tells that the variant has pictures.
	Video bool
}

// Append writes the playlist.
func (m *Multivariant) Append(b []byte) []byte {
	version := int64(versionMultivariant)
	if m.Service {
		version = versionService
	}
	b = appendVersion(b, version)
	b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	if m.Pathway != "" {
		b = append(b, `#EXT-X-CONTENT-STEERING:SERVER-URI="steering.json",PATHWAY-ID="`...)
		b = append(b, m.Pathway...)
		b = append(b, "\"\n"...)
	}
	for i, a := range m.Audio {
		b = m.appendAudio(b, a, i)
	}
	for i, id := range m.Captions {
		b = m.appendCaptions(b, id, i)
	}
	for _, v := range m.Variants {
		b = m.appendVariant(b, v)
	}
	for _, v := range m.IFrames {
		b = m.appendIFrames(b, v)
	}
	return b
}

func (m *Multivariant) appendAudio(b []byte, a Audio, i int) []byte {
	b = append(b, `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="`+audioGroup+`",NAME="Audio`...)
	b = appendNumber(b, i)
	b = append(b, `",LANGUAGE="`...)
	b = append(b, m.Language...)
	if i == 0 {
		b = append(b, `",DEFAULT=YES,AUTOSELECT=YES`...)
	} else {
		b = append(b, `",DEFAULT=NO,AUTOSELECT=YES`...)
	}
	if a.Channels > 0 {
		b = append(b, `,CHANNELS="`...)
		b = strconv.AppendInt(b, int64(a.Channels), 10)
		b = append(b, '"')
	}
	b = append(b, `,URI="`...)
	b = appendURI(b, a.Name, m.List)
	return append(b, "\"\n"...)
}

// appendCaptions writes closed captions that the pictures carry (RFC 8216bis §4.4.6.1);
// they have no URI.
func (m *Multivariant) appendCaptions(b []byte, id string, i int) []byte {
	b = append(b, `#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="`+captionGroup+`",NAME="Captions`...)
	b = appendNumber(b, i)
	b = append(b, `",LANGUAGE="`...)
	b = append(b, m.Language...)
	b = append(b, `",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID="`...)
	b = append(b, id...)
	return append(b, "\"\n"...)
}

// appendNumber tells names apart.
func appendNumber(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return strconv.AppendInt(append(b, ' '), int64(i+1), 10)
}

func (m *Multivariant) appendVariant(b []byte, v Variant) []byte {
	b = append(b, "#EXT-X-STREAM-INF:"...)
	b = appendAttributes(b, v)
	if v.FrameRate > 0 && v.Video {
		b = append(b, ",FRAME-RATE="...)
		b = strconv.AppendFloat(b, v.FrameRate, 'f', 3, 64)
	}
	if len(m.Audio) > 0 && v.Video {
		b = append(b, `,AUDIO="`+audioGroup+`"`...)
	}
	switch {
	case len(m.Captions) == 0:
		b = append(b, ",CLOSED-CAPTIONS=NONE"...)
	case v.Video:
		b = append(b, `,CLOSED-CAPTIONS="`+captionGroup+`"`...)
	}
	if m.Pathway != "" {
		b = append(b, `,PATHWAY-ID="`...)
		b = append(b, m.Pathway...)
		b = append(b, '"')
	}
	b = append(b, '\n')
	b = appendURI(b, v.Name, m.List)
	return append(b, '\n')
}

func (m *Multivariant) appendIFrames(b []byte, v Variant) []byte {
	b = append(b, "#EXT-X-I-FRAME-STREAM-INF:"...)
	b = appendAttributes(b, v)
	b = append(b, `,URI="`...)
	b = appendURI(b, v.Name, m.IFrameList)
	return append(b, "\"\n"...)
}

func appendURI(b []byte, name, list string) []byte {
	b = append(b, name...)
	b = append(b, '/')
	return append(b, list...)
}

// appendAttributes writes what all variants say.
func appendAttributes(b []byte, v Variant) []byte {
	b = append(b, "BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(v.Peak), 10)
	b = append(b, ",AVERAGE-BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(v.Average), 10)
	b = append(b, `,CODECS="`...)
	b = append(b, v.Codecs...)
	b = append(b, '"')
	if v.Width <= 0 || v.Height <= 0 {
		return b
	}
	b = append(b, ",RESOLUTION="...)
	b = strconv.AppendInt(b, int64(v.Width), 10)
	b = append(b, 'x')
	return strconv.AppendInt(b, int64(v.Height), 10)
}
