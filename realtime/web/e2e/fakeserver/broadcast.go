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

	// ladder offers the smaller renditions too, but for those that are withdrawn.
	ladder    bool
	steep     bool
	withdrawn string
	gaps      []gap

	// stuck is a track that nothing is added to, and since when.
	stuck      string
	stuckSince time.Time
}

// gap is a time in which nothing of a track is made. It is zero until it ends.
type gap struct {
	track       string
	from, until time.Time
}

// breakTrack begins a gap of track and ends all others.
func (b *broadcast) breakTrack(track string, now time.Time) {
	for i := range b.gaps {
		if b.gaps[i].until.IsZero() {
			b.gaps[i].until = now
		}
	}
	if track != "" {
		b.gaps = append(b.gaps, gap{track: track, from: now})
	}
}

// missing reports whether a track has nothing of the segment.
func (b *broadcast) missing(track string, s segment) bool {
	end := s.date.Add(b.talk.video[s.number%len(b.talk.video)])
	for _, g := range b.gaps {
		if g.track == track && end.After(g.from) && (g.until.IsZero() || s.date.Before(g.until)) {
			return true
		}
	}
	return false
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
	text := "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-INDEPENDENT-SEGMENTS\n" +
		`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,URI="a.m3u8"` + "\n" + subtitles
	if !b.ladder {
		return text + `#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=960x540,CODECS="avc1.42c01f,mp4a.40.2",AUDIO="audio"` + group + "\nv.m3u8\n"
	}
	// A steep ladder is said to be far larger than it is, like a real one. The frame
	// rates are those of a camera that says 29.97 and of encoders that were told 30.
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
		if v.track != b.withdrawn {
			text += fmt.Sprintf("#EXT-X-STREAM-INF:BANDWIDTH=%d,", times*v.bandwidth) + v.attributes + `,CODECS="avc1.42c01f,mp4a.40.2",AUDIO="audio"` + group + "\n" + v.track + ".m3u8\n"
		}
	}
	return text + `#EXT-X-STREAM-INF:BANDWIDTH=30000,CODECS="mp4a.40.2"` + "\no.m3u8\n" +
		`#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,CODECS="avc1.42c01f",RESOLUTION=320x180,URI="l-iframes.m3u8"` + "\n"
}

// playlist writes the media playlist of a track; c is captions.
func (b *broadcast) playlist(track string, now time.Time) string {
	if track == b.stuck {
		now = b.stuckSince
	}
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
		case "a", "o":
			length = b.talk.audio[i]
		case "c":
			name = fmt.Sprintf("c%d.vtt", i)
		}
		if s.breaks {
			p.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if b.missing(track, s) {
			p.WriteString("#EXT-X-GAP\n")
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
