package segment

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// tmpSuffix marks files under way.
	tmpSuffix = ".tmp"

	// maxHole bounds how many missing media sequence numbers replay fills in a
	// row: a day of 1 s segments. Nothing but a forged index asks for more.
	maxHole = 86400
)

// replay reads the index into l, or starts a new one.
func (l *Log) replay() error {
	if err := l.files.MkdirAll(l.dir); err != nil {
		return fmt.Errorf("create class folder: %w", err)
	}
	data, err := l.files.ReadFile(l.index.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read index: %w", err)
	}
	records, end, damaged := decodeIndex(data)
	l.index.size = int64(end)
	if end < len(data) {
		l.fault(faultTorn, 1)
		if err := l.files.Truncate(l.index.name, int64(end)); err != nil {
			return fmt.Errorf("cut torn end of index: %w", err)
		}
	}
	l.fault(faultChecksum, damaged)
	l.load(records)
	if l.epoch != "" {
		return nil
	}
	l.epoch = newEpoch()
	defer l.index.close()
	if err := l.index.append(record{Epoch: l.epoch}); err != nil {
		return fmt.Errorf("start index: %w", err)
	}
	if err := l.files.SyncDir(l.dir); err != nil {
		return fmt.Errorf("start index: %w", err)
	}
	return nil
}

// loading is one rendition while the index is read; later records win.
type loading struct {
	inits    map[int]*initRecord
	segments map[int]*segmentRecord
}

// load turns records into renditions.
func (l *Log) load(records []record) {
	byName := make(map[string]*loading)
	at := func(name string) *loading {
		if byName[name] == nil {
			byName[name] = &loading{inits: make(map[int]*initRecord), segments: make(map[int]*segmentRecord)}
		}
		return byName[name]
	}
	for _, r := range records {
		switch {
		case r.Init != nil:
			at(r.Init.Rendition).inits[r.Init.ID] = r.Init
		case r.Segment != nil:
			at(r.Segment.Rendition).segments[r.Segment.MSN] = r.Segment
		default:
			l.epoch = r.Epoch
		}
	}
	for name, ld := range byName {
		l.replayed = append(l.replayed, l.loadRendition(name, ld))
	}
	slices.SortFunc(l.replayed, func(a, b Rendition) int { return strings.Compare(a.Name, b.Name) })
}

func (l *Log) loadRendition(name string, ld *loading) Rendition {
	r := &rendition{name: name, lastMSN: -1}
	out := Rendition{Name: name}
	l.removeTemporary(name)
	for _, rec := range sorted(ld.inits) {
		r.nextInit = rec.ID + 1
		data, err := l.files.ReadFile(l.path(name, initName(rec.ID)))
		if err != nil || int64(len(data)) != rec.Bytes || checksum(data) != rec.Checksum {
			l.fault(faultFile, 1)
			continue
		}
		in := rec.init(data)
		// The time only has to be the same at every start of the process.
		var at time.Time
		if info, err := l.files.Stat(l.path(name, initName(rec.ID))); err == nil {
			at = info.ModTime()
		}
		r.inits.Store(in.ID, &storedInit{Init: in, at: at, saved: true})
		out.Inits = append(out.Inits, in)
	}
	out.NextInit = r.nextInit
	for _, rec := range sorted(ld.segments) {
		s := rec.segment()
		if !s.Gap && !l.intact(r, rec) {
			l.fault(faultFile, 1)
			s.Gap, s.Bytes, s.Parts, s.IFrameBytes = true, 0, nil, 0
		}
		for _, hole := range holes(out.Segments, s) {
			l.fault(faultHole, 1)
			out.Segments = append(out.Segments, hole)
			r.restore(hole, nil)
		}
		out.Segments = append(out.Segments, s)
		r.restore(s, rec)
	}
	l.renditions.Store(name, r)
	return out
}

// intact reports whether the segment can be read and played.
func (l *Log) intact(r *rendition, rec *segmentRecord) bool {
	if _, ok := r.init(rec.InitID); !ok {
		return false
	}
	info, err := l.files.Stat(l.path(r.name, segmentName(rec.MSN)))
	return err == nil && info.Mode().IsRegular() && info.Size() == rec.Bytes
}

// restore enters a replayed segment; rec is nil for a hole.
func (r *rendition) restore(s Segment, rec *segmentRecord) {
	r.lastMSN = s.MSN
	if s.Gap {
		return
	}
	b := &body{size: s.Bytes, finished: rec.Finished, saved: true}
	for _, p := range rec.Parts {
		b.parts = append(b.parts, part{size: p.Bytes, at: rec.Finished})
	}
	e := &entry{rendition: r, msn: s.MSN, meta: s}
	e.body.Store(b)
	r.segments.Store(s.MSN, e)
}

// holes returns gaps for the media sequence numbers between the last of before
// and next, with the missing time shared evenly.
func holes(before []Segment, next Segment) []Segment {
	if len(before) == 0 {
		return nil
	}
	last := before[len(before)-1]
	n := next.MSN - last.MSN - 1
	if n <= 0 || n > maxHole {
		return nil
	}
	step := max(0, next.MediaTime-last.MediaEnd) / time.Duration(n)
	if step == 0 {
		step = last.Duration
	}
	out := make([]Segment, n)
	for i := range out {
		out[i] = Segment{
			MSN: last.MSN + 1 + i, Duration: step,
			ProgramDateTime:       last.ProgramDateTime.Add(last.Duration + time.Duration(i)*step),
			MediaTime:             last.MediaEnd + time.Duration(i)*step,
			MediaEnd:              last.MediaEnd + time.Duration(i+1)*step,
			InitID:                last.InitID,
			DiscontinuitySequence: last.DiscontinuitySequence,
			Gap:                   true,
		}
	}
	return out
}

// removeTemporary deletes what a crash left half written.
func (l *Log) removeTemporary(rendition string) {
	dir := filepath.Join(l.dir, rendition)
	files, err := l.files.ReadDir(dir)
	if err != nil {
		return // no folder, nothing left behind
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), tmpSuffix) {
			_ = l.files.Remove(filepath.Join(dir, f.Name())) // it would be overwritten anyway
		}
	}
}

// fault counts and reports n faults of one kind.
func (l *Log) fault(reason string, n int) {
	if n == 0 {
		return
	}
	l.metrics.faults.WithLabelValues(reason).Add(float64(n))
	if c, ok := l.troubles.allow(); ok {
		l.logger.Warn("class folder is damaged", "reason", reason, "count", c)
	}
}

func sorted[T any](m map[int]*T) []*T {
	out := make([]*T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// newEpoch returns eight characters of [a-z2-7].
func newEpoch() string { return strings.ToLower(rand.Text()[:8]) }
