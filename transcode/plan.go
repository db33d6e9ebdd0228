package transcode

import (
	"cmp"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

// PlanInput is what a Plan depends on beside the Ladder.
type PlanInput struct {
	// Tracks are the publisher's.
	Tracks []media.Track

	// Encode forbids to pass the pictures through: their keyframes are too far
	// apart to cut segments at.
	Encode bool

	// Start is where the run begins on the class's clock.
	Start time.Duration

	// Have names the encoded renditions that the class has had: one whose size the
	// source still reaches is kept, so that its viewers need not move.
	Have []string
}

// Plan is what becomes of one run of a publisher's tracks. It is immutable.
type Plan struct {
	// Tracks are those of the run, best video first: passed-through tracks under
	// their own ID, encoded ones announced. The ID of an encoded rendition is the
	// same in every plan of a Ladder.
	Tracks []media.Track

	// Grid is that of the run's Discontinuity.
	Grid time.Duration

	// Spec is the encoder's work; Encodes reports whether there is any.
	Spec Spec
}

// Encodes reports whether the plan needs an encoder.
func (p Plan) Encodes() bool { return len(p.Spec.Video)+len(p.Spec.Audio) > 0 }

// Plan decides what becomes of the publisher's tracks, which Admit has let in.
//
// Video is passed through as "source" if every browser plays it and in.Encode
// does not forbid it; the encoded rungs then follow its keyframes and Grid is 0.
// Otherwise "source" is encoded too, in its own size within 1920x1080, on the
// configured grid. A ladder that does not encode passes everything through.
func (l *Ladder) Plan(in PlanInput) Plan {
	if !l.encodes {
		return Plan{Tracks: l.name(in.Tracks)}
	}
	var p Plan
	video, hasVideo := media.Find(in.Tracks, media.KindVideo)
	if hasVideo {
		l.planVideo(&p, video, in)
	}
	audio, hasAudio := media.Find(in.Tracks, media.KindAudio)
	if hasAudio {
		l.planAudio(&p, audio)
	}
	if !p.Encodes() {
		p.Spec = Spec{}
		return p
	}
	s := &p.Spec
	s.Start, s.Grid, s.Encoder = in.Start, p.Grid, l.cfg.Encoder
	if s.Encoder == EncoderAuto {
		s.Encoder = EncoderNVENC
	}
	if hasVideo {
		s.Thumbnail, s.ThumbnailWidth = l.cfg.Thumbnails.Interval, l.cfg.Thumbnails.Width
		if len(s.Video) > 0 || s.Thumbnail > 0 {
			s.Tracks = append(s.Tracks, video)
		}
	}
	if hasAudio {
		s.Loudness = l.cfg.Loudness
		if len(s.Audio) > 0 || s.Loudness {
			s.Tracks = append(s.Tracks, audio)
		}
	}
	return p
}

// passes reports whether video goes through as it is.
func (l *Ladder) passes(video media.Track, in PlanInput) bool {
	return l.has(RenditionSource) && !in.Encode && video.Codec == media.CodecH264 && passableVideo(video) == nil
}

func (l *Ladder) planVideo(p *Plan, video media.Track, in PlanInput) {
	source, rate := displaySize(video.Video), frameRate(video.Video)
	pass := l.passes(video, in)
	var own size // of an encoded source
	if l.has(RenditionSource) {
		if pass {
			video.Rendition = RenditionSource
			p.Tracks = append(p.Tracks, video)
		} else {
			own = source.fit(maxRungHeight)
			set := settingsAt(own.lines())
			set.maxFrameRate = maxSourceRate
			l.addVideo(p, RenditionSource, own, rate, set)
		}
	}
	for _, name := range l.rungs {
		height, _ := rungHeight(name)
		fitted := source.fit(height)
		keep := slices.Contains(in.Have, name) && source.reaches(height)
		if !keep && (!source.above(height, l.has(RenditionSource)) || fitted == own) {
			continue
		}
		l.addVideo(p, name, fitted, rate, settingsAt(height))
	}
	// A source below every rung is still to be seen.
	if !l.has(RenditionSource) && len(p.Spec.Video) == 0 && len(l.rungs) > 0 {
		name := l.rungs[len(l.rungs)-1]
		height, _ := rungHeight(name)
		l.addVideo(p, name, source.fit(height), rate, settingsAt(min(height, source.lines())))
	}
	if len(p.Spec.Video) > 0 && !pass {
		p.Grid = l.cfg.Grid
	}
	// A kept rung may have as many pixels as the source, never more.
	slices.SortStableFunc(p.Spec.Video, func(a, b VideoRung) int {
		return cmp.Compare(b.Width*b.Height, a.Width*a.Height)
	})
}

// maxSourceRate is the most pictures a second of an encoded source.
const maxSourceRate = 60

// addVideo adds an encoded video rendition.
func (l *Ladder) addVideo(p *Plan, name string, s size, sourceRate float64, set settings) {
	set = set.override(l.cfg.Rungs[name])
	rate := thinned(sourceRate, set.maxFrameRate)
	rung := VideoRung{
		Track: l.encodedID(name), Rendition: name,
		Width: s.width, Height: s.height, MaxFrameRate: set.maxFrameRate,
		CRF: set.crf, MaxRate: set.maxRate, Buffer: set.maxRate * 3 / 2,
		Level: h264Level(s, rate, set.maxRate),
	}
	p.Spec.Video = append(p.Spec.Video, rung)
	p.Tracks = append(p.Tracks, media.Track{
		ID: rung.Track, Codec: media.CodecH264, Timescale: media.TimescaleVideo,
		Rendition: name, Encoded: true, MaxBitRate: set.maxRate,
		Video: media.VideoFormat{
			Width: s.width, Height: s.height, SARWidth: 1, SARHeight: 1, FrameRate: rate,
			Profile: 100, Level: rung.Level, BitDepth: 8, ChromaFormat: 1,
		},
	})
}

// Bit rates of encoded sound, for two channels and for one.
const (
	audioBitRate     = 128_000
	audioOnlyBitRate = 64_000
	monoBitRate      = 64_000
)

func (l *Ladder) planAudio(p *Plan, audio media.Track) {
	if l.has(RenditionAudio) {
		if passableAudio(audio) == nil {
			audio.Rendition = RenditionAudio
			p.Tracks = append(p.Tracks, audio)
		} else {
			l.addAudio(p, RenditionAudio, audio.Audio.Channels, audioBitRate)
		}
	}
	if l.has(RenditionAudioOnly) {
		l.addAudio(p, RenditionAudioOnly, audio.Audio.Channels, audioOnlyBitRate)
	}
}

// addAudio adds an encoded audio rendition. Sound of more than two channels
// becomes stereo.
func (l *Ladder) addAudio(p *Plan, name string, channels, bitRate int) {
	if channels == 1 {
		bitRate = min(bitRate, monoBitRate)
	} else {
		channels = 2
	}
	rung := AudioRung{Track: l.encodedID(name), Rendition: name, Channels: channels, BitRate: bitRate}
	p.Spec.Audio = append(p.Spec.Audio, rung)
	p.Tracks = append(p.Tracks, media.Track{
		ID: rung.Track, Codec: media.CodecAAC, Timescale: encodedSampleRate,
		Rendition: name, Encoded: true, MaxBitRate: bitRate,
		Audio: media.AudioFormat{
			ObjectType: 2, SampleRate: encodedSampleRate, Channels: channels, FrameSamples: 1024,
		},
	})
}

// encodedSampleRate is that of all encoded sound, in Hz.
const encodedSampleRate = 48000
