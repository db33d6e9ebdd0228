package transcode

import (
	"context"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

// Source is where a Job takes a class's media from: a *stream.Reader.
type Source interface {
	// Next blocks for the next item; see [stream.Reader.Next].
	Next(ctx context.Context) (stream.Item, error)
}

// Job makes the ladder of one class from its publisher's stream. It is pulled:
// its reader's queue is the only one between the hub and the packager. A Job
// belongs to one goroutine.
type Job struct {
	ladder *Ladder
	source Source

	// Tracks that the ladder withholds. Owned by Next.
	withheld map[media.TrackID]bool
}

// NewJob returns the job that makes ladder from source.
func NewJob(ladder *Ladder, source Source) *Job {
	return &Job{ladder: ladder, source: source, withheld: map[media.TrackID]bool{}}
}

// Next returns the next item of the ladder, in which every track carries the
// name of its rendition. It blocks as long as the source does and returns the
// source's errors as they are.
func (j *Job) Next(ctx context.Context) (stream.Item, error) {
	for {
		item, err := j.source.Next(ctx)
		if err != nil {
			return stream.Item{}, err
		}
		if d := item.Discontinuity; d != nil {
			named := &media.Discontinuity{Reason: d.Reason, Tracks: j.ladder.name(d.Tracks)}
			clear(j.withheld)
			for _, t := range d.Tracks {
				j.withheld[t.ID] = true
			}
			for _, t := range named.Tracks {
				delete(j.withheld, t.ID)
			}
			return stream.Item{Discontinuity: named}, nil
		}
		if au := item.AccessUnit; au == nil || !j.withheld[au.Track] {
			return item, nil
		}
	}
}
