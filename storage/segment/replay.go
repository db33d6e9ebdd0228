package segment

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

// maxHole bounds how many missing media sequence numbers replay fills in a
// row: a day of 1 s segments. Nothing but a forged index asks for more.
const maxHole = 86400

// legacyEpoch stands for that of an old index whose first line is damaged.
const legacyEpoch = "legacy"

// known is what the disk says of one rendition.
type known struct {
	inits    map[int]*knownInit
	segments map[int]*knownSegment
	orphans  map[string]journal // by the name of the media file, see adopt
	sizes    map[string]int64   // of the files in the folder, by name
}

type knownInit struct {
	*initRecord
	epoch   string
	file    string // that has it
	adopted string // name of the journal's file, without suffix; "" if the index has it
}

type knownSegment struct {
	*segmentRecord
	epoch   string
	file    string // that has it, "" if none has
	adopted string // as in knownInit
}

// replay reads the folder into l and changes nothing there.
func (l *Log) replay() error {
	data, err := l.files.ReadFile(l.index.name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read index: %w", err)
	}
	records, end, damaged := decodeIndex(data)
	l.index.size, l.index.torn = int64(end), end < len(data)
	if l.index.torn {
		l.fault(faultTorn, 1)
	}
	l.fault(faultChecksum, damaged)
	byName := make(map[string]*known)
	at := func(name string) *known {
		if byName[name] == nil {
			byName[name] = &known{
				inits: make(map[int]*knownInit), segments: make(map[int]*knownSegment),
				orphans: make(map[string]journal), sizes: make(map[string]int64),
			}
		}
		return byName[name]
	}
	legacy := legacyEpoch
	for _, r := range records {
		epoch, inName := r.Epoch, r.Epoch
		if epoch == "" {
			epoch = legacy
		}
		switch {
		case r.Init != nil:
			at(r.Init.Rendition).inits[r.Init.ID] = &knownInit{
				initRecord: r.Init, epoch: epoch,
				file: mediaName{init: true, id: r.Init.ID, epoch: inName}.String(),
			}
		case r.Segment != nil:
			s := &knownSegment{segmentRecord: r.Segment, epoch: epoch}
			if !s.Gap {
				s.file = mediaName{id: s.MSN, epoch: inName}.String()
			}
			at(s.Rendition).segments[s.MSN] = s
		case r.Cue != nil:
			l.cues = append(l.cues, Cue(*r.Cue))
		default:
			legacy = r.Epoch
		}
	}
	folders, err := l.files.ReadDir(l.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read class folder: %w", err)
	}
	for _, f := range folders {
		if f.IsDir() && validRendition(f.Name()) {
			l.look(f.Name(), at)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		l.adopt(name, byName[name])
		l.loadRendition(name, byName[name])
	}
	if l.starved != nil {
		return fmt.Errorf("read class folder: %w", l.starved)
	}
	return nil
}

// starve notes that err was no fault of the folder: what could not be read for want of
// a file descriptor must not be taken for lost.
func (l *Log) starve(err error) {
	if _, passing := shortage(err); passing {
		l.starved = err
	}
}

// loadRendition makes the rendition that k describes.
func (l *Log) loadRendition(name string, k *known) {
	r := &rendition{name: name, lastMSN: -1}
	for _, rec := range sorted(k.inits) {
		r.nextInit = rec.ID + 1
		data, err := l.files.ReadFile(l.path(name, rec.file))
		l.starve(err)
		if err != nil || int64(len(data)) != rec.Bytes || checksum(data) != rec.Checksum {
			l.fault(faultFile, 1)
			continue
		}
		stored := &storedInit{Init: rec.init(rec.epoch, data), saved: rec.adopted == ""}
		// The time only has to be the same at every start of the process.
		if info, err := l.files.Stat(l.path(name, rec.file)); err == nil {
			stored.at = info.ModTime()
		}
		r.inits.Store(rec.ID, stored)
		r.ids = append(r.ids, rec.ID)
		if rec.adopted != "" {
			l.repairs = append(l.repairs, repair{rendition: r, init: stored, from: rec.file, adopted: rec.adopted})
		}
	}
	now := time.Now()
	segments := sorted(k.segments)
	l.verifyLast(r, k, segments)
	for _, rec := range segments {
		// An id that a segment names was used, whatever became of the Init.
		r.nextInit = max(r.nextInit, rec.InitID+1)
		if !rec.Gap && !l.playable(r, k, rec) {
			l.fault(faultFile, 1)
			rec.lose()
		}
		b := &body{meta: rec.segment(rec.epoch), finished: rec.Finished, file: rec.file}
		if !rec.Gap && !b.partsOver(now, l.cfg.PartRetention) {
			b.know(rec.Parts)
		}
		b.ragged = rec.file != "" && k.sizes[rec.file] > rec.Bytes
		for _, hole := range r.holesBefore(b.meta) {
			l.fault(faultHole, 1)
			r.restore(&body{meta: hole, finished: rec.Finished})
		}
		e := r.restore(b)
		if len(b.parts) > 0 {
			l.divisible = append(l.divisible, e)
		}
		if rec.adopted != "" {
			l.repairs = append(l.repairs, repair{
				rendition: r, segment: e, record: rec.segmentRecord, from: rec.file, adopted: rec.adopted,
			})
		}
	}
	l.renditions.Store(name, r)
}

// lose makes a gap of the segment.
func (s *knownSegment) lose() {
	s.Gap, s.Bytes, s.IFrameBytes, s.Checksum, s.Parts, s.file = true, 0, 0, 0, nil, ""
}

// know takes over the parts.
func (b *body) know(parts []partRecord) {
	for _, p := range parts {
		b.parts = append(b.parts, part{size: p.Bytes, at: b.finished, duration: p.Duration, independent: p.Independent})
	}
}

// verifyLast reads the last segment: what was durable when it was written is not what
// a dying disk returns.
func (l *Log) verifyLast(r *rendition, k *known, segments []*knownSegment) {
	for _, rec := range slices.Backward(segments) {
		if rec.Gap {
			continue
		}
		// Those without a checksum are of earlier versions; the adopted were read.
		if rec.Checksum != 0 && rec.adopted == "" && !l.intact(l.path(r.name, rec.file), rec.Bytes, rec.Checksum) {
			k.sizes[rec.file] = -1
		}
		return
	}
}

// playable reports whether the segment and its Init can be read.
func (l *Log) playable(r *rendition, k *known, rec *knownSegment) bool {
	if _, ok := r.init(rec.InitID); !ok {
		return false
	}
	size, ok := k.sizes[rec.file]
	return ok && (size == rec.Bytes || rec.adopted != "" && size > rec.Bytes)
}

// restore enters a replayed segment or gap.
func (r *rendition) restore(b *body) *entry {
	e := &entry{rendition: r, epoch: b.meta.Epoch, msn: b.meta.MSN}
	e.body.Store(b)
	r.lastMSN = e.msn
	r.order = append(r.order, e)
	if !b.meta.Gap {
		r.segments.Store(e.msn, e)
	}
	return e
}

// holesBefore returns gaps for the media sequence numbers between the last segment
// and next.
func (r *rendition) holesBefore(next Segment) []Segment {
	if len(r.order) == 0 {
		return nil
	}
	return holes(r.order[len(r.order)-1].body.Load().meta, next)
}

// holes returns gaps for the media sequence numbers between last and next, with the
// missing time shared evenly.
func holes(last, next Segment) []Segment {
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
			MSN: last.MSN + 1 + i, Epoch: last.Epoch, Duration: step,
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

// tornEpoch is the epoch of a torn segment that was made under name.
func tornEpoch(name string) string { return fmt.Sprintf("torn%08x", checksum([]byte(name))) }
