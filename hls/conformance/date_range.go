package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

func dateRangeRules() []Rule {
	const some = "an EXT-X-DATERANGE"
	return []Rule{
		{Number: 100, Level: Must, Section: "D 4.4.5.1", Want: "EXT-X-DATERANGE with an ID and a START-DATE, no negative duration and no end before the start, in a playlist with dates", needs: some},
		{Number: 101, Level: Must, Section: "D 4.4.5.1", Want: "attributes of a Date Range that never change", needs: some + " that was read twice"},
		{Number: 102, Level: Must, Section: "D 6.2.5.1, 4.4.5.2", Want: "a delta update that has all Date Ranges, or without CAN-SKIP-DATERANGES=YES says of none that it was removed", needs: some + " and a delta update"},
	}
}

// maxDateRanges bounds what is remembered of Date Ranges.
const maxDateRanges = 4096

// dateRanges judges the Date Ranges of one copy, against themselves and earlier ones.
func (w *watcher) dateRanges(m *media) {
	r := w.report
	for _, bad := range m.badRanges {
		r.judged(100)
		r.broken(100, w.name, "%s", bad)
	}
	for _, a := range m.ranges {
		r.judged(100)
		if saw := badDateRange(a); saw != "" {
			r.broken(100, w.name, "%s", saw)
		}
		id := a["ID"]
		known := w.ranges[id]
		if known == nil {
			if len(w.ranges) >= maxDateRanges {
				clear(w.ranges)
			}
			w.ranges[id] = maps.Clone(a)
			continue
		}
		r.judged(101)
		for _, name := range slices.Sorted(maps.Keys(a)) {
			if was, ok := known[name]; ok && was != a[name] {
				r.broken(101, w.name, "%s of %q as %s, then %s", name, clip(id), clip(was), clip(a[name]))
			}
			known[name] = a[name] // another tag may add some
		}
	}
	dated := slices.ContainsFunc(m.segments, func(s segment) bool { return !s.pdt.IsZero() }) || !m.open.pdt.IsZero()
	if len(m.ranges) > 0 && !dated && m.skips == 0 {
		r.broken(100, w.name, "a Date Range, and no EXT-X-PROGRAM-DATE-TIME")
	}
}

// badDateRange says what is wrong with the attributes of a Date Range, "" if nothing.
func badDateRange(a attributes) string {
	start, err := parseDate(a["START-DATE"])
	switch {
	case a["ID"] == "":
		return "no ID"
	case a["START-DATE"] == "":
		return fmt.Sprintf("no START-DATE of %q", clip(a["ID"]))
	case err != nil:
		return "START-DATE: " + err.Error()
	}
	length := time.Duration(-1)
	for _, name := range []string{"DURATION", "PLANNED-DURATION"} {
		if v, ok := a[name]; ok {
			d, derr := seconds(v)
			if derr != nil {
				return name + ": " + derr.Error()
			}
			if name == "DURATION" {
				length = d
			}
		}
	}
	if v, ok := a["END-DATE"]; ok {
		end, derr := parseDate(v)
		switch {
		case derr != nil:
			return "END-DATE: " + derr.Error()
		case end.Before(start):
			return fmt.Sprintf("END-DATE %v before START-DATE", start.Sub(end))
		case length >= 0 && end.Sub(start)-length > edge || length >= 0 && length-end.Sub(start) > edge:
			return fmt.Sprintf("DURATION of %v and END-DATE after %v", length, end.Sub(start))
		}
	}
	if v, ok := a["END-ON-NEXT"]; ok {
		_, ended := a["END-DATE"]
		if v != "YES" || a["CLASS"] == "" || length >= 0 || ended {
			return "END-ON-NEXT=" + clip(v) + " without a CLASS, or with DURATION or END-DATE"
		}
	}
	return ""
}

// deltaRanges judges the Date Ranges of a delta update against those of the full
// playlist, if that was published at the same time.
func (w *watcher) deltaRanges(value string, d, f *media) {
	removed, listed := d.skip["RECENTLY-REMOVED-DATERANGES"]
	skips := value == "v2" && f.control["CAN-SKIP-DATERANGES"] == "YES"
	if len(f.ranges) == 0 && !listed {
		return
	}
	w.report.judged(102)
	if !skips && listed {
		w.report.broken(102, w.name, "%q removed for _HLS_skip=%s, which skips none", clip(strings.ReplaceAll(removed, "\t", " ")), value)
	}
	if skips && !listed {
		w.report.broken(102, w.name, "no RECENTLY-REMOVED-DATERANGES for _HLS_skip=v2")
	}
	dm, di := d.nextPart()
	fm, fi := f.nextPart()
	if skips || dm != fm || di != fi || fmt.Sprint(d.reports) != fmt.Sprint(f.reports) { // or something was published in between
		return
	}
	if got, want := fmt.Sprint(d.ranges), fmt.Sprint(f.ranges); got != want {
		w.report.broken(102, w.name, "%d Date Ranges for _HLS_skip=%s, and others than the %d of the full playlist", len(d.ranges), value, len(f.ranges))
	}
}
