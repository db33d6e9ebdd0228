package hls

import "strconv"

// protocolVersion is EXT-X-VERSION: EXT-X-SKIP needs 9.
const protocolVersion = 9

// report is what one playlist says of another (RFC 8216bis §4.4.5.4).
type report struct {
	name      string
	msn, part int // part is -1 for none
}

// preamble is the text before EXT-X-MEDIA-SEQUENCE. It is the same in every
// media playlist of a class at all times (RFC 8216bis §6.2.1, §6.2.4).
func preamble(cfg Config) []byte {
	var b []byte
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, protocolVersion, 10)
	b = append(b, "\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:"...)
	b = strconv.AppendInt(b, int64(cfg.targetDuration().Seconds()), 10)
	b = append(b, "\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK="...)
	b = appendSeconds(b, 3*cfg.PartDuration)
	b = append(b, ",HOLD-BACK="...)
	b = appendSeconds(b, 3*cfg.targetDuration())
	b = append(b, ",CAN-SKIP-UNTIL="...)
	b = appendSeconds(b, 6*cfg.targetDuration())
	b = append(b, "\n#EXT-X-PART-INF:PART-TARGET="...)
	b = appendSeconds(b, cfg.PartDuration)
	return append(b, '\n')
}

// appendPast writes the beginning of the playlist, up to the segments that are
// listed with their parts: those from partsFrom on. It changes with finished
// segments only. The first skip segments are left out: a Playlist Delta Update
// when skip is not 0 (RFC 8216bis §6.2.5.1).
func (l *playlist) appendPast(b, preamble []byte, epoch string, skip, partsFrom int) []byte {
	b = append(b, preamble...)
	b = append(b, "#EXT-X-MEDIA-SEQUENCE:"...)
	b = strconv.AppendInt(b, int64(l.firstMSN()), 10)
	b = append(b, "\n#EXT-X-DISCONTINUITY-SEQUENCE:"...)
	b = strconv.AppendInt(b, int64(l.firstSequence()), 10)
	b = append(b, '\n')
	if skip > 0 {
		b = append(b, "#EXT-X-SKIP:SKIPPED-SEGMENTS="...)
		b = strconv.AppendInt(b, int64(skip), 10)
		b = append(b, '\n')
	} else if len(l.segments) > 0 && !l.segments[0].mapped {
		b = appendMap(b, epoch, l.segments[0].InitID)
	}
	for i := skip; i < partsFrom; i++ {
		b = append(b, l.segments[i].head...)
		b = append(b, l.segments[i].tail...)
	}
	return b
}

// appendPresent writes the rest of the playlist, which changes with every part of
// this rendition and of the others.
func (l *playlist) appendPresent(b []byte, epoch string, partsFrom int, others []report) []byte {
	for i := partsFrom; i < len(l.segments); i++ {
		b = append(b, l.segments[i].head...)
		b = append(b, l.segments[i].parts...)
		b = append(b, l.segments[i].tail...)
	}
	if l.ended {
		return append(b, "#EXT-X-ENDLIST\n"...)
	}
	if len(l.open.parts) > 0 {
		b = append(b, l.open.text...)
		b = append(b, l.open.lines...)
	}
	b = l.appendHints(b, epoch)
	for _, o := range others {
		if o.name == l.name {
			continue
		}
		b = append(b, `#EXT-X-RENDITION-REPORT:URI="../`...)
		b = append(b, o.name...)
		b = append(b, `/index.m3u8",LAST-MSN=`...)
		b = strconv.AppendInt(b, int64(o.msn), 10)
		if o.part >= 0 {
			b = append(b, ",LAST-PART="...)
			b = strconv.AppendInt(b, int64(o.part), 10)
		}
		b = append(b, '\n')
	}
	return b
}

// appendHints names what comes next: the part, and before it the Init if it is
// another one than that of the media listed.
func (l *playlist) appendHints(b []byte, epoch string) []byte {
	if n := len(l.segments); len(l.open.parts) == 0 && (n == 0 || l.segments[n-1].InitID != l.nextInit) {
		b = append(b, `#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="`...)
		b = append(b, Name{Kind: NameInit, Epoch: epoch, Init: l.nextInit}.String()...)
		b = append(b, "\"\n"...)
	}
	b = append(b, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="`...)
	b = append(b, Name{Kind: NamePart, Epoch: epoch, MSN: l.open.msn, Part: len(l.open.parts)}.String()...)
	return append(b, "\"\n"...)
}
