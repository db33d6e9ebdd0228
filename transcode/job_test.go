package transcode_test

import (
	"context"
	"errors"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/transcode"
)

var errDrained = errors.New("drained")

// items is a Source that hands out what it holds.
type items []stream.Item

func (s *items) Next(context.Context) (stream.Item, error) {
	if len(*s) == 0 {
		return stream.Item{}, errDrained
	}
	head := (*s)[0]
	*s = (*s)[1:]
	return head, nil
}

func TestJobNamesAndWithholds(t *testing.T) {
	source := items{
		{Discontinuity: &media.Discontinuity{Reason: media.DiscontinuityStart, Tracks: []media.Track{goodVideo(), goodAudio()}}},
		{AccessUnit: &media.AccessUnit{Track: media.VideoTrackID, DTS: 1}},
		{AccessUnit: &media.AccessUnit{Track: media.AudioTrackID, DTS: 2}},
		{Interrupted: true},
	}
	for _, tc := range []struct {
		name       string
		ladder     []string
		renditions []string
		dts        []int64
	}{
		{"all", []string{"source", "audio"}, []string{"source", "audio"}, []int64{1, 2}},
		{"audio only", []string{"audio"}, []string{"audio"}, []int64{2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ladder, err := transcode.NewLadder(transcode.Config{Ladder: tc.ladder})
			if err != nil {
				t.Fatal(err)
			}
			src := append(items(nil), source...)
			job := transcode.NewJob(ladder, &src)

			first, err := job.Next(t.Context())
			if err != nil || first.Discontinuity == nil || first.Discontinuity.Reason != media.DiscontinuityStart {
				t.Fatalf("first item = %+v, %v, want the start", first, err)
			}
			if got := len(first.Discontinuity.Tracks); got != len(tc.renditions) {
				t.Fatalf("tracks = %d, want %d", got, len(tc.renditions))
			}
			for i, r := range tc.renditions {
				if got := first.Discontinuity.Tracks[i].Rendition; got != r {
					t.Errorf("track %d is rendition %q, want %q", i, got, r)
				}
			}
			for _, want := range tc.dts {
				item, err := job.Next(t.Context())
				if err != nil || item.AccessUnit == nil || item.AccessUnit.DTS != want {
					t.Fatalf("item = %+v, %v, want dts %d", item, err, want)
				}
			}
			if item, err := job.Next(t.Context()); err != nil || !item.Interrupted {
				t.Errorf("item = %+v, %v, want the interruption", item, err)
			}
			if _, err := job.Next(t.Context()); !errors.Is(err, errDrained) {
				t.Errorf("err = %v, want the source's own", err)
			}
		})
	}
	if source[0].Discontinuity.Tracks[0].Rendition != "" {
		t.Error("the job changed the stream's own tracks, which other readers share")
	}
}
