//go:build e2e

package main_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// compareRenditions wants the same segments in every rendition of an ended class,
// to the millisecond, each beginning with a keyframe at the same time; and no
// hole but where the encoder was killed, unless this machine was too slow: then
// pictures were skipped.
func compareRenditions(t *testing.T, base string, skipped float64) {
	t.Helper()
	type known struct {
		listed
		date  string
		first time.Duration // presentation time of the first picture
	}
	want := map[string]known{}
	for _, name := range rungs {
		playlist := base + name + "/index.m3u8"
		until(t, func() string {
			if _, body := get(t, playlist); !strings.Contains(body, "#EXT-X-ENDLIST") {
				return name + " has no end"
			}
			return ""
		})
		_, body := get(t, playlist)
		segments, dates := readPlaylist(t, playlist), programDates(body)
		if len(dates) != len(segments) {
			t.Fatalf("%s: %d dates of %d segments", name, len(dates), len(segments))
		}
		// The encoder is killed in the last publication, where it makes the lower rungs
		// alone: that may cost these the rest of a segment, and of the next if the new one
		// is slow to start.
		last, encoded := 0, name != "source"
		for i, seg := range segments {
			if seg.discontinuity {
				last = i
			}
		}
		dir, files, gaps := t.TempDir(), []string(nil), 0
		for i, seg := range segments {
			k := known{listed: seg, date: dates[i], first: -1}
			if seg.gap {
				gaps++
				if skipped == 0 && (i < last || !encoded) {
					t.Errorf("%s of %s is a gap of %s", seg.uri, name, seg.duration)
				}
			} else {
				file := writeFile(t, dir, fmt.Sprintf("%s%d.mp4", name, i), []byte(download(t, seg.init)+download(t, seg.uri)))
				packets := readPackets(t, file)
				if len(packets) == 0 || !packets[0].key {
					t.Fatalf("%s does not begin with a keyframe", seg.uri)
				}
				k.first = slices.MinFunc(packets, func(a, b packet) int { return cmp.Compare(a.pts, b.pts) }).pts
				files = append(files, file)
			}
			w, ok := want[seg.number()]
			if !ok {
				want[seg.number()] = k
				continue
			}
			if (w.duration-seg.duration).Abs() > time.Millisecond || w.date != k.date || w.discontinuity != seg.discontinuity {
				t.Errorf("%s %s: %s at %s, break %v; the source: %s at %s, break %v",
					name, seg.number(), seg.duration, k.date, seg.discontinuity, w.duration, w.date, w.discontinuity)
			}
			slack := time.Millisecond
			if skipped > 0 || i >= last {
				// Where pictures are missing, the one before may be decoded after it is
				// shown, by less than a part: ffprobe takes that for a delay of them all.
				slack = 500 * time.Millisecond
			}
			if video := !strings.HasPrefix(name, "audio"); video && w.first >= 0 && k.first >= 0 && (w.first-k.first).Abs() > slack {
				t.Errorf("%s %s begins at %s, the source at %s", name, seg.number(), k.first, w.first)
			}
		}
		t.Logf("%s: %d segments, %d gaps; %.0f pictures skipped in all", name, len(segments), gaps, skipped)
		decode(t, files)
		if gaps > 2 && skipped == 0 || len(segments)-gaps < 12 {
			t.Errorf("%s: %d gaps in %d segments", name, gaps, len(segments))
		}
	}
}

// programDates returns the EXT-X-PROGRAM-DATE-TIME of the listed segments.
func programDates(body string) []string {
	var out []string
	for line := range strings.Lines(body) {
		if date, ok := strings.CutPrefix(strings.TrimSpace(line), "#EXT-X-PROGRAM-DATE-TIME:"); ok {
			out = append(out, date)
		}
	}
	return out
}
