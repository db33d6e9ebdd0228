package media

import "time"

// Discontinuity is a break in the run of access units: what follows it is
// decoded from scratch, with these tracks, though the timestamps go on rising.
// It becomes EXT-X-DISCONTINUITY (RFC 8216bis §4.4.4.3). The first item of a
// stream is always a Discontinuity with DiscontinuityStart.
type Discontinuity struct {
	Reason DiscontinuityReason

	// Tracks replaces the tracks known so far.
	Tracks []Track

	// Grid, if not 0, tells that the tracks' keyframes stand at the multiples of
	// Grid on the class's clock, so segments are cut there. If it is 0 they are
	// cut at keyframes of the first video track that is not encoded.
	Grid time.Duration
}

// DiscontinuityReason says why the run broke. The value is the `reason`
// attribute in logs and the `reason` label in metrics.
type DiscontinuityReason uint8

// The reasons for a break.
const (
	// DiscontinuityStart opens a stream.
	DiscontinuityStart DiscontinuityReason = iota + 1
	// DiscontinuityReconnect follows a new publication on the same stream.
	DiscontinuityReconnect
	// DiscontinuityTimestamps follows a jump of the publisher's clock.
	DiscontinuityTimestamps
	// DiscontinuityTracks follows a change of codec, parameters or track list.
	DiscontinuityTracks
	// DiscontinuityLost follows access units that a reader was too slow to take.
	DiscontinuityLost
)

// String returns the value used in logs and metrics.
func (r DiscontinuityReason) String() string {
	switch r {
	case DiscontinuityStart:
		return "start"
	case DiscontinuityReconnect:
		return "reconnect"
	case DiscontinuityTimestamps:
		return "timestamps"
	case DiscontinuityTracks:
		return "tracks"
	case DiscontinuityLost:
		return "lost"
	default:
		return "unknown"
	}
}
