package flv

import (
	"iter"

	"github.com/lectern/lectern/media/internal/paramset"
)

// Stats counts what a Demuxer did since it was made.
type Stats struct {
	// VideoSamples and AudioSamples went to the Sink, or are held for it.
	VideoSamples, AudioSamples uint64

	// Empty messages had no payload (case 20).
	Empty uint64
	// Malformed messages, headers and parameter sets could not be read.
	Malformed uint64
	// Damaged pictures had a NAL unit longer than the message (case 22), or sound
	// frames an ADTS header that does not fit.
	Damaged uint64
	// AwaitingHeader frames came before their decoder settings (case 13).
	AwaitingHeader uint64
	// AwaitingKeyframe pictures could not be decoded for want of a keyframe.
	AwaitingKeyframe uint64
	// WithoutPicture access units had no slice and no parameter set.
	WithoutPicture uint64
	// OtherTracks were tracks of a multitrack message besides track 0.
	OtherTracks uint64

	// RepeatedHeaders were sequence headers that said nothing new (case 10).
	RepeatedHeaders uint64
	// LiftedPictures were to be shown before they were decoded (case 8).
	LiftedPictures uint64
	// Units are the NAL units left out of access units that went on.
	Units paramset.Dropped

	// HeldBytes is what the analysis window holds now.
	HeldBytes int
}

// Drops yields the access units and messages that did not reach the Sink, by
// reason. Reasons are a closed set, fit for a metric label.
func (s Stats) Drops() iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		_ = yield("empty", s.Empty) &&
			yield("malformed", s.Malformed) &&
			yield("damaged", s.Damaged) &&
			yield("awaiting_header", s.AwaitingHeader) &&
			yield("awaiting_keyframe", s.AwaitingKeyframe) &&
			yield("without_picture", s.WithoutPicture) &&
			yield("other_track", s.OtherTracks)
	}
}
