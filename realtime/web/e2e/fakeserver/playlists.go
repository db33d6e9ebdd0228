package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/lectern/lectern/realtime"
)

// Which segments a playlist lists.
const (
	listLive      = ""           // the last ones, with parts if there are any
	listDVR       = "-dvr"       // as far back as is allowed
	listRecording = "-recording" // all of an ended class
	listIFrames   = "-iframes"   // keyframes only
)

// window is how many segments a live playlist lists.
const window = 30

// partsIn is how many segments at the end of a playlist are listed with parts.
const partsIn = 3

func (b *broadcast) multivariant(list string, captions bool) string {
	subtitles, group := "", ""
	if captions {
		subtitles = `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en",AUTOSELECT=YES,DEFAULT=NO,URI="c` + list + `.m3u8"` + "\n"
		group = `,SUBTITLES="subs"`
	}
	text := "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-INDEPENDENT-SEGMENTS\n" +
		`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",LANGUAGE="und",DEFAULT=YES,AUTOSELECT=YES,URI="a` + list + `.m3u8"` + "\n" + subtitles
	if !b.ladder {
		return text + `#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=960x540,CODECS="avc1.42c01f,mp4a.40.2",AUDIO="audio"` + group + "\nv" + list + ".m3u8\n"
	}
	// The frame rates are those of a camera that says 29.97 and of encoders that were
	// told 30.
	times := 1
	if b.steep {
		times = 4
	}
	for _, v := range []struct {
		track      string
		bandwidth  int
		attributes string
	}{
		{"v", 600000, `FRAME-RATE=29.970,RESOLUTION=960x540`},
		{"m", 380000, `FRAME-RATE=30.000,RESOLUTION=640x360`},
		{"l", 180000, `FRAME-RATE=30.000,RESOLUTION=320x180`},
	} {
		if b.heavy {
			v.bandwidth = int(heavyRate(v.track) + heavyRate("a"))
		}
		if v.track != b.withdrawn {
			text += fmt.Sprintf("#EXT-X-STREAM-INF:BANDWIDTH=%d,", times*v.bandwidth) + v.attributes +
				`,CODECS="avc1.42c01f,mp4a.40.2",AUDIO="audio"` + group + "\n" + v.track + list + ".m3u8\n"
		}
	}
	return text + `#EXT-X-STREAM-INF:BANDWIDTH=70000,CODECS="mp4a.40.2"` + "\no" + list + ".m3u8\n" +
		`#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS="avc1.42c01f",RESOLUTION=320x180,URI="l-iframes.m3u8"` + "\n"
}

// playlist writes the media playlist of a track; c is captions.
func (b *broadcast) playlist(track, list string, skip bool, now time.Time) string {
	if track == b.stuck {
		now = b.stuckSince
	}
	all := b.segments(now)
	parts := b.low && list == listLive && track != "c"
	if !parts {
		all = whole(all)
	}
	from := b.first(all, list)
	gone := 0
	for _, s := range all[:from] {
		if s.breaks {
			gone++
		}
	}
	target := int(b.unit().Seconds())
	var p strings.Builder
	fmt.Fprintf(&p, "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:%d\n", target)
	ended := b.ended || list == listRecording
	switch {
	case list == listRecording:
		p.WriteString("#EXT-X-PLAYLIST-TYPE:VOD\n")
	case list == listIFrames:
		p.WriteString("#EXT-X-I-FRAMES-ONLY\n")
	case parts:
		fmt.Fprintf(&p, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.56,HOLD-BACK=%d,CAN-SKIP-UNTIL=%d\n#EXT-X-PART-INF:PART-TARGET=0.52\n", 3*target, 6*target)
	case list == listDVR:
		fmt.Fprintf(&p, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=%d,CAN-SKIP-UNTIL=%d\n", 3*target, 6*target)
	}
	fmt.Fprintf(&p, "#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", numberOf(all, from), gone)
	if len(all) > 0 && list != listIFrames {
		b.writeCues(&p, all[from].date)
	}
	if old := len(all) - from - 6; skip && !ended && old > 0 && (list == listDVR || parts) {
		fmt.Fprintf(&p, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", old)
		from += old
	} else if track != "c" {
		fmt.Fprintf(&p, "#EXT-X-MAP:URI=\"%s-init.mp4\"\n", track)
	}
	for i, s := range all[from:] {
		b.writeSegment(&p, track, list, s, parts && from+i >= len(all)-partsIn)
	}
	switch {
	case ended:
		p.WriteString("#EXT-X-ENDLIST\n")
	case parts && len(all) > 0:
		b.writeHints(&p, track, all[len(all)-1])
	}
	return p.String()
}

// writeCues writes what happened in the room since a date: of polls everything.
func (b *broadcast) writeCues(p *strings.Builder, from time.Time) {
	for _, c := range b.cues {
		duration := "DURATION=0.000,"
		if c.Event == realtime.EventPollOpened {
			duration = ""
		} else if c.Event == realtime.EventMarker && c.At.Before(from) {
			continue
		}
		fmt.Fprintf(p, "#EXT-X-DATERANGE:ID=\"cue-%s-%s\",CLASS=\"org.lectern.cue\",START-DATE=\"%s\",%sX-EVENT=\"%s\",X-CUE=\"%s\"\n",
			c.Event, c.ID, c.At.Format("2006-01-02T15:04:05.000Z"), duration, c.Event, c.ID)
	}
}

// first is the index of the first of all segments that a playlist lists.
func (b *broadcast) first(all []segment, list string) int {
	n := window
	switch list {
	case listRecording, listIFrames:
		return 0
	case listDVR:
		if n = int(b.dvr / b.unit()); n == 0 {
			return 0
		}
	}
	return max(0, len(all)-n)
}

func numberOf(all []segment, i int) int {
	if i < len(all) {
		return all[i].number
	}
	return 0
}

func (b *broadcast) writeSegment(p *strings.Builder, track, list string, s segment, parts bool) {
	if s.breaks {
		p.WriteString("#EXT-X-DISCONTINUITY\n")
	}
	missing := b.missing(track, s)
	if missing {
		p.WriteString("#EXT-X-GAP\n")
	}
	fmt.Fprintf(p, "#EXT-X-PROGRAM-DATE-TIME:%s\n", s.date.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
	if track == "c" {
		fmt.Fprintf(p, "#EXTINF:%.6f,\nc%d.vtt\n", b.unit().Seconds(), s.number)
		return
	}
	t := b.talk.tracks[track]
	if parts {
		for n := range s.parts {
			from, to := b.frames(t, s.number, n)
			fmt.Fprintf(p, "#EXT-X-PART:DURATION=%.5f,URI=\"%s%d.%d.m4s\"", t.length(from, to).Seconds(), track, s.number, n)
			if n == 0 || track == "a" || track == "o" {
				p.WriteString(",INDEPENDENT=YES")
			}
			if missing {
				p.WriteString(",GAP=YES")
			}
			p.WriteByte('\n')
		}
	}
	if s.open {
		return
	}
	from, to := b.frames(t, s.number, -1)
	fmt.Fprintf(p, "#EXTINF:%.6f,\n", t.length(from, to).Seconds())
	if list == listIFrames {
		fmt.Fprintf(p, "#EXT-X-BYTERANGE:%d@0\n", len(t.media(from, from+1)))
	}
	fmt.Fprintf(p, "%s%d.m4s\n", track, s.number)
}

// writeHints tells of the next part and of the other renditions.
func (b *broadcast) writeHints(p *strings.Builder, track string, last segment) {
	next := fmt.Sprintf("%d.%d", last.number, last.parts)
	if !last.open {
		next = fmt.Sprintf("%d.0", last.number+1)
	}
	fmt.Fprintf(p, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"%s%s.m4s\"\n", track, next)
	others := "va"
	if b.ladder {
		others = "vmlao"
	}
	for _, o := range others {
		if string(o) != track && string(o) != b.withdrawn {
			fmt.Fprintf(p, "#EXT-X-RENDITION-REPORT:URI=\"%c.m3u8\",LAST-MSN=%d,LAST-PART=%d\n", o, last.number, last.parts-1)
		}
	}
}

// caption is one WebVTT segment; its times are those of the lecture.
func (b *broadcast) caption(number int) string {
	stamp := func(d time.Duration) string {
		return fmt.Sprintf("%02d:%02d:%02d.%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
	}
	at := time.Duration(number) * b.unit()
	return fmt.Sprintf("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n%s --> %s\nThis is second %d of the lecture.\n",
		stamp(at), stamp(at+b.unit()), int(at.Seconds()))
}

// storyboard has the same small picture every ten seconds.
func (b *broadcast) storyboard(now time.Time) string {
	var p strings.Builder
	p.WriteString("WEBVTT\n")
	for _, s := range whole(b.segments(now)) {
		if at := time.Duration(s.number) * b.unit(); at%(10*time.Second) == 0 {
			fmt.Fprintf(&p, "\n%s\n00:00:00.000 --> 00:00:10.000\nthumbnail.jpg#xywh=0,0,160,90\n", s.date.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
		}
	}
	return p.String()
}
