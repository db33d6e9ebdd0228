package storyboard

import (
	"bytes"
	"fmt"
	"image"
	"strconv"
	"strings"
	"time"
)

const (
	vttHeader = "WEBVTT\n\n"
	wallForm  = "2006-01-02T15:04:05.000Z"

	// maxTime is the latest cue: hours have two digits here.
	maxTime = 99 * time.Hour

	// maxVTTBytes bounds what is read back: 20,000 cues.
	maxVTTBytes = 4 << 20
)

// cue is one tile.
type cue struct {
	at    time.Time     // wall clock, whole milliseconds, UTC
	start time.Duration // media time, whole milliseconds
	sheet sheetName
	rect  image.Rectangle
}

// marshalVTT writes the cues; the last one lasts for interval.
func marshalVTT(cues []cue, interval time.Duration) []byte {
	out := make([]byte, 0, len(vttHeader)+len(cues)*96)
	out = append(out, vttHeader...)
	for i, c := range cues {
		end := c.start + interval
		if i+1 < len(cues) {
			end = cues[i+1].start
		}
		out = c.at.AppendFormat(out, wallForm)
		out = fmt.Appendf(out, "\n%s --> %s\n%s#xywh=%d,%d,%d,%d\n\n", timestamp(c.start), timestamp(end), c.sheet,
			c.rect.Min.X, c.rect.Min.Y, c.rect.Dx(), c.rect.Dy())
	}
	return out
}

// timestamp formats d as HH:MM:SS.mmm (WebVTT §4.2).
func timestamp(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}

// parseVTT reads what marshalVTT has written. It returns the cues up to the
// first that is damaged or out of order, at most most; whole reports whether
// that is all there was.
func parseVTT(data []byte, most int) (cues []cue, whole bool) {
	rest, ok := bytes.CutPrefix(data, []byte(vttHeader))
	if !ok || len(data) > maxVTTBytes {
		return nil, false
	}
	for len(rest) > 0 && len(cues) < most {
		block, tail, found := bytes.Cut(rest, []byte("\n\n"))
		if !found {
			break // cut short
		}
		c, ok := parseCue(string(block))
		if !ok || len(cues) > 0 && !follows(cues[len(cues)-1], c) {
			break
		}
		cues, rest = append(cues, c), tail
	}
	return cues, len(rest) == 0
}

// follows reports whether b may come after a.
func follows(a, b cue) bool {
	if b.start <= a.start || b.sheet.number < a.sheet.number {
		return false
	}
	return b.sheet.number > a.sheet.number || b.sheet == a.sheet
}

func parseCue(block string) (cue, bool) {
	lines := strings.Split(block, "\n")
	if len(lines) != 3 {
		return cue{}, false
	}
	var c cue
	var err error
	if c.at, err = time.Parse(wallForm, lines[0]); err != nil {
		return cue{}, false
	}
	start, end, ok := strings.Cut(lines[1], " --> ")
	if !ok {
		return cue{}, false
	}
	if _, ok = parseTimestamp(end); !ok {
		return cue{}, false
	}
	if c.start, ok = parseTimestamp(start); !ok {
		return cue{}, false
	}
	name, area, ok := strings.Cut(lines[2], "#xywh=")
	if !ok {
		return cue{}, false
	}
	if c.sheet, ok = parseSheetName(name); !ok {
		return cue{}, false
	}
	c.rect, ok = parseArea(area)
	return c, ok
}

func parseTimestamp(s string) (time.Duration, bool) {
	var parts [4]int
	if len(s) != len("00:00:00.000") || s[2] != ':' || s[5] != ':' || s[8] != '.' {
		return 0, false
	}
	for i, field := range []string{s[0:2], s[3:5], s[6:8], s[9:12]} {
		n, err := strconv.ParseUint(field, 10, 16)
		if err != nil {
			return 0, false
		}
		parts[i] = int(n)
	}
	if parts[1] > 59 || parts[2] > 59 {
		return 0, false
	}
	return time.Duration(parts[0])*time.Hour + time.Duration(parts[1])*time.Minute +
		time.Duration(parts[2])*time.Second + time.Duration(parts[3])*time.Millisecond, true
}

func parseArea(s string) (image.Rectangle, bool) {
	fields := strings.Split(s, ",")
	if len(fields) != 4 {
		return image.Rectangle{}, false
	}
	var v [4]int
	for i, f := range fields {
		n, err := strconv.ParseUint(f, 10, 13) // a sheet has at most 6,400 x 4,800 pixels
		if err != nil {
			return image.Rectangle{}, false
		}
		v[i] = int(n)
	}
	return image.Rect(v[0], v[1], v[0]+v[2], v[1]+v[3]), v[2] > 0 && v[3] > 0
}
