package playlist

import "strconv"

// HasIFrames reports whether any row says where its first picture ends.
func HasIFrames(rows []Row) bool {
	for i := range rows {
		if rows[i].iFrameBytes > 0 {
			return true
		}
	}
	return false
}

// AppendIFrames writes the I-frame playlist (RFC 8216bis §4.4.3.6): the first
// picture of every finished segment, for the whole duration of the segment. A
// segment that has none is a gap here too, so that a Media Sequence Number means
// the same as in the other playlists. rows is not empty.
func AppendIFrames(b []byte, rows []Row, target int64, ended bool) []byte {
	b = appendVersion(b, versionIFrames)
	b = append(b, "#EXT-X-TARGETDURATION:"...)
	b = strconv.AppendInt(b, target, 10)
	b = append(b, "\n#EXT-X-I-FRAMES-ONLY\n"...)
	b = appendSequences(b, rows[0].MSN, rows[0].sequence, rows[0].discontinuity)
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
		b = appendSeconds(b, s.Duration)
		b = append(b, ",\n"...)
		if s.iFrameBytes > 0 {
			b = append(b, "#EXT-X-BYTERANGE:"...)
			b = strconv.AppendInt(b, s.iFrameBytes, 10)
			b = append(b, "@0\n"...)
		}
		b = append(b, Name{Kind: NameSegment, Epoch: s.epoch, MSN: s.MSN}.String()...)
		b = append(b, '\n')
	}
	if ended {
		b = append(b, "#EXT-X-ENDLIST\n"...)
	}
	return b
}
