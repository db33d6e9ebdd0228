package segment

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
)

// indexName is the index's file name within the class folder.
const indexName = "index"

// record is one line of the index: exactly one field is set. A later record of
// the same thing replaces an earlier one.
type record struct {
	Epoch   string         `json:"epoch,omitempty"`
	Init    *initRecord    `json:"init,omitempty"`
	Segment *segmentRecord `json:"segment,omitempty"`
}

type initRecord struct {
	Rendition string  `json:"rendition"`
	ID        int     `json:"id"`
	Bytes     int64   `json:"bytes"`
	Checksum  uint32  `json:"crc32c"`
	Codecs    string  `json:"codecs"`
	Width     int     `json:"width,omitempty"`
	Height    int     `json:"height,omitempty"`
	FrameRate float64 `json:"frame_rate,omitempty"`
	Channels  int     `json:"channels,omitempty"`

	// Absent from what earlier versions wrote.
	Encoded    bool `json:"encoded,omitempty"`
	MaxBitRate int  `json:"max_bit_rate,omitempty"`
}

// segmentRecord has its durations in nanoseconds.
type segmentRecord struct {
	Rendition             string        `json:"rendition"`
	MSN                   int           `json:"msn"`
	Duration              time.Duration `json:"duration"`
	ProgramDateTime       time.Time     `json:"program_date_time"`
	MediaTime             time.Duration `json:"media_time"`
	MediaEnd              time.Duration `json:"media_end"`
	InitID                int           `json:"init"`
	Discontinuity         bool          `json:"discontinuity,omitempty"`
	DiscontinuitySequence int           `json:"discontinuity_sequence,omitempty"`
	Gap                   bool          `json:"gap,omitempty"`
	Bytes                 int64         `json:"bytes"`
	Finished              time.Time     `json:"finished"`
	Parts                 []partRecord  `json:"parts,omitempty"`

	// Absent from what earlier versions wrote.
	IFrameBytes int64 `json:"i_frame_bytes,omitempty"`
	Captions    uint8 `json:"captions,omitempty"`
}

type partRecord struct {
	Duration    time.Duration `json:"d"`
	Bytes       int           `json:"n"`
	Independent bool          `json:"i,omitempty"`
}

func newInitRecord(rendition string, in Init) *initRecord {
	return &initRecord{
		Rendition: rendition, ID: in.ID,
		Bytes: int64(len(in.Data)), Checksum: checksum(in.Data),
		Codecs: in.Codecs, Width: in.Width, Height: in.Height, FrameRate: in.FrameRate, Channels: in.Channels,
		Encoded: in.Encoded, MaxBitRate: in.MaxBitRate,
	}
}

func (r *initRecord) init(data []byte) Init {
	return Init{
		ID: r.ID, Data: data,
		Codecs: r.Codecs, Width: r.Width, Height: r.Height, FrameRate: r.FrameRate, Channels: r.Channels,
		Encoded: r.Encoded, MaxBitRate: r.MaxBitRate,
	}
}

// newSegmentRecord describes s, whose parts have the sizes of b.
func newSegmentRecord(rendition string, s Segment, b *body) *segmentRecord {
	r := &segmentRecord{
		Rendition: rendition, MSN: s.MSN, Duration: s.Duration,
		ProgramDateTime: s.ProgramDateTime, MediaTime: s.MediaTime, MediaEnd: s.MediaEnd,
		InitID: s.InitID, Discontinuity: s.Discontinuity, DiscontinuitySequence: s.DiscontinuitySequence,
		Gap: s.Gap, Bytes: s.Bytes, Finished: b.finished,
		IFrameBytes: s.IFrameBytes, Captions: s.Captions,
	}
	if !s.Gap {
		for i, p := range s.Parts {
			r.Parts = append(r.Parts, partRecord{Duration: p.Duration, Bytes: b.parts[i].size, Independent: p.Independent})
		}
	}
	return r
}

func (r *segmentRecord) segment() Segment {
	s := Segment{
		MSN: r.MSN, Duration: r.Duration,
		ProgramDateTime: r.ProgramDateTime, MediaTime: r.MediaTime, MediaEnd: r.MediaEnd,
		InitID: r.InitID, Discontinuity: r.Discontinuity, DiscontinuitySequence: r.DiscontinuitySequence,
		Gap: r.Gap, Bytes: r.Bytes,
		IFrameBytes: r.IFrameBytes, Captions: r.Captions,
	}
	for i, p := range r.Parts {
		s.Parts = append(s.Parts, Part{Index: i, Duration: p.Duration, Independent: p.Independent})
	}
	return s
}

// valid reports whether the record can be trusted with paths and sizes.
func (r record) valid() bool {
	switch {
	case r.Init != nil:
		return validRendition(r.Init.Rendition) && r.Init.ID >= 0 && r.Init.Bytes > 0
	case r.Segment != nil:
		s := r.Segment
		if !validRendition(s.Rendition) || s.MSN < 0 || s.Duration < 0 ||
			s.IFrameBytes < 0 || s.IFrameBytes > s.Bytes {
			return false
		}
		var sum int64
		for _, p := range s.Parts {
			if p.Bytes <= 0 {
				return false
			}
			sum += int64(p.Bytes)
		}
		return s.Gap || sum == s.Bytes
	default:
		return validEpoch(r.Epoch)
	}
}

// validEpoch reports whether s can stand in a file name of a playlist.
func validEpoch(s string) bool {
	return len(s) <= 16 && validRendition(s) && !strings.ContainsAny(s, "_-")
}

// encodeLine renders r as "checksum SP json LF"; the checksum is CRC-32C of the
// JSON text in eight hexadecimal digits.
func encodeLine(r record) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode index line: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", checksum(text), text), nil
}

// decodeLine is the inverse for one line without its LF. It reports false for
// anything damaged.
func decodeLine(line []byte) (record, bool) {
	sum, text, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(sum) != 8 {
		return record{}, false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != checksum(text) {
		return record{}, false
	}
	var r record
	if err := json.Unmarshal(text, &r); err != nil {
		return record{}, false
	}
	return r, r.valid()
}

// decodeIndex returns the good records of an index file, the offset behind the
// last good line, and how many damaged lines stand before that offset. What
// follows the offset is torn.
func decodeIndex(data []byte) (records []record, end, damaged int) {
	bad := 0
	for at := 0; at < len(data); {
		n := bytes.IndexByte(data[at:], '\n')
		if n < 0 {
			break
		}
		r, ok := decodeLine(data[at : at+n])
		at += n + 1
		if !ok {
			bad++
			continue
		}
		records, end, damaged = append(records, r), at, bad
	}
	return records, end, damaged
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
