package mediatest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
)

// maxGOP is the number of pictures in the clips.
const maxGOP = 300

// Config describes the encoder that a [Source] stands for. The zero value is a
// plain OBS: H.264 without B pictures, 30 fps, a keyframe each 60 pictures, AAC
// stereo at 48 kHz, exact timestamps from 0.
type Config struct {
	// Codec of the video: [media.CodecH264] (default) or [media.CodecHEVC].
	Codec media.Codec

	// NoVideo and NoAudio leave a track out.
	NoVideo, NoAudio bool

	// Large makes pictures of 128x72 instead of 64x36, with other parameter
	// sets. H.264 without B pictures only.
	Large bool

	// FPS is pictures a second, default 30; use 30000.0/1001 for NTSC. The VUI
	// says 30 whatever it is.
	FPS float64

	// GOP is pictures from one keyframe to the next, default 60, at most 300,
	// with B pictures at least 3.
	GOP int

	// BFrames orders pictures I0 P2 B1 P4 B3 and so on; PTS is then one picture
	// later, so that it never lies before DTS.
	BFrames bool

	// InBand repeats the parameter sets before every keyframe.
	InBand bool

	// SampleRate is 48000 (default, stereo) or 44100 (mono).
	SampleRate int

	// Start is the publisher's clock at the first picture's DTS.
	Start time.Duration

	// AudioStart is the first audio sample's time relative to Start. It may be
	// negative.
	AudioStart time.Duration

	// Round is the grain of the timestamps: 0 for exact ones, time.Millisecond
	// for those of RTMP.
	Round time.Duration
}

// Source is an encoder: an endless run of samples, ordered by DTS. It belongs
// to one goroutine.
type Source struct {
	cfg    Config
	tracks []media.Track
	clip   clip
	frames [][]byte // audio

	pictures, sounds int           // generated so far
	shift            time.Duration // sum of all jumps
}

// New returns a source. It fails tb when cfg asks for what the clips cannot give.
func New(tb testing.TB, cfg Config) *Source {
	tb.Helper()
	if cfg.Codec == media.CodecUnknown {
		cfg.Codec = media.CodecH264
	}
	if cfg.FPS == 0 {
		cfg.FPS = 30
	}
	if cfg.GOP == 0 {
		cfg.GOP = 60
	}
	if cfg.SampleRate == 0 {
		cfg.SampleRate = 48000
	}
	if cfg.GOP < 0 || cfg.GOP > maxGOP || cfg.BFrames && cfg.GOP < 3 {
		tb.Fatalf("no clip with a GOP of %d pictures", cfg.GOP)
	}
	s := &Source{cfg: cfg}
	if !cfg.NoVideo {
		s.addVideo(tb)
	}
	if !cfg.NoAudio {
		s.addAudio(tb)
	}
	return s
}

func (s *Source) addVideo(tb testing.TB) {
	tb.Helper()
	format := media.VideoFormat{
		Width: 64, Height: 36, SARWidth: 1, SARHeight: 1, FrameRate: 30,
		Profile: 100, Level: 10, BitDepth: 8, ChromaFormat: 1,
	}
	switch {
	case s.cfg.Large && s.cfg.Codec == media.CodecH264 && !s.cfg.BFrames:
		format.Width, format.Height = 128, 72
		s.clip = loadClip(tb, s.cfg.Codec, "h264_128x72.h264", "")
	case s.cfg.Large:
		tb.Fatal("no large clip with this codec or B pictures")
	case s.cfg.Codec == media.CodecH264 && s.cfg.BFrames:
		s.clip = loadClip(tb, s.cfg.Codec, "h264_b.h264", "h264_b_tails.h264")
	case s.cfg.Codec == media.CodecH264:
		s.clip = loadClip(tb, s.cfg.Codec, "h264.h264", "")
	case s.cfg.Codec == media.CodecHEVC && s.cfg.BFrames:
		s.clip = loadClip(tb, s.cfg.Codec, "hevc_b.h265", "hevc_b_tails.h265")
	case s.cfg.Codec == media.CodecHEVC:
		s.clip = loadClip(tb, s.cfg.Codec, "hevc.h265", "")
	default:
		tb.Fatalf("no clip of codec %s", s.cfg.Codec)
	}
	if s.cfg.Codec == media.CodecHEVC {
		format.Profile, format.Level = 1, 30
	}
	format.ParameterSets = s.clip.parameterSets
	s.tracks = append(s.tracks, media.Track{
		ID: media.VideoTrackID, Codec: s.cfg.Codec, Timescale: media.TimescaleVideo, Video: format,
	})
}

func (s *Source) addAudio(tb testing.TB) {
	tb.Helper()
	format := media.AudioFormat{ObjectType: 2, SampleRate: s.cfg.SampleRate, FrameSamples: 1024}
	switch s.cfg.SampleRate {
	case 48000:
		format.Channels, format.Config = 2, []byte{0x11, 0x90}
		s.frames = splitADTS(readFile(tb, "aac_48000_stereo.aac"))
	case 44100:
		format.Channels, format.Config = 1, []byte{0x12, 0x08}
		s.frames = splitADTS(readFile(tb, "aac_44100_mono.aac"))
	default:
		tb.Fatalf("no clip with a sampling rate of %d", s.cfg.SampleRate)
	}
	s.tracks = append(s.tracks, media.Track{
		ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: media.Timescale(s.cfg.SampleRate), Audio: format,
	})
}

// Tracks returns the tracks, video first. The caller owns the slice.
func (s *Source) Tracks() []media.Track { return slices.Clone(s.tracks) }

// Next returns the next sample. Its payload slice is the caller's, the bytes in
// it are shared and must not be changed.
func (s *Source) Next() media.Sample {
	switch {
	case s.cfg.NoAudio:
		return s.nextPicture()
	case s.cfg.NoVideo:
		return s.nextSound()
	case s.soundTime(s.sounds) < s.pictureTime(s.pictures):
		return s.nextSound()
	default:
		return s.nextPicture()
	}
}

// Take returns the samples of the next d of media.
func (s *Source) Take(d time.Duration) []media.Sample {
	var out []media.Sample
	for end := s.position() + d; s.position() < end; {
		out = append(out, s.Next())
	}
	return out
}

// Skip loses the next d of media, as a broken network would.
func (s *Source) Skip(d time.Duration) {
	for end := s.position() + d; s.position() < end; {
		s.Next()
	}
}

// Jump moves the publisher's clock by d, forward or backward, for every sample
// from now on.
func (s *Source) Jump(d time.Duration) { s.shift += d }

// position is the publisher's clock at the next sample, jumps left out.
func (s *Source) position() time.Duration {
	switch {
	case s.cfg.NoAudio:
		return s.pictureTime(s.pictures)
	case s.cfg.NoVideo:
		return s.soundTime(s.sounds)
	default:
		return min(s.pictureTime(s.pictures), s.soundTime(s.sounds))
	}
}

func (s *Source) pictureTime(n int) time.Duration {
	return s.cfg.Start + time.Duration(math.Round(float64(n)/s.cfg.FPS*float64(time.Second)))
}

func (s *Source) soundTime(n int) time.Duration {
	samples := int64(n) * 1024
	return s.cfg.Start + s.cfg.AudioStart + media.Timescale(s.cfg.SampleRate).Duration(samples)
}

func (s *Source) stamp(d time.Duration) time.Duration { return (d + s.shift).Round(s.cfg.Round) }

func (s *Source) nextPicture() media.Sample {
	n := s.pictures
	s.pictures++
	k := n % s.cfg.GOP // place in the GOP, decode order
	shown, delay := k, 0
	picture := s.clip.pictures[min(k, len(s.clip.pictures)-1)]
	if s.cfg.BFrames {
		delay = 1
		switch {
		case k == 0:
		case k == s.cfg.GOP-1 && k%2 == 1: // closes a GOP of even length
			picture = s.clip.tails[(s.cfg.GOP-4)/2]
		case k%2 == 1:
			shown = k + 1
		default:
			shown = k - 1
		}
	}
	var payload [][]byte
	if k == 0 && s.cfg.InBand {
		payload = append(payload, s.clip.parameterSets...)
	}
	return media.Sample{
		Track:        media.VideoTrackID,
		DTS:          s.stamp(s.pictureTime(n)),
		PTS:          s.stamp(s.pictureTime(n - k + shown + delay)),
		RandomAccess: k == 0,
		Payload:      append(payload, picture...),
	}
}

func (s *Source) nextSound() media.Sample {
	n := s.sounds
	s.sounds++
	at := s.stamp(s.soundTime(n))
	return media.Sample{
		Track:        media.AudioTrackID,
		DTS:          at,
		PTS:          at,
		RandomAccess: true,
		Payload:      [][]byte{s.frames[n%len(s.frames)]},
	}
}
