package app

import (
	"context"
	"errors"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/realtime/transcript"
)

// ended reports whether a class is over.
func (r *rooms) ended(ctx context.Context, id string) bool {
	c, err := r.classes.Get(ctx, id)
	return err == nil && c.State == class.Ended
}

// Transcript implements origin.Transcripts.
func (r *rooms) Transcript(ctx context.Context, id, file string) (*hls.Document, origin.Settlement, error) {
	d, err := r.past.Document(ctx, id, file)
	switch {
	case errors.Is(err, transcript.ErrNotFound):
		return nil, origin.Growing, nil
	case err != nil:
		return nil, origin.Growing, err
	}
	doc := &hls.Document{Body: d.Body, Gzip: d.Gzip, ETag: d.ETag, GzipETag: d.GzipETag}
	switch d.Life {
	case transcript.Settled:
		return doc, origin.Settled, nil
	case transcript.Final:
		return doc, origin.Final, nil
	case transcript.Growing:
	}
	return doc, origin.Growing, nil
}

// Attendance implements api.Attendances.
func (r *rooms) Attendance(ctx context.Context, id string) ([]api.Attendee, error) {
	all, err := r.past.Attendance(ctx, id)
	if err != nil {
		return nil, err
	}
	over := r.ended(ctx, id)
	out := make([]api.Attendee, 0, len(all))
	for _, a := range all {
		one := api.Attendee{
			Participant: a.Participant, Name: a.Name, Role: a.Role, Present: a.Present && !over, PlayingSeconds: a.Playing / 1000,
			Intervals: make([]api.Interval, len(a.Intervals)),
		}
		if !access.MadeUp(a.Participant) {
			one.ExternalID = &one.Participant
		}
		for i, v := range a.Intervals {
			one.Intervals[i] = api.Interval{From: time.UnixMilli(v.From).UTC(), To: time.UnixMilli(v.To).UTC()}
		}
		out = append(out, one)
	}
	return out, nil
}
