package hls

import "github.com/lectern/lectern/hls/playlist"

// Document is one immutable text body, ready to be sent.
type Document = playlist.Document

// Snapshot is one published state of one rendition's media playlist. It is
// immutable and may be read from any goroutine.
type Snapshot struct {
	// Full is the whole playlist. Delta is the Playlist Delta Update
	// (RFC 8216bis §6.2.5.1); it equals Full when there is nothing to skip.
	Full, Delta Document

	// FirstMSN is EXT-X-MEDIA-SEQUENCE.
	FirstMSN int

	// NextMSN and NextPart name the Partial Segment that does not exist yet:
	// part NextPart of segment NextMSN is the preload hint, and every segment
	// below NextMSN is complete. After ENDLIST they are one past the end.
	NextMSN, NextPart int

	// LastParts is how many parts the complete segment NextMSN-1 has.
	LastParts int

	// Ended reports whether the playlist carries EXT-X-ENDLIST.
	Ended bool

	// IFrames is the I-frame playlist, nil if there is nothing to list. It is the
	// same document until a segment is finished.
	IFrames *Document

	dvr, recording *playlist.Long // nil without

	// Changed is closed when a snapshot with newer media of the rendition is
	// published. A snapshot that differs in its rendition reports only is
	// published without: it shares the channel.
	Changed <-chan struct{}
}

// DVR returns the playlist of the DVR window, whole and as a Playlist Delta Update,
// which is the same where there is nothing to skip; nil without DVR. Its position is
// NextMSN: it has no parts. The texts are made when somebody first asks.
func (s *Snapshot) DVR() (full, delta *Document) {
	if s.dvr == nil {
		return nil, nil
	}
	return s.dvr.Documents()
}

// DVRIFrames returns the I-frame playlist of the DVR window, nil without DVR or if
// there is nothing to list. It changes as DVR does.
func (s *Snapshot) DVRIFrames() *Document {
	if s.dvr == nil {
		return nil
	}
	return s.dvr.IFrames()
}

// Recording returns the playlist of the whole class, nil before it has ended. The
// text is made when somebody first asks.
func (s *Snapshot) Recording() *Document {
	if s.recording == nil {
		return nil
	}
	full, _ := s.recording.Documents()
	return full
}

// RecordingIFrames returns the I-frame playlist of the whole class, nil before it
// has ended or if there are no pictures.
func (s *Snapshot) RecordingIFrames() *Document {
	if s.recording == nil {
		return nil
	}
	return s.recording.IFrames()
}

// Has reports whether the playlist answers a blocking reload for part of segment
// msn, or for the whole segment when part is negative (RFC 8216bis §6.2.5.2). A
// part index past the end of a complete segment means part 0 of the next one.
func (s *Snapshot) Has(msn, part int) bool {
	switch {
	case s.Ended || s.NextMSN > msn+1:
		return true
	case part < 0:
		return s.NextMSN > msn
	case s.NextMSN == msn+1:
		return part < s.LastParts || s.NextPart > 0
	default:
		return s.NextMSN == msn && s.NextPart > part
	}
}
