package hls

import "strconv"

// protocolVersion is EXT-X-VERSION: EXT-X-SKIP needs 9.
const protocolVersion = 9

// report is what one playlist says of another (RFC 8216bis §4.4.5.4).
type report struct {
	name      string
	msn, part int // part is -1 for none
}

// livePreamble is the text before EXT-X-MEDIA-SEQUENCE of live lists. It is the same
// in every one of a class at all times (RFC 8216bis §6.2.1, §6.2.4).
func livePreamble(cfg Config) []byte {
	b := appendOpening(nil, cfg)
	b = append(b, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK="...)
	b = appendSeconds(b, 3*cfg.PartDuration)
	b = append(b, ",HOLD-BACK="...)
	b = appendSeconds(b, 3*cfg.targetDuration())
	b = append(b, ",CAN-SKIP-UNTIL="...)
	b = appendSeconds(b, 6*cfg.targetDuration())
	b = append(b, "\n#EXT-X-PART-INF:PART-TARGET="...)
	b = appendSeconds(b, cfg.PartDuration)
	return append(b, '\n')
}

// dvrPreamble is that of DVR lists, which have no parts.
func dvrPreamble(cfg Config) []byte {
	b := appendOpening(nil, cfg)
	b = append(b, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK="...)
	b = appendSeconds(b, 3*cfg.targetDuration())
	b = append(b, ",CAN-SKIP-UNTIL="...)
	b = appendSeconds(b, 6*cfg.targetDuration())
	return append(b, '\n')
}

// recordingPreamble is that of the list of a class that has ended.
func recordingPreamble(cfg Config) []byte {
	return append(appendOpening(nil, cfg), "#EXT-X-PLAYLIST-TYPE:VOD\n"...)
}

func appendOpening(b []byte, cfg Config) []byte {
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, protocolVersion, 10)
	b = append(b, "\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:"...)
	b = strconv.AppendInt(b, int64(cfg.targetDuration().Seconds()), 10)
	return append(b, '\n')
}

// appendPast writes the beginning of the live list, up to the segments that are
// listed with their parts: those from partsFrom on. It changes with finished
// segments only. The first skip segments are left out.
func (l *playlist) appendPast(b, preamble []byte, skip, partsFrom int) []byte {
	b = append(b, preamble...)
	if live := l.window(); len(live) > 0 {
		return appendRows(b, live, skip, partsFrom)
	}
	return appendSequences(b, l.open.msn, l.open.head.sequence, l.open.head.discontinuity)
}

// appendPresent writes the rest of the live list, which changes with every part of
// this rendition and of the others.
func (l *playlist) appendPresent(b []byte, partsFrom int, others []report) []byte {
	live := l.window()
	for i := partsFrom; i < len(live); i++ {
		b = append(b, live[i].head...)
		if at := len(l.parts) - len(live) + i; at >= 0 {
			b = append(b, l.parts[at]...)
		}
		b = append(b, live[i].tail...)
	}
	if l.ended {
		return append(b, "#EXT-X-ENDLIST\n"...)
	}
	if len(l.open.parts) > 0 {
		b = append(b, l.open.text...)
		b = append(b, l.open.lines...)
	}
	b = l.appendHints(b)
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
func (l *playlist) appendHints(b []byte) []byte {
	if n := len(l.rows); len(l.open.parts) == 0 && (n == 0 || l.rows[n-1].initID != l.nextInit) {
		b = append(b, `#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="`...)
		b = append(b, Name{Kind: NameInit, Epoch: l.nextEpoch, Init: l.nextInit}.String()...)
		b = append(b, "\"\n"...)
	}
	b = append(b, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="`...)
	b = append(b, Name{Kind: NamePart, Epoch: l.epoch, MSN: l.open.msn, Part: len(l.open.parts)}.String()...)
	return append(b, "\"\n"...)
}
