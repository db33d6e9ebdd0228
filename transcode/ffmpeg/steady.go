package ffmpeg

import "github.com/lectern/lectern/media"

const (
	// steadyDistance is the distance of pictures below which none is repeated: the
	// encoder holds twelve of them back, which at 10 a second is 1.2 s.
	steadyDistance = int64(media.TimescaleVideo) / 10

	// maxSteady is the longest hole that is filled up so: what comes at once must
	// be encoded at once.
	maxSteady = 2 * int64(media.TimescaleVideo)
)

// steadyPlacer repeats pictures between the places of another placer, so that a
// slow source does not stay in the encoder for many seconds.
type steadyPlacer struct {
	placer
	begun bool
	last  int64
}

func (p *steadyPlacer) place(pts int64) []placement {
	var out []placement
	for _, next := range p.placer.place(pts) {
		gap := next.pts - p.last
		if p.begun && gap <= maxSteady && gap > steadyDistance*3/2 {
			pieces := (gap + steadyDistance - 1) / steadyDistance
			for i := int64(1); i < pieces; i++ {
				out = append(out, placement{pts: p.last + gap*i/pieces, repeat: true})
			}
		}
		p.begun, p.last = true, next.pts
		out = append(out, next)
	}
	return out
}
