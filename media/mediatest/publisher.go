package mediatest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lectern/lectern/media"
)

// Publication is what a demuxer writes to; *stream.Publication is one.
type Publication interface {
	SetTracks(tracks []media.Track) error
	Write(s media.Sample) error
}

// Push writes the next d of src to dst in the pace of real time on clock: before
// each sample the clock is moved to the moment at which an encoder without delay
// would send it. The caller calls dst.SetTracks before the first Push.
func Push(dst Publication, src *Source, clock *Clock, d time.Duration) error {
	start, begun := src.position(), clock.Now()
	for src.position() < start+d {
		clock.Set(begun.Add(src.position() - start))
		if err := dst.Write(src.Next()); err != nil {
			return fmt.Errorf("push: %w", err)
		}
	}
	clock.Set(begun.Add(d))
	return nil
}

// Recorder is a Publication that keeps what it is given, for tests of demuxers.
// It may be used from any goroutine.
type Recorder struct {
	mu        sync.Mutex // guards the fields below
	tracks    [][]media.Track
	samples   []media.Sample
	tracksErr error
	writeErr  error
}

// SetTracks records tracks, or returns the error given to Refuse.
func (r *Recorder) SetTracks(tracks []media.Track) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tracksErr != nil {
		return r.tracksErr
	}
	r.tracks = append(r.tracks, slices.Clone(tracks))
	return nil
}

// Write records s, or returns the error given to Refuse.
func (r *Recorder) Write(s media.Sample) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writeErr != nil {
		return r.writeErr
	}
	r.samples = append(r.samples, s)
	return nil
}

// Refuse makes SetTracks and Write return these errors from now on.
func (r *Recorder) Refuse(setTracks, write error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracksErr, r.writeErr = setTracks, write
}

// Tracks returns the lists given to SetTracks, oldest first.
func (r *Recorder) Tracks() [][]media.Track {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.tracks)
}

// Samples returns the samples written, oldest first.
func (r *Recorder) Samples() []media.Sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.samples)
}
