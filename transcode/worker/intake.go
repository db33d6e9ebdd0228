package worker

import (
	"fmt"
	"math"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

const (
	// stray is how far outside the time of what was written something encoded may
	// lie; early is that for its begin, which may follow on pictures of the history.
	stray = 10 * time.Second
	early = historySpan + stray

	// maxRungs is how many rungs a run may have.
	maxRungs = 16

	maxPixels     = 16384 // of a side
	maxParameters = 16    // parameter sets of a track
)

// intake checks what a worker says about one run, and makes one rising run of
// units for each track out of what several workers make. It belongs to the Host's
// lock.
type intake struct {
	lanes  map[media.TrackID]*lane
	start  time.Duration // of the run
	newest time.Duration // presentation time of what was written, at most
}

// lane is an encoded track.
type lane struct {
	rendition string
	kind      media.Kind
	scale     media.Timescale // 0 until it was opened

	any              bool  // something was delivered
	lastDTS, lastPTS int64 // of what was delivered, at most

	wait bool // for a random access point that is new
}

// newIntake returns an error for a spec that cannot be told from another.
func newIntake(spec transcode.Spec) (*intake, error) {
	in := &intake{lanes: map[media.TrackID]*lane{}, start: spec.Start, newest: math.MinInt64}
	add := func(id media.TrackID, rendition string, k media.Kind) {
		in.lanes[id] = &lane{rendition: rendition, kind: k, wait: true}
	}
	for _, r := range spec.Video {
		add(r.Track, r.Rendition, media.KindVideo)
	}
	for _, r := range spec.Audio {
		add(r.Track, r.Rendition, media.KindAudio)
	}
	if n := len(spec.Video) + len(spec.Audio); n != len(in.lanes) || n > maxRungs {
		return nil, fmt.Errorf("%w: %d rungs with %d track numbers", transcode.ErrSpec, n, len(in.lanes))
	}
	return in, nil
}

// restart expects another process.
func (in *intake) restart() {
	for _, l := range in.lanes {
		l.wait = true
	}
}

// resume returns the latest time up to which every track is delivered.
func (in *intake) resume() (time.Duration, bool) {
	at := time.Duration(math.MaxInt64)
	for _, l := range in.lanes {
		if !l.any {
			return 0, false
		}
		at = min(at, l.scale.Duration(l.lastPTS))
	}
	return at, len(in.lanes) > 0
}

// within reports whether a time belongs to what was written.
func (in *intake) within(t time.Duration) bool {
	return in.newest != math.MinInt64 && t >= in.start-early && t <= in.newest+stray
}

// opened checks the tracks of the run and returns them as the server knows them.
func (in *intake) opened(tracks []media.Track) ([]media.Track, error) {
	seen := map[media.TrackID]bool{}
	for i := range tracks {
		t := &tracks[i]
		l := in.lanes[t.ID]
		if l == nil || seen[t.ID] || t.Codec.Kind() != l.kind {
			return nil, fmt.Errorf("%w: opened with track %d that was not asked for", wire.ErrFrame, t.ID)
		}
		seen[t.ID] = true
		if err := checkTrack(t); err != nil {
			return nil, fmt.Errorf("%w: opened with track %d with %w", wire.ErrFrame, t.ID, err)
		}
		if l.scale != 0 && l.scale != t.Timescale {
			return nil, fmt.Errorf("%w: opened with track %d at another timescale", wire.ErrFrame, t.ID)
		}
		l.scale = t.Timescale
		t.Rendition, t.Encoded = l.rendition, true
	}
	if len(seen) != len(in.lanes) {
		return nil, fmt.Errorf("%w: opened with %d of %d tracks", wire.ErrFrame, len(seen), len(in.lanes))
	}
	return tracks, nil
}

func checkTrack(t *media.Track) error {
	if t.MaxBitRate < 0 {
		return fmt.Errorf("a cap of %d bits a second", t.MaxBitRate)
	}
	if t.Codec.Kind() == media.KindAudio {
		a := t.Audio
		if t.Timescale < 8000 || t.Timescale > 192000 || len(a.Config) == 0 || len(a.Config) > 256 ||
			a.Channels < 1 || a.Channels > 8 || a.SampleRate < 1 || a.SampleRate > 192000 ||
			a.FrameSamples < 1 || a.FrameSamples > 8192 {
			return fmt.Errorf("audio of %d Hz, %d channels, %d samples a frame, timescale %d", a.SampleRate, a.Channels, a.FrameSamples, t.Timescale)
		}
		return nil
	}
	v := t.Video
	if t.Timescale != media.TimescaleVideo || v.Width < 1 || v.Height < 1 || v.Width > maxPixels || v.Height > maxPixels ||
		v.FrameRate < 0 || v.FrameRate > 1000 || len(v.ParameterSets) == 0 || len(v.ParameterSets) > maxParameters {
		return fmt.Errorf("video of %dx%d, %d parameter sets, timescale %d", v.Width, v.Height, len(v.ParameterSets), t.Timescale)
	}
	for _, p := range v.ParameterSets {
		if len(p) == 0 {
			return fmt.Errorf("an empty parameter set")
		}
	}
	return nil
}

// unit checks an encoded access unit, and reports whether it goes on from what was
// delivered: after a restart, a Stopped, or a step back in DTS, that is the track's
// next random access point that is new.
func (in *intake) unit(au *media.AccessUnit) (bool, error) {
	l := in.lanes[au.Track]
	if l == nil || l.scale == 0 {
		return false, fmt.Errorf("%w: access unit of track %d", wire.ErrFrame, au.Track)
	}
	// In ticks: a wild number of ticks may be no Duration.
	if in.newest == math.MinInt64 || au.DTS < l.scale.Ticks(in.start-early) || au.PTS > l.scale.Ticks(in.newest+stray) {
		return false, fmt.Errorf("%w: track %d has pts %d and dts %d, far from what was written", wire.ErrFrame, au.Track, au.PTS, au.DTS)
	}
	if l.any && !l.wait && au.DTS <= l.lastDTS { // it goes back
		l.wait = true
	}
	if l.wait && (!au.RandomAccess || l.any && (au.DTS <= l.lastDTS || au.PTS <= l.lastPTS)) {
		return false, nil
	}
	l.wait = false
	if !l.any {
		l.lastPTS = au.PTS
	}
	l.any, l.lastDTS, l.lastPTS = true, au.DTS, max(l.lastPTS, au.PTS)
	return true, nil
}

// stopped checks the news that a rung was shed, after which it goes on with a
// random access point.
func (in *intake) stopped(s *transcode.Stopped) error {
	l := in.lanes[s.Track]
	if l == nil || l.scale == 0 || in.newest == math.MinInt64 ||
		s.At < l.scale.Ticks(in.start-early) || s.At > l.scale.Ticks(in.newest+stray) {
		return fmt.Errorf("%w: track %d stopped at %d", wire.ErrFrame, s.Track, s.At)
	}
	l.wait = true
	return nil
}
