package hls

import (
	"strconv"
	"sync"
)

// longList is a rendition's DVR list as it is after one segment, or its recording.
// Most are never asked for, so the text is made for the first who does. It may be
// used from any goroutine.
type longList struct {
	rows     []row
	preamble []byte
	until    int // how many rows a delta update leaves out
	ended    bool

	once        sync.Once
	full, delta Document

	iFramesOnce sync.Once
	iFrames     Document
	target      int64 // EXT-X-TARGETDURATION, seconds
}

// documents returns the whole list, and the delta update, which is the same where
// there is nothing to skip.
func (l *longList) documents() (full, delta *Document) {
	l.once.Do(func() {
		var w documentWriter
		l.full = w.document(l.text(0))
		l.delta = l.full
		if l.until > 0 && !l.ended {
			l.delta = w.document(l.text(l.until))
		}
	})
	return &l.full, &l.delta
}

func (l *longList) text(skip int) []byte {
	size := len(l.preamble) + 128
	for i := skip; i < len(l.rows); i++ {
		size += len(l.rows[i].head) + len(l.rows[i].tail)
	}
	b := append(make([]byte, 0, size), l.preamble...)
	b = appendRows(b, l.rows, skip, len(l.rows))
	if l.ended {
		b = append(b, "#EXT-X-ENDLIST\n"...)
	}
	return b
}

// iFrameDocument returns the I-frame playlist, nil if there is none.
func (l *longList) iFrameDocument() *Document {
	if !hasIFrames(l.rows) {
		return nil
	}
	l.iFramesOnce.Do(func() {
		var w documentWriter
		l.iFrames = w.document(appendIFrames(nil, l.rows, l.target, l.ended))
	})
	return &l.iFrames
}

// iFramesVersion is EXT-X-VERSION of I-frame playlists: EXT-X-MAP beside
// EXT-X-I-FRAMES-ONLY needs 5, EXT-X-GAP 8.
const iFramesVersion = 8

// hasIFrames reports whether any row says where its first picture ends.
func hasIFrames(rows []row) bool {
	for i := range rows {
		if rows[i].iFrameBytes > 0 {
			return true
		}
	}
	return false
}

// appendIFrames writes the I-frame playlist (RFC 8216bis §4.4.3.6): the first
// picture of every finished segment, for the whole duration of the segment. A
// segment that has none is a gap here too, so that a Media Sequence Number means
// the same as in the other playlists. rows is not empty.
func appendIFrames(b []byte, rows []row, target int64, ended bool) []byte {
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, iFramesVersion, 10)
	b = append(b, "\n#EXT-X-TARGETDURATION:"...)
	b = strconv.AppendInt(b, target, 10)
	b = append(b, "\n#EXT-X-I-FRAMES-ONLY\n"...)
	b = appendSequences(b, rows[0].msn, rows[0].sequence, rows[0].discontinuity)
	if !rows[0].mapped {
		b = append(b, rows[0].mapLine...)
	}
	for i := range rows {
		s := &rows[i]
		b = append(b, s.head...)
		if s.iFrameBytes == 0 {
			b = append(b, "#EXT-X-GAP\n"...)
		}
		b = append(b, "#EXTINF:"...)
		b = appendSeconds(b, s.duration)
		b = append(b, ",\n"...)
		if s.iFrameBytes > 0 {
			b = append(b, "#EXT-X-BYTERANGE:"...)
			b = strconv.AppendInt(b, s.iFrameBytes, 10)
			b = append(b, "@0\n"...)
		}
		b = append(b, Name{Kind: NameSegment, Epoch: s.epoch, MSN: s.msn}.String()...)
		b = append(b, '\n')
	}
	if ended {
		b = append(b, "#EXT-X-ENDLIST\n"...)
	}
	return b
}
