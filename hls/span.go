package hls

import (
	"time"

	"github.com/lectern/lectern/hls/playlist"
)

// span is one Media Segment of the class: what is the same in all renditions.
type span struct {
	msn           int
	discontinuity bool // EXT-X-DISCONTINUITY stands before it
	sequence      int  // its Discontinuity Sequence Number, its own tag included

	start time.Duration // presentation time on the class's clock
	wall  time.Time     // wall clock at start
	fixed bool          // start and wall are published
	end   time.Duration // presentation time, when closed
}

// duration is the EXTINF of a closed span. It is the difference of stated times,
// so that sums do not drift.
func (s *span) duration() time.Duration { return playlist.Stated(s.end) - playlist.Stated(s.start) }

// spans are the Media Segments that some rendition is still filling, oldest
// first. All but the last are closed: their end is known. When open is false
// the last is closed too and the next access unit opens another.
type spans struct {
	list []span
	open bool

	next          int  // MSN of the next span
	sequence      int  // Discontinuity Sequence Number of the latest span
	discontinuity bool // the next span stands behind a discontinuity
	published     bool // the class has media already
}

// current returns the open span.
func (s *spans) current() *span { return &s.list[len(s.list)-1] }

// begin opens the next span.
func (s *spans) begin(start time.Duration, wall time.Time) {
	tagged := s.discontinuity && s.published
	if tagged {
		s.sequence++
	}
	s.list = append(s.list, span{
		msn: s.next, discontinuity: tagged, sequence: s.sequence, start: start, wall: wall,
	})
	s.next++
	s.open, s.discontinuity, s.published = true, false, true
}

// close ends the open span.
func (s *spans) close(end time.Duration) {
	s.current().end = end
	s.open = false
}

// cancel takes back the open span, which nothing was published of.
func (s *spans) cancel() {
	last := s.current()
	if last.discontinuity {
		s.sequence--
		s.discontinuity = true
	}
	s.next = last.msn
	s.list = s.list[:len(s.list)-1]
	s.open = false
}

// get returns the span with this MSN, which must be in the list.
func (s *spans) get(msn int) *span { return &s.list[msn-s.list[0].msn] }

// closed reports whether the span with this MSN has ended.
func (s *spans) closed(msn int) bool {
	return len(s.list) > 0 && (msn < s.current().msn || msn == s.current().msn && !s.open)
}

// release forgets spans below msn.
func (s *spans) release(msn int) {
	n := 0
	for n < len(s.list) && s.list[n].msn < msn {
		n++
	}
	s.list = append(s.list[:0], s.list[n:]...)
}
