package segment

import "time"

// Init is one initialization section of a rendition (ISO BMFF ftyp + moov).
type Init struct {
	// ID counts from 0 within the rendition and is never reused.
	ID int
	// Epoch is that of the run that made it, see [Log.Epoch]. The Log sets it.
	Epoch string
	// Data is the whole file. It is immutable.
	Data []byte
	// Codecs is the RFC 6381 string, Width and Height the display size and
	// FrameRate frames a second (0 for audio, or when unknown): what the
	// multivariant playlist says of the rendition.
	Codecs        string
	Width, Height int
	FrameRate     float64
	// Channels is the audio channel count, 0 for video.
	Channels int
	// Encoded reports whether the ladder made the rendition, and MaxBitRate the
	// cap that its encoder kept, in bits a second; 0 if there was none.
	Encoded    bool
	MaxBitRate int
}

// Part is one Partial Segment (RFC 8216bis §4.4.4.9).
type Part struct {
	// Index counts from 0 within its segment.
	Index int
	// Duration is what EXT-X-PART states.
	Duration time.Duration
	// Independent reports whether the part starts with a random access point.
	Independent bool
	// Data is moof + mdat. It is immutable.
	Data []byte
}

// Head is what is certain of a Media Segment before its first part: what a player
// is told that fetches the part.
type Head struct {
	MSN int
	// InitID, Discontinuity, DiscontinuitySequence, ProgramDateTime and MediaTime
	// are as in [Segment].
	InitID                int
	Discontinuity         bool
	DiscontinuitySequence int
	ProgramDateTime       time.Time
	MediaTime             time.Duration
}

// Segment describes one finished Media Segment; its bytes are those of its
// parts, joined.
type Segment struct {
	MSN int
	// Epoch is that of the run that made it, see [Log.Epoch]. The Log sets it.
	Epoch string
	// Torn marks a segment that the process died in: it was closed at its last
	// whole part, and Duration is what its parts state.
	Torn bool
	// Duration is what EXTINF states.
	Duration time.Duration
	// ProgramDateTime is the class's wall clock at the first sample.
	ProgramDateTime time.Time
	// MediaTime is the presentation time of the first sample on the class's
	// clock.
	MediaTime time.Duration
	// MediaEnd is the decode time at which the next sample of the rendition
	// would continue without a gap.
	MediaEnd time.Duration
	// InitID names the Init that the segment needs.
	InitID int
	// Discontinuity reports whether EXT-X-DISCONTINUITY stands before it.
	Discontinuity bool
	// DiscontinuitySequence is the segment's own Discontinuity Sequence Number
	// (RFC 8216bis §6.2.1), its own tag included.
	DiscontinuitySequence int
	// Gap marks a segment that is not there as a whole (EXT-X-GAP). Those of its
	// parts that were appended can be fetched for as long as parts can; they are
	// not recorded.
	Gap bool
	// Bytes is the size of the media, 0 for a gap.
	Bytes int64
	// IFrameBytes is where the first sample ends, in bytes from the start of the
	// segment, if it is a picture that can be decoded alone; 0 if it is not, or
	// not known.
	IFrameBytes int64
	// Captions is what closed captions the segment carries, in the packager's own
	// bits.
	Captions uint8
	// Parts describes the parts, without their Data.
	Parts []Part
}
