package playlist

import (
	"strconv"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// The values of EXT-X-VERSION, none higher than its playlists need (RFC 8216bis
// §6.2.1, §8).
const (
	versionLive         = 9 // EXT-X-SKIP of delta updates, which share their opening
	versionRecording    = 6 // EXT-X-MAP
	versionIFrames      = 5 // EXT-X-MAP beside EXT-X-I-FRAMES-ONLY
	versionService      = 7 // INSTREAM-ID with a service of CEA-708
	versionMultivariant = 1 // all else in a multivariant playlist
)

// Report is what one playlist says of another (RFC 8216bis §4.4.5.4).
type Report struct {
	// Name is that of the rendition.
	Name string
	// MSN and Part are its latest; Part is -1 for none.
	MSN, Part int
}

// Opening is what is constant in the media playlists of a class.
type Opening struct {
	Target, Part time.Duration // EXT-X-TARGETDURATION, whole seconds, and PART-TARGET
}

// Live is the text before EXT-X-MEDIA-SEQUENCE of live lists. It is the same
// in every one of a class at all times (RFC 8216bis §6.2.1, §6.2.4).
func (o Opening) Live() []byte {
	b := append(o.append(nil, versionLive), "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK="...)
	b = o.appendControl(appendSeconds(b, 3*o.Part))
	b = append(b, "#EXT-X-PART-INF:PART-TARGET="...)
	b = appendSeconds(b, o.Part)
	return append(b, '\n')
}

// DVR is that of DVR lists, which have no parts.
func (o Opening) DVR() []byte {
	return o.appendControl(append(o.append(nil, versionLive), "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES"...))
}

// appendControl ends EXT-X-SERVER-CONTROL with what live lists and DVR lists share.
func (o Opening) appendControl(b []byte) []byte {
	b = append(b, ",HOLD-BACK="...)
	b = appendSeconds(b, 3*o.Target)
	b = append(b, ",CAN-SKIP-UNTIL="...)
	b = appendSeconds(b, 6*o.Target)
	return append(b, '\n')
}

// Recording is that of the list of a class that has ended.
func (o Opening) Recording() []byte {
	return append(o.append(nil, versionRecording), "#EXT-X-PLAYLIST-TYPE:VOD\n"...)
}

func (o Opening) append(b []byte, version int64) []byte {
	b = appendVersion(b, version)
	b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-TARGETDURATION:"...)
	b = strconv.AppendInt(b, int64(o.Target.Seconds()), 10)
	return append(b, '\n')
}

func appendVersion(b []byte, version int64) []byte {
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, version, 10)
	return append(b, '\n')
}

// Live is a live list as it is at one moment.
type Live struct {
	// Rows are the finished segments, and Parts the EXT-X-PART lines of the last of them.
	Rows  []Row
	Parts [][]byte
	// Cues are those of the class. The list has the newest that are not gone.
	Cues Cues
	// Ended tells that nothing follows.
	Ended bool

	// Epoch is that of what is made now.
	Epoch string
	// MSN and Head are of the segment that is being built. Text is its head as it is
	// written, Lines are its EXT-X-PART lines and Count how many.
	MSN         int
	Head        Head
	Text, Lines []byte
	Count       int
	// Map is the name of the Init that comes next, empty if it is that of the media
	// that are listed.
	Map string
}

// AppendPast writes the beginning of the live list, up to the segments that are
// listed with their parts: those from partsFrom on. It changes with finished
// segments and cues only. The first skip segments are left out.
func (l *Live) AppendPast(b, preamble []byte, skip, partsFrom int) []byte {
	b = append(b, preamble...)
	if len(l.Rows) > 0 {
		return appendRows(b, l.Rows, l.Cues, MaxLiveCues, skip, partsFrom)
	}
	b = appendSequences(b, l.MSN, l.Head.Sequence, l.Head.Discontinuity)
	return l.Cues.Append(b, l.Head.Date, MaxLiveCues)
}

// AppendPresent writes the rest of the live list of the rendition called name, which
// changes with every part of it and of the others.
func (l *Live) AppendPresent(b []byte, partsFrom int, name string, others []Report) []byte {
	for i := partsFrom; i < len(l.Rows); i++ {
		b = append(b, l.Rows[i].head...)
		if at := len(l.Parts) - len(l.Rows) + i; at >= 0 {
			b = append(b, l.Parts[at]...)
		}
		b = append(b, l.Rows[i].tail...)
	}
	if l.Ended {
		return append(b, "#EXT-X-ENDLIST\n"...)
	}
	if l.Count > 0 {
		b = append(b, l.Text...)
		b = append(b, l.Lines...)
	}
	b = l.appendHints(b)
	for _, o := range others {
		if o.Name == name {
			continue
		}
		b = append(b, `#EXT-X-RENDITION-REPORT:URI="../`...)
		b = append(b, o.Name...)
		b = append(b, `/index.m3u8",LAST-MSN=`...)
		b = strconv.AppendInt(b, int64(o.MSN), 10)
		if o.Part >= 0 {
			b = append(b, ",LAST-PART="...)
			b = strconv.AppendInt(b, int64(o.Part), 10)
		}
		b = append(b, '\n')
	}
	return b
}

// appendHints names what comes next: the part, and before it the Init if it is
// another one than that of the media listed.
func (l *Live) appendHints(b []byte) []byte {
	if l.Map != "" {
		b = append(b, `#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="`...)
		b = append(b, l.Map...)
		b = append(b, "\"\n"...)
	}
	b = append(b, `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="`...)
	b = append(b, Name{Kind: NamePart, Epoch: l.Epoch, MSN: l.MSN, Part: l.Count}.String()...)
	return append(b, "\"\n"...)
}

// AppendPart writes EXT-X-PART of a part of segment msn.
func AppendPart(b []byte, epoch string, msn int, p segment.Part) []byte {
	b = append(b, "#EXT-X-PART:DURATION="...)
	b = appendSeconds(b, p.Duration)
	b = append(b, `,URI="`...)
	b = append(b, Name{Kind: NamePart, Epoch: epoch, MSN: msn, Part: p.Index}.String()...)
	b = append(b, '"')
	if p.Independent {
		b = append(b, ",INDEPENDENT=YES"...)
	}
	return append(b, '\n')
}
