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

// record is one line of the index: an Init, a Segment or a Cue with its epoch, so that
// a damaged line costs no other. A later record of the same Init or Segment replaces an
// earlier one. Earlier versions wrote one line with an epoch alone, and none in the others.
type record struct {
	Epoch   string         `json:"epoch,omitempty"`
	Init    *initRecord    `json:"init,omitempty"`
	Segment *segmentRecord `json:"segment,omitempty"`
	Cue     *cueRecord     `json:"cue,omitempty"`
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
	IFrameBytes int64  `json:"i_frame_bytes,omitempty"`
	Captions    uint8  `json:"captions,omitempty"`
	Torn        bool   `json:"torn,omitempty"`
	Checksum    uint32 `json:"crc32c,omitempty"` // of the file
}

type partRecord struct {
	Duration    time.Duration `json:"d"`
	Bytes       int           `json:"n"`
	Independent bool          `json:"i,omitempty"`
	// Checksum is of the segment's bytes up to the end of the part. Only journals
	// have it.
	Checksum uint32 `json:"c,omitempty"`
}

func newInitRecord(rendition string, in Init) *initRecord {
	return &initRecord{
		Rendition: rendition, ID: in.ID,
		Bytes: int64(len(in.Data)), Checksum: checksum(in.Data),
		Codecs: in.Codecs, Width: in.Width, Height: in.Height, FrameRate: in.FrameRate, Channels: in.Channels,
		Encoded: in.Encoded, MaxBitRate: in.MaxBitRate,
	}
}

func (r *initRecord) init(epoch string, data []byte) Init {
	return Init{
		ID: r.ID, Epoch: epoch, Data: data,
		Codecs: r.Codecs, Width: r.Width, Height: r.Height, FrameRate: r.FrameRate, Channels: r.Channels,
		Encoded: r.Encoded, MaxBitRate: r.MaxBitRate,
	}
}

// newSegmentRecord describes what b is on disk, or will be.
func newSegmentRecord(rendition string, b *body, sum uint32) *segmentRecord {
	s := b.recorded()
	r := &segmentRecord{
		Rendition: rendition, MSN: s.MSN, Duration: s.Duration,
		ProgramDateTime: s.ProgramDateTime, MediaTime: s.MediaTime, MediaEnd: s.MediaEnd,
		InitID: s.InitID, Discontinuity: s.Discontinuity, DiscontinuitySequence: s.DiscontinuitySequence,
		Gap: s.Gap, Bytes: s.Bytes, Finished: b.finished,
		IFrameBytes: s.IFrameBytes, Captions: s.Captions, Torn: s.Torn,
	}
	if !s.Gap {
		r.Checksum = sum
		for _, p := range b.parts {
			r.Parts = append(r.Parts, p.record())
		}
	}
	return r
}

// segment is the inverse, without the parts.
func (r *segmentRecord) segment(epoch string) Segment {
	return Segment{
		MSN: r.MSN, Epoch: epoch, Torn: r.Torn, Duration: r.Duration,
		ProgramDateTime: r.ProgramDateTime, MediaTime: r.MediaTime, MediaEnd: r.MediaEnd,
		InitID: r.InitID, Discontinuity: r.Discontinuity, DiscontinuitySequence: r.DiscontinuitySequence,
		Gap: r.Gap, Bytes: r.Bytes,
		IFrameBytes: r.IFrameBytes, Captions: r.Captions,
	}
}

// valid reports whether the record can be trusted with paths and sizes.
func (r record) valid() bool {
	alone := r.Init == nil && r.Segment == nil && r.Cue == nil
	switch {
	case (r.Epoch != "" || alone) && !validEpoch(r.Epoch), r.Init != nil && r.Segment != nil:
		return false
	case r.Cue != nil:
		return r.Init == nil && r.Segment == nil && Cue(*r.Cue).Valid()
	case r.Init != nil:
		return r.Init.valid()
	default:
		return alone || r.Segment.valid()
	}
}

func (r *initRecord) valid() bool { return validRendition(r.Rendition) && r.ID >= 0 && r.Bytes > 0 }

func (r *segmentRecord) valid() bool {
	if !validRendition(r.Rendition) || r.MSN < 0 || r.Duration < 0 ||
		r.IFrameBytes < 0 || r.IFrameBytes > r.Bytes {
		return false
	}
	var sum int64
	for _, p := range r.Parts {
		if p.Bytes <= 0 {
			return false
		}
		sum += int64(p.Bytes)
	}
	return r.Gap || sum == r.Bytes
}

// validEpoch reports whether s can stand in a file name of a playlist.
func validEpoch(s string) bool {
	return len(s) <= 16 && validRendition(s) && !strings.ContainsAny(s, "_-")
}

// encodeLine renders v as "checksum SP json LF"; the checksum is CRC-32C of the
// JSON text in eight hexadecimal digits.
func encodeLine(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode line: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", checksum(text), text), nil
}

// decodeLine is the inverse for one line without its LF. It reports false for
// anything damaged.
func decodeLine(line []byte, v any) bool {
	sum, text, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(sum) != 8 {
		return false
	}
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if err != nil || uint32(want) != checksum(text) {
		return false
	}
	return json.Unmarshal(text, v) == nil
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
		var r record
		ok := decodeLine(data[at:at+n], &r) && r.valid()
		at += n + 1
		if !ok {
			bad++
			continue
		}
		records, end, damaged = append(records, r), at, bad
	}
	return records, end, damaged
}

func checksum(b []byte) uint32 { return extend(0, b) }

// extend returns the checksum of what has the checksum sum with b behind it.
func extend(sum uint32, b []byte) uint32 {
	return crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), b)
}
