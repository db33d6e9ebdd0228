package hls

import "strconv"

// iFramesVersion is EXT-X-VERSION of I-frame playlists: EXT-X-MAP beside
// EXT-X-I-FRAMES-ONLY needs 5, EXT-X-GAP 8.
const iFramesVersion = 8

// hasIFrames reports whether any listed segment says where its first picture ends.
func (l *playlist) hasIFrames() bool {
	for i := range l.segments {
		if l.segments[i].IFrameBytes > 0 {
			return true
		}
	}
	return false
}

// appendIFrames writes the I-frame playlist (RFC 8216bis §4.4.3.6): the first
// picture of every finished segment, for the whole duration of the segment. A
// segment that has none is a gap here too, so that a Media Sequence Number means
// the same as in the other playlists.
func (l *playlist) appendIFrames(b []byte, epoch string, target int64) []byte {
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, iFramesVersion, 10)
	b = append(b, "\n#EXT-X-TARGETDURATION:"...)
	b = strconv.AppendInt(b, target, 10)
	b = append(b, "\n#EXT-X-I-FRAMES-ONLY\n#EXT-X-MEDIA-SEQUENCE:"...)
	b = strconv.AppendInt(b, int64(l.firstMSN()), 10)
	b = append(b, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...)
	b = strconv.AppendInt(b, int64(l.firstSequence()), 10)
	b = append(b, '\n')
	if len(l.segments) > 0 && !l.segments[0].mapped {
		b = appendMap(b, epoch, l.segments[0].InitID)
	}
	for i := range l.segments {
		s := &l.segments[i]
		b = append(b, s.head...)
		if s.IFrameBytes == 0 {
			b = append(b, "#EXT-X-GAP\n"...)
		}
		b = append(b, "#EXTINF:"...)
		b = appendSeconds(b, s.Duration)
		b = append(b, ",\n"...)
		if s.IFrameBytes > 0 {
			b = append(b, "#EXT-X-BYTERANGE:"...)
			b = strconv.AppendInt(b, s.IFrameBytes, 10)
			b = append(b, "@0\n"...)
		}
		b = append(b, Name{Kind: NameSegment, Epoch: epoch, MSN: s.MSN}.String()...)
		b = append(b, '\n')
	}
	if l.ended {
		b = append(b, "#EXT-X-ENDLIST\n"...)
	}
	return b
}
