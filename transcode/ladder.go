package transcode

import (
	"cmp"
	"maps"
	"slices"

	"github.com/lectern/lectern/media"
)

// The renditions that are no "<height>p". The names are path elements of the
// playlists.
const (
	// RenditionSource is the publisher's own video, passed through where every
	// browser plays it and encoded in its own size where not.
	RenditionSource = "source"

	// RenditionAudio is the publisher's own audio, passed through or encoded; it
	// is the sound of all video renditions.
	RenditionAudio = "audio"

	// RenditionAudioOnly is sound for links that carry no video.
	RenditionAudioOnly = "audio-only"
)

// maxRenditions bounds a ladder.
const maxRenditions = 16

// firstEncodedID is the TrackID of the ladder's first rendition where it is
// encoded; those of the others follow in the ladder's order.
const firstEncodedID media.TrackID = 16

// Ladder is the ordered list of renditions a class offers, best first. A Ladder
// is immutable and may be used from any goroutine.
type Ladder struct {
	cfg        Config
	renditions []string
	rungs      []string // the encoded sizes among them, largest first
	encodes    bool
}

// NewLadder returns the ladder that cfg describes. At most one override may
// follow: the renditions of one class instead of cfg.Ladder, unless it is nil.
// NewLadder fails on a rendition that there is not, naming it under the key
// transcode.ladder, and on what Config.Validate refuses if the ladder encodes.
func NewLadder(cfg Config, override ...[]string) (*Ladder, error) {
	for _, names := range override {
		if names != nil {
			cfg.Ladder = names
		}
	}
	if err := validateLadder(cfg.Ladder); err != nil {
		return nil, err
	}
	cfg.Ladder = slices.Clone(cfg.Ladder)
	cfg.Rungs = maps.Clone(cfg.Rungs)
	l := &Ladder{cfg: cfg, renditions: cfg.Ladder}
	for _, name := range l.renditions {
		if _, ok := rungHeight(name); ok {
			l.rungs = append(l.rungs, name)
		}
	}
	slices.SortFunc(l.rungs, func(a, b string) int {
		ha, _ := rungHeight(a)
		hb, _ := rungHeight(b)
		return cmp.Compare(hb, ha)
	})
	l.encodes = cfg.Encoder != EncoderNone && (len(l.rungs) > 0 || l.has(RenditionAudioOnly))
	if !l.encodes {
		return l, nil
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return l, nil
}

// Encodes reports whether the ladder may need an encoder: what no browser plays
// is then encoded instead of refused, and keyframes may be any distance apart.
func (l *Ladder) Encodes() bool { return l.encodes }

// Renditions returns the names of all renditions that the ladder can offer, best
// first. A class may have fewer; see Plan.
func (l *Ladder) Renditions() []string {
	if l.encodes {
		return slices.Clone(l.renditions)
	}
	return slices.DeleteFunc(slices.Clone(l.renditions), func(name string) bool {
		return name != RenditionSource && name != RenditionAudio
	})
}

func (l *Ladder) has(name string) bool { return slices.Contains(l.renditions, name) }

// encodedID is the TrackID of an encoded rendition of the ladder.
func (l *Ladder) encodedID(name string) media.TrackID {
	return firstEncodedID + media.TrackID(slices.Index(l.renditions, name))
}

// name returns tracks with the rendition each becomes.
func (l *Ladder) name(tracks []media.Track) []media.Track {
	out := make([]media.Track, 0, len(tracks))
	for _, t := range tracks {
		switch {
		case t.Codec.Kind() == media.KindVideo && l.has(RenditionSource):
			t.Rendition = RenditionSource
		case t.Codec.Kind() == media.KindAudio && l.has(RenditionAudio):
			t.Rendition = RenditionAudio
		default:
			continue
		}
		out = append(out, t)
	}
	return out
}
