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
// hole in the source.
func compareRenditions(t *testing.T, base string, skipped float64) {
	t.Helper()
	type known struct {
		listed
		date  string
		first time.Duration // presentation time of the first picture
	}
	want := map[string]known{}
	slack := time.Millisecond
	if skipped > 0 {
		slack = 250 * time.Millisecond // the first picture may be among them
	}
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
		dir, files, gaps := t.TempDir(), []string(nil), 0
		for i, seg := range segments {
			k := known{listed: seg, date: dates[i], first: -1}
			if seg.gap {
				gaps++
				// What the encoder had under way when a publisher was torn off may be missing,
				// of the source's rendition, too, which is encoded here most of the time. Where
				// this machine was too slow, it was further behind.
				if name == "source" && skipped == 0 && !lastOfRun(segments, i) {
					t.Errorf("%s is a gap of %s", seg.uri, seg.duration)
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
			if (w.duration-seg.duration).Abs() > time.Millisecond && !lastOfRun(segments, i) || w.date != k.date || w.discontinuity != seg.discontinuity {
				t.Errorf("%s %s: %s at %s, break %v; the source: %s at %s, break %v",
					name, seg.number(), seg.duration, k.date, seg.discontinuity, w.duration, w.date, w.discontinuity)
			}
			if video := !strings.HasPrefix(name, "audio"); video && w.first >= 0 && k.first >= 0 && (w.first-k.first).Abs() > slack {
				t.Errorf("%s %s begins at %s, the source at %s", name, seg.number(), k.first, w.first)
			}
		}
		t.Logf("%s: %d segments, %d gaps; %.0f pictures skipped in all", name, len(segments), gaps, skipped)
		decode(t, files)
		// One at most for the lost worker, and one where each publication was torn off,
		// unless this machine was too slow to encode everything.
		if most := 1 + len(nasty()); gaps > most && skipped == 0 || len(segments)-gaps < 12 {
			t.Errorf("%s: %d gaps in %d segments", name, gaps, len(segments))
		}
	}
}

// lastOfRun reports whether a publication was torn off in the segment: there the
// renditions need not end together.
func lastOfRun(segments []listed, i int) bool {
	return i+1 == len(segments) || segments[i+1].discontinuity
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
