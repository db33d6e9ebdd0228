package class

import (
	"log/slog"
	"reflect"
	"slices"
	"time"
)

// Class is one scheduled, live or ended lesson. It is a value: what the
// Registry hands out is a copy and does not change. All times are UTC, and zero
// when the thing has not happened.
type Class struct {
	// ID matches [a-z0-9][a-z0-9-]{0,62}. It is public, part of the playback
	// URLs, and never changes.
	ID string

	// Title is 1 to 200 characters without control characters.
	Title string

	State State

	// StartsAt is the announced start. It is a promise to viewers: a publisher
	// may arrive earlier. Only a pulled class waits for it (see Pull).
	StartsAt time.Time

	CreatedAt time.Time
	StartedAt time.Time // when it first went live
	EndedAt   time.Time

	// Deadline is when an interrupted class is ended unless a publisher comes
	// back; zero in every other state.
	Deadline time.Time

	// CleanStop reports, of an interrupted or ended class, whether its last
	// publisher said goodbye, rather than dropped out.
	CleanStop bool

	// StreamKey lets one publish to the class.
	StreamKey Secret

	// Source is the RTSP URL to pull the class from, empty for a class that is
	// pushed. It may hold credentials; RedactSource hides them.
	Source Secret

	// Ladder names the renditions that the class offers, best first; nil is what
	// the server is configured to offer. A change is for the next publication. It
	// is shared by all copies of the Class: never change it in place.
	Ladder []string

	// Access says who may play the class, live and recorded. It is public or token,
	// never empty.
	Access Access

	// DVRWindow is how far back viewers can seek while the class is on, 1m to 24h,
	// where 24h is from the start; 0 is what the server is configured to offer.
	DVRWindow time.Duration

	// Pull reports whether the server should be reading Source now: from the
	// start if there is no StartsAt, else from shortly before it, until the class
	// has ended.
	Pull bool

	// SegmentDuration and PartDuration are those of the packager, fixed when the
	// class first goes live and constant from then on, whatever the configuration
	// says later: EXT-X-TARGETDURATION and PART-TARGET may not change
	// (RFC 8216bis §6.2.1). Zero before that.
	SegmentDuration, PartDuration time.Duration
}

// LogValue names the class and its state, and none of its secrets.
func (c Class) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.String("state", c.State.String()))
}

// Equal reports whether two copies say the same.
func (c Class) Equal(o Class) bool {
	same := c.StreamKey.Equal(o.StreamKey) && c.Source.Equal(o.Source) &&
		c.StartsAt.Equal(o.StartsAt) && c.CreatedAt.Equal(o.CreatedAt) && c.StartedAt.Equal(o.StartedAt) &&
		c.EndedAt.Equal(o.EndedAt) && c.Deadline.Equal(o.Deadline) && slices.Equal(c.Ladder, o.Ladder)
	for _, x := range []*Class{&c, &o} {
		x.StreamKey, x.Source, x.Ladder = Secret{}, Secret{}, nil
		x.StartsAt, x.CreatedAt, x.StartedAt, x.EndedAt, x.Deadline = time.Time{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
	}
	return same && reflect.DeepEqual(c, o)
}
