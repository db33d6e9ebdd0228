package playlist

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// cueClass is the CLASS of the Date Ranges that are cues.
const cueClass = "org.lectern.cue"

// MaxLiveCues bounds the cues that a live list has, some 10 KB. The oldest are left out.
const MaxLiveCues = 64

// Cues are the moments of a class that its playlists tell of, as EXT-X-DATERANGE
// (RFC 8216bis §4.4.5.1). They are immutable: a list that took them once can keep
// them. The zero Cues are none.
type Cues struct {
	all []cue // by time
}

type cue struct {
	segment.Cue

	end time.Time // zero as long as that is not known
}

// Len returns how many there are.
func (c Cues) Len() int { return len(c.all) }

// With returns c with those of more that are not there yet, and which these are.
// Those that are not valid, or would be more than limit in all, are left out.
func (c Cues) With(more []segment.Cue, limit int) (with Cues, added []segment.Cue, leftOut int) {
	known := make(map[segment.Cue]bool, len(c.all)+len(more))
	for i := range c.all {
		known[c.all[i].Cue] = true
	}
	for _, m := range more {
		m.At = m.At.UTC().Round(time.Millisecond)
		switch {
		case known[m]:
		case len(known) >= limit || !m.Valid():
			leftOut++
		default:
			known[m] = true
			added = append(added, m)
		}
	}
	if len(added) == 0 {
		return c, nil, leftOut
	}
	all := slices.Grow(slices.Clone(c.all), len(added))
	for _, m := range added {
		all = append(all, cue{Cue: m})
	}
	slices.SortStableFunc(all, func(a, b cue) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.name(), b.name())) })
	next := make(map[string]time.Time) // by ID, the cue that comes next
	for i, m := range slices.Backward(all) {
		if all[i].end = m.At; m.Lasts {
			all[i].end = next[m.ID]
		}
		next[m.ID] = m.At
	}
	return Cues{all}, added, leftOut
}

// gone reports whether the cue has ended before a date.
func (c *cue) gone(before time.Time) bool { return !c.end.IsZero() && c.end.Before(before) }

// Append writes those that have not ended before from. If there are more than most,
// unless that is 0, the oldest are left out.
func (c Cues) Append(b []byte, from time.Time, most int) []byte {
	n := c.Count(from)
	for i := range c.all {
		if c.all[i].gone(from) {
			continue
		}
		if n--; most == 0 || n < most {
			b = c.all[i].append(b)
		}
	}
	return b
}

// Count returns how many have not ended before from.
func (c Cues) Count(from time.Time) (n int) {
	for i := range c.all {
		if !c.all[i].gone(from) {
			n++
		}
	}
	return n
}

// name is the ID of the Date Range. All other attributes follow from it, so that they
// never change.
func (c *cue) name() string {
	return "cue-" + c.Event + "-" + c.ID + "-" + strconv.FormatInt(c.At.UnixMilli(), 10)
}

// append writes the tag. One that lasts has no DURATION, not even once that is known:
// what was said of an ID is not added to. The cue that ends it says when.
func (c *cue) append(b []byte) []byte {
	b = append(b, `#EXT-X-DATERANGE:ID="`...)
	b = append(b, c.name()...)
	b = append(b, `",CLASS="`+cueClass+`",START-DATE="`...)
	b = c.At.AppendFormat(b, dateLayout)
	if !c.Lasts {
		b = append(b, `",DURATION=0.000,X-EVENT="`...)
	} else {
		b = append(b, `",X-EVENT="`...)
	}
	b = append(b, c.Event...)
	b = append(b, `",X-CUE="`...)
	b = append(b, c.ID...)
	return append(b, "\"\n"...)
}
