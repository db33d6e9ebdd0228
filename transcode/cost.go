package transcode

import (
	"fmt"
	"math"

	"github.com/lectern/lectern/media"
)

// Content is what a class shows, as far as it matters for encoding.
type Content float64

// The kinds of content, by the share of a camera's encoding work.
const (
	ContentCamera Content = 1    // everything moves
	ContentSlides Content = 0.35 // little but a small picture of the speaker does
)

// Cost estimates how many cores the plan keeps busy at a level, for pictures of a
// camera; slides take about half.
func Cost(p Plan, l Level, c Calibration) float64 {
	return c.cost(p, l, ContentCamera)
}

// cost is the model behind Cost. Pictures that are left out save less than their
// share: those that stay differ more from each other. Halving the rate takes 80 %
// of the work, whence the cube root.
func (c Calibration) cost(p Plan, l Level, content Content) float64 {
	spec := p.Spec
	cores := c.Audio * float64(len(spec.Audio))
	video, ok := media.Find(spec.Tracks, media.KindVideo)
	effort := l.Effort(spec)
	on := spec.Video[len(effort.Off):]
	if !ok || len(on) == 0 {
		return cores // thumbnails take keyframes alone
	}
	const mega = 1e-6
	source := mega * float64(video.Video.Width) * float64(video.Video.Height)
	rate := frameRate(video.Video)
	cores += c.Decode * decodeFactor(video) * source * rate
	factor := float64(content)
	if effort.Fast {
		factor *= c.Fast
	}
	for _, r := range on {
		taken := effortRate(r, rate, effort)
		pixels := mega * float64(r.Width) * float64(r.Height)
		cores += c.Scale * source * taken
		if taken < 30 {
			taken = 30 * math.Cbrt(taken/30)
		}
		cores += factor * taken * (c.Picture + c.Encode*pixels)
	}
	return cores
}

// CapacityRow is what a machine can carry of one kind of class.
type CapacityRow struct {
	Source  string  // size and rate of the publisher's video, such as "1080p30"
	Content string  // "camera" or "slides"
	Cores   float64 // that one class keeps busy
	Classes int     // that fit at once; -1 if nothing is encoded
}

// Capacity estimates how many classes of usual kinds a machine with this many
// cores can carry with cfg's ladder at full effort. It fails on a cfg that
// NewLadder refuses.
func Capacity(cfg Config, c Calibration, cores float64) ([]CapacityRow, error) {
	ladder, err := NewLadder(cfg)
	if err != nil {
		return nil, fmt.Errorf("estimate capacity: %w", err)
	}
	var rows []CapacityRow
	for _, s := range []struct {
		name          string
		width, height int
		encode        bool // it cannot be passed through
	}{{"1080p30", 1920, 1080, false}, {"720p30", 1280, 720, false}, {"1080p30 re-encoded", 1920, 1080, true}} {
		plan := ladder.Plan(PlanInput{Encode: s.encode, Tracks: []media.Track{
			{
				ID: media.VideoTrackID, Codec: media.CodecH264, Timescale: media.TimescaleVideo,
				Video: media.VideoFormat{Width: s.width, Height: s.height, FrameRate: 30, Profile: 100, Level: 40, BitDepth: 8, ChromaFormat: 1},
			},
			{
				ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: encodedSampleRate,
				Audio: media.AudioFormat{ObjectType: 2, SampleRate: encodedSampleRate, Channels: 2, FrameSamples: 1024},
			},
		}})
		for _, k := range []struct {
			name    string
			content Content
		}{{"camera", ContentCamera}, {"slides", ContentSlides}} {
			row := CapacityRow{Source: s.name, Content: k.name, Cores: c.cost(plan, LevelFull, k.content), Classes: -1}
			if row.Cores > 0 {
				row.Classes = int(cores * cfg.MaxCoreShare / row.Cores)
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}
