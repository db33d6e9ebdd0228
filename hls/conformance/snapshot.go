package conformance

import (
	"path"
	"strings"
	"time"
)

func snapshotRules() []Rule {
	const sliding = "a live playlist from which segments are removed"
	return []Rule{
		{Number: 22, Level: Must, Section: "D 4.4.3.1", Want: "one EXT-X-TARGETDURATION, an integer of 1 or more"},
		{Number: 23, Level: Must, Section: "D 4.4.3.1, 6.2.1", Want: "EXTINF that rounds to at most the target duration"},
		{Number: 24, Level: Must, Section: "A 7.7", Want: "no segment longer than the target duration and 0.5 s"},
		{Number: 25, Level: Must, Section: "D 3.1, 3.1.2; A 8.20", Want: "EXT-X-MAP for every segment of fragmented MP4, and an initialization section without samples", needs: "fragmented MP4"},
		{Number: 26, Level: Must, Section: "A 8.4; D B.1", Want: "EXT-X-PROGRAM-DATE-TIME"},
		{Number: 27, Level: Should, Section: "D 6.2.1", Want: "EXT-X-PROGRAM-DATE-TIME on every segment with EXT-X-DISCONTINUITY", needs: "a discontinuity"},
		{Number: 28, Level: Must, Section: "D 6.2.1", Want: "each date to follow from the one before and its EXTINF", needs: "two dates"},
		{Number: 29, Level: Must, Section: "A 8.11; D 6.2.2", Want: "six segments and three target durations in a live playlist", needs: sliding},
		{Number: 30, Level: Should, Section: "A 8.12", Want: "a quarter of an hour in a live playlist", needs: sliding},
		{Number: 31, Level: Must, Section: "A 8.17", Want: "EXT-X-DISCONTINUITY-SEQUENCE", needs: "a live playlist, or a discontinuity"},
		{Number: 32, Level: Must, Section: "D 6.2.2", Want: "no EXT-X-PLAYLIST-TYPE in a live playlist from which segments are removed", needs: sliding},
		{Number: 33, Level: Must, Section: "D 4.4.4.3; A 8.13, 8.14", Want: "EXT-X-DISCONTINUITY where format, tracks or time line change", needs: "a change of initialization section"},
	}
}

// edge is how far dates and durations may differ: half a frame at 25 fps and the
// rounding of two decimal numbers.
const edge = 25 * time.Millisecond

// fragmented guesses from its name whether a segment is of a kind that has an
// initialization section.
func fragmented(uri string) bool {
	uri, _, _ = strings.Cut(uri, "?")
	switch path.Ext(uri) {
	case ".ts", ".aac", ".mp3", ".ac3", ".ec3", ".vtt", ".webvtt":
		return false
	}
	return true
}

// snapshot judges one copy of a media playlist by itself.
func (w *watcher) snapshot(m *media) {
	r := w.report
	r.judged(3, 22, 41)
	for _, x := range m.misuses {
		r.broken(3, w.name, "%s", x.what)
	}
	if m.torn != "" {
		r.broken(41, w.name, "%s", m.torn)
	}
	w.version(w.name, m.version, m.need)
	if m.targetDuration < 1 || m.targets != 1 {
		r.broken(22, w.name, "%d of them, %d s", m.targets, m.targetDuration)
	}
	discontinuous := false
	for i := range m.segments {
		discontinuous = discontinuous || m.segments[i].discontinuity
	}
	if !m.ended || discontinuous {
		r.judged(31)
		if !m.hasDSN {
			r.broken(31, w.name, "none")
		}
	}
	if m.kind == "VOD" && !m.ended {
		r.broken(32, w.name, "EXT-X-PLAYLIST-TYPE:VOD without EXT-X-ENDLIST")
	}
	w.segmentsOf(m)
	w.sliding(m)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.prev == nil && w.notIndependent != nil && !m.independent && !w.iFrames {
		w.notIndependent = append(w.notIndependent, w.name)
	}
}

// segmentsOf judges the segments of one copy.
func (w *watcher) segmentsOf(m *media) {
	r := w.report
	if len(m.segments) > 0 {
		r.judged(23, 24)
	}
	dated := m.skips > 0
	for i, s := range m.segments {
		if m.targetDuration >= 1 {
			if got := int(s.duration.Round(time.Second) / time.Second); got > m.targetDuration {
				r.broken(23, w.name, "segment %d of %v with a target of %d s", s.msn, s.duration, m.targetDuration)
			}
			if s.duration > m.target()+500*time.Millisecond {
				r.broken(24, w.name, "segment %d of %v with a target of %d s", s.msn, s.duration, m.targetDuration)
			}
		}
		if fragmented(s.uri) && m.skips == 0 {
			r.judged(25)
			if s.init.uri == "" {
				r.broken(25, w.name, "segment %d without EXT-X-MAP", s.msn)
			}
		}
		if s.discontinuity {
			r.judged(27)
			if s.pdt.IsZero() {
				r.broken(27, w.name, "segment %d without", s.msn)
			}
		}
		dated = dated || !s.pdt.IsZero()
		if i == 0 || s.pdt.IsZero() || m.segments[i-1].pdt.IsZero() {
			continue
		}
		r.judged(28)
		p := m.segments[i-1]
		gap := s.pdt.Sub(p.pdt) - p.duration
		// After a discontinuity time may have passed. Dates may overlap there by less
		// than a second.
		if gap < -edge && (!s.discontinuity || gap <= -time.Second) || gap > edge && !s.discontinuity {
			r.broken(28, w.name, "segment %d begins %v after the end of the one before", s.msn, gap)
		}
	}
	if len(m.segments) > 0 {
		r.judged(26)
		if !dated {
			r.broken(26, w.name, "none")
		}
	}
}

// sliding judges what a playlist owes that lets segments go.
func (w *watcher) sliding(m *media) {
	if p := w.prev; p != nil && m.msn > p.msn {
		w.removing = true
	}
	if !w.removing || m.ended {
		return
	}
	r := w.report
	r.judged(29, 30, 32)
	if m.kind != "" {
		r.broken(32, w.name, "EXT-X-PLAYLIST-TYPE:%s", m.kind)
	}
	if m.skips > 0 {
		return
	}
	if len(m.segments) < 6 || m.length() < 3*m.target() {
		r.broken(29, w.name, "%d segments, %v", len(m.segments), m.length())
	}
	if m.length() < 15*time.Minute {
		r.broken(30, w.name, "%v", m.length().Round(time.Second))
	}
}
