package playlist

import (
	"strconv"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// dateLayout is the format of EXT-X-PROGRAM-DATE-TIME.
const dateLayout = "2006-01-02T15:04:05.000Z"

// Row is a finished segment as playlists show it. It is immutable: the live list,
// the DVR list and the recording of a rendition share their rows, and a list can be
// written from them at any later time.
type Row struct {
	// MSN, InitID, Date (its EXT-X-PROGRAM-DATE-TIME), Duration and Gap are those of the
	// segment.
	MSN, InitID int
	Date        time.Time
	Duration    time.Duration
	Gap         bool

	sequence      int
	epoch         string
	discontinuity bool
	mapped        bool   // head has the EXT-X-MAP
	iFrameBytes   int64  // where the first picture ends, 0 if not known
	mapLine       []byte // EXT-X-MAP of the Init; shared by its rows
	head          []byte // tags that stand before the first part
	tail          []byte // EXT-X-GAP, EXTINF, URI
}

// NewRow makes the row of s, whose head is known; mapped tells that it has mapLine.
func NewRow(s segment.Segment, head []byte, mapped bool, mapLine []byte) Row {
	return Row{
		MSN: s.MSN, InitID: s.InitID, sequence: s.DiscontinuitySequence, epoch: s.Epoch,
		Duration: s.Duration, Date: s.ProgramDateTime, discontinuity: s.Discontinuity, Gap: s.Gap,
		mapped: mapped, iFrameBytes: s.IFrameBytes, mapLine: mapLine,
		head: head, tail: appendTail(nil, s),
	}
}

// Head is what the tags before a segment's first part say.
type Head struct {
	// InitID is that of the Init, MapLine its EXT-X-MAP.
	InitID  int
	MapLine []byte
	// Discontinuity tells that EXT-X-DISCONTINUITY stands before the segment, Sequence
	// is its Discontinuity Sequence Number, that tag included.
	Discontinuity bool
	Sequence      int
	// Date is EXT-X-PROGRAM-DATE-TIME.
	Date time.Time
}

// Append writes the tags, with EXT-X-MAP if mapped is set.
func (h Head) Append(b []byte, mapped bool) []byte {
	if h.Discontinuity {
		b = append(b, "#EXT-X-DISCONTINUITY\n"...)
	}
	if mapped {
		b = append(b, h.MapLine...)
	}
	b = append(b, "#EXT-X-PROGRAM-DATE-TIME:"...)
	b = h.Date.UTC().Round(time.Millisecond).AppendFormat(b, dateLayout)
	return append(b, '\n')
}

// AppendMap writes EXT-X-MAP.
func AppendMap(b []byte, epoch string, id int) []byte {
	b = append(b, `#EXT-X-MAP:URI="`...)
	b = append(b, Name{Kind: NameInit, Epoch: epoch, Init: id}.String()...)
	return append(b, "\"\n"...)
}

func appendTail(b []byte, s segment.Segment) []byte {
	if s.Gap {
		b = append(b, "#EXT-X-GAP\n"...)
	}
	b = append(b, "#EXTINF:"...)
	b = appendSeconds(b, s.Duration)
	b = append(b, ",\n"...)
	b = append(b, Name{Kind: NameSegment, Epoch: s.Epoch, MSN: s.MSN}.String()...)
	return append(b, '\n')
}

// appendRows writes the tags that say where rows begin, the cues since then, at most
// most of them unless that is 0, and rows up to the index end. The first skip of them
// are left out: a Playlist Delta Update when skip is not 0 (RFC 8216bis §6.2.5.1). That
// has all cues: to leave some out it had to say in version 10 which ones are gone, and
// to look different from one second to the next. rows is not empty.
func appendRows(b []byte, rows []Row, cues Cues, most, skip, end int) []byte {
	b = appendSequences(b, rows[0].MSN, rows[0].sequence, rows[0].discontinuity)
	b = cues.Append(b, rows[0].Date, most)
	if skip > 0 {
		b = append(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS="...)
		b = strconv.AppendInt(b, int64(skip), 10)
		b = append(b, '\n')
	} else if !rows[0].mapped {
		b = append(b, rows[0].mapLine...)
	}
	for i := skip; i < end; i++ {
		b = append(b, rows[i].head...)
		b = append(b, rows[i].tail...)
	}
	return b
}

// appendSequences writes EXT-X-MEDIA-SEQUENCE and EXT-X-DISCONTINUITY-SEQUENCE: the
// numbers of the first segment, the latter without the segment's own tag, which
// still stands in the playlist (RFC 8216bis §4.4.3.3).
func appendSequences(b []byte, msn, sequence int, tagged bool) []byte {
	if tagged {
		sequence--
	}
	b = append(b, "#EXT-X-MEDIA-SEQUENCE:"...)
	b = strconv.AppendInt(b, int64(msn), 10)
	b = append(b, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...)
	b = strconv.AppendInt(b, int64(sequence), 10)
	return append(b, '\n')
}

// Before returns how many rows at the front end at least d before the end of the
// last.
func Before(rows []Row, d time.Duration) int {
	var after time.Duration
	for i := len(rows) - 1; i >= 0; i-- {
		if after >= d {
			return i + 1
		}
		after += rows[i].Duration
	}
	return 0
}

// appendSeconds writes d in seconds: to the millisecond if that is exact, else
// to the microsecond, so that sums over a long playlist do not drift.
func appendSeconds(b []byte, d time.Duration) []byte {
	us := int64(Stated(d) / time.Microsecond)
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	fraction, digits := us%1e6, 6
	if fraction%1000 == 0 {
		fraction, digits = fraction/1000, 3
	}
	at := len(b)
	for range digits {
		b = append(b, '0')
	}
	for i := at + digits - 1; i >= at; i-- {
		b[i] += byte(fraction % 10)
		fraction /= 10
	}
	return b
}

// Stated is a time as playlists state it: to the microsecond. Durations are differences
// of stated times, so that their sums do not drift.
func Stated(d time.Duration) time.Duration { return d.Round(time.Microsecond) }
