package main

import (
	"fmt"
	"strings"
	"time"
)

// window is how many segments a playlist lists.
const window = 30

// headStart is how much of the lecture is there when a broadcast begins.
const headStart = 6

// broadcast publishes a lecture in real time, in runs with interruptions between
// them. As in Lectern, media time goes on where it stopped and only the
// PROGRAM-DATE-TIME jumps.
type broadcast struct {
	talk  *lecture
	runs  []run
	ended bool
}

// run is one uninterrupted stretch. It has published before it began, then one
// segment after another, until it was stopped.
type run struct {
	first int // segment number
	begun time.Time
	ended time.Time // zero while it goes on
}

// segment is one published segment.
type segment struct {
	number int
	date   time.Time
	breaks bool
}

func (b *broadcast) onAir() bool {
	return len(b.runs) > 0 && b.runs[len(b.runs)-1].ended.IsZero()
}

func (b *broadcast) start(now time.Time) {
	if b.onAir() {
		return
	}
	r := run{begun: now}
	if len(b.runs) == 0 {
		r.begun = now.Add(-headStart * time.Second)
	} else {
		r.first = len(b.segments(now))
	}
	b.runs = append(b.runs, r)
}

func (b *broadcast) stop(now time.Time) {
	if b.onAir() {
		b.runs[len(b.runs)-1].ended = now
	}
}

// segments returns all segments published until now.
func (b *broadcast) segments(now time.Time) []segment {
	var all []segment
	for _, r := range b.runs {
		end := now
		if !r.ended.IsZero() {
			end = r.ended
		}
		at := r.begun
		for n := r.first; ; n++ {
			i := n % len(b.talk.video)
			next := at.Add(b.talk.video[i])
			if next.After(end) {
				break
			}
			all = append(all, segment{number: n, date: at, breaks: n > 0 && (n == r.first || i == 0)})
			at = next
		}
	}
	return all
}

func (b *broadcast) multivariant(captions bool) string {
	subtitles, group := "", ""
	if captions {
		subtitles = `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en",AUTOSELECT=YES,DEFAULT=NO,URI="c.m3u8"` + "\n"
		group = `,SUBTITLES="subs"`
	}
	return "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-INDEPENDENT-SEGMENTS\n" +
		`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,URI="a.m3u8"` + "\n" + subtitles +
		`#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=960x540,CODECS="avc1.42c01f,mp4a.40.2",AUDIO="audio"` + group + "\nv.m3u8\n"
}

// playlist writes the media playlist of track v, a or c (captions).
func (b *broadcast) playlist(track string, now time.Time) string {
	all := b.segments(now)
	from := max(0, len(all)-window)
	gone := 0
	for _, s := range all[:from] {
		if s.breaks {
			gone++
		}
	}
	var p strings.Builder
	fmt.Fprintf(&p, "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", from, gone)
	if track != "c" {
		fmt.Fprintf(&p, "#EXT-X-MAP:URI=\"%s-init.mp4\"\n", track)
	}
	for _, s := range all[from:] {
		i := s.number % len(b.talk.video)
		length, name := b.talk.video[i], fmt.Sprintf("%s%d.m4s", track, i)
		switch track {
		case "a":
			length = b.talk.audio[i]
		case "c":
			name = fmt.Sprintf("c%d.vtt", i)
		}
		if s.breaks {
			p.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		fmt.Fprintf(&p, "#EXT-X-PROGRAM-DATE-TIME:%s\n#EXTINF:%.6f,\n%s\n",
			s.date.UTC().Format("2006-01-02T15:04:05.000Z07:00"), length.Seconds(), name)
	}
	if b.ended {
		p.WriteString("#EXT-X-ENDLIST\n")
	}
	return p.String()
}

// caption is one WebVTT segment; its times are those of the lecture.
func (b *broadcast) caption(i int) string {
	var at time.Duration
	for _, d := range b.talk.video[:i] {
		at += d
	}
	stamp := func(d time.Duration) string {
		return fmt.Sprintf("%02d:%02d.%03d", int(d.Minutes()), int(d.Seconds())%60, d.Milliseconds()%1000)
	}
	return fmt.Sprintf("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00.000\n\n%s --> %s\nThis is second %d of the lecture.\n",
		stamp(at), stamp(at+b.talk.video[i]), i)
}
