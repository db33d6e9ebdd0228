package segment

import (
	"fmt"
	"strings"
)

// look lists the folder of a rendition, and reads the journals in it.
func (l *Log) look(name string, at func(string) *known) {
	files, err := l.files.ReadDir(l.path(name, ""))
	if err != nil {
		l.starve(err)
		l.fault(faultFile, 1)
		return
	}
	for _, f := range files {
		n, ok := parseMediaName(f.Name())
		if !ok || f.IsDir() {
			continue // not of this package
		}
		if n.suffix != "" {
			// Of a segment or Init that is not finished, or was not a moment ago.
			l.leftovers = append(l.leftovers, l.path(name, f.Name()))
		}
		k := at(name)
		if info, err := f.Info(); err == nil && info.Mode().IsRegular() {
			k.sizes[f.Name()] = info.Size()
		}
		if n.suffix == journalSuffix {
			data, err := l.files.ReadFile(l.path(name, f.Name()))
			if err != nil {
				l.starve(err)
				continue
			}
			k.orphans[strings.TrimSuffix(f.Name(), journalSuffix)] = decodeJournal(data)
		}
	}
}

// adopt adds to k what has a journal and is not in the index.
func (l *Log) adopt(rendition string, k *known) {
	for name, j := range k.orphans {
		n, _ := parseMediaName(name)
		switch {
		case n.epoch == "":
		case !n.init:
			s := l.adoptSegment(rendition, k, name, n, j)
			if s == nil {
				continue
			}
			// Two runs may have made the number, the first without anything to adopt
			// at the time.
			if old := k.segments[n.id]; old == nil || old.adopted != "" && old.ProgramDateTime.Before(s.ProgramDateTime) {
				k.segments[n.id] = s
			}
		case j.init != nil && k.inits[n.id] == nil && j.init.ID == n.id && j.init.Rendition == rendition:
			if file := l.holder(rendition, k, name, j.init.Bytes, j.init.Checksum); file != "" {
				k.inits[n.id] = &knownInit{initRecord: j.init, epoch: n.epoch, file: file, adopted: name}
			}
		}
	}
	for _, s := range k.segments {
		if s.adopted == "" {
			continue
		}
		kind := adoptedWhole
		switch {
		case s.Gap:
			kind = adoptedGap
		case s.Torn:
			kind = adoptedTorn
		}
		l.metrics.adopted.WithLabelValues(kind).Inc()
		l.logger.Info("segment of a crashed run adopted", "rendition", rendition, "msn", s.MSN, "reason", kind)
	}
}

// adoptSegment returns what is left of a segment, nil if that is nothing.
func (l *Log) adoptSegment(rendition string, k *known, name string, n mediaName, j journal) *knownSegment {
	s := &knownSegment{segmentRecord: j.finish, epoch: n.epoch, adopted: name}
	if j.finish != nil {
		if j.finish.MSN != n.id || j.finish.Rendition != rendition {
			return nil
		}
		if !s.Gap {
			s.file = l.holder(rendition, k, name, s.Bytes, s.Checksum)
		}
		if s.file == "" {
			s.lose() // it was announced, so nothing else may come under its name
		}
		return s
	}
	if j.head == nil {
		return nil
	}
	if l.boot == "" || j.head.Boot != l.boot {
		// A power cut may have cost the line that finished it, and other bytes may
		// have been announced under its name.
		s.epoch = tornEpoch(name)
	}
	var parts int
	var size int64
	for _, file := range []string{name + appendedSuffix, mediaName{id: n.id, epoch: s.epoch}.String()} {
		// The latter was repaired, but for its index line.
		if _, ok := k.sizes[file]; ok && parts == 0 {
			s.file = file
			parts, size = l.whole(l.path(rendition, file), j.parts)
		}
	}
	if parts == 0 {
		return nil
	}
	s.segmentRecord = &segmentRecord{
		Rendition: rendition, MSN: n.id, ProgramDateTime: j.head.ProgramDateTime,
		MediaTime: j.head.MediaTime, MediaEnd: j.head.MediaTime, InitID: j.head.InitID,
		Discontinuity: j.head.Discontinuity, DiscontinuitySequence: j.head.DiscontinuitySequence,
		Bytes: size, Checksum: j.parts[parts-1].Checksum, Torn: true, Finished: j.head.ProgramDateTime,
	}
	for _, p := range j.parts[:parts] {
		p.Checksum = 0
		s.Parts = append(s.Parts, p)
		s.Duration += p.Duration
	}
	s.MediaEnd += s.Duration
	if info, err := l.files.Stat(l.path(rendition, s.file)); err == nil {
		s.Finished = info.ModTime()
	}
	return s
}

// holder returns which file has those bytes, "" if none has.
func (l *Log) holder(rendition string, k *known, name string, size int64, sum uint32) string {
	for _, suffix := range []string{"", appendedSuffix, rewriteSuffix} {
		file := name + suffix
		if k.sizes[file] == size && l.intact(l.path(rendition, file), size, sum) {
			return file
		}
	}
	return ""
}

// repair is one thing that Open has adopted: exactly one of init and segment is set.
type repair struct {
	rendition *rendition
	init      *storedInit
	segment   *entry
	record    *segmentRecord // its index line
	from      string         // the file that has it, "" for a gap
	adopted   string         // name that it was made under
}

// repair brings into the index what Open has adopted, and removes what a crash left
// half made. What fails stays as it is for the next run; it can be read all the same.
func (l *Log) repair() {
	spared := make(map[string]bool)
	for _, r := range l.repairs {
		if err := l.repairOne(r); err != nil {
			l.trouble(err)
			spared[l.path(r.rendition.name, r.from)] = true
		}
		// The line may be on its way still: the index removes the journal.
		spared[l.path(r.rendition.name, r.adopted+journalSuffix)] = true
	}
	for _, path := range l.leftovers {
		if !spared[path] {
			_ = l.files.Remove(path) // else the next start does it
		}
	}
	l.repairs, l.leftovers = nil, nil
}

func (l *Log) repairOne(r repair) error {
	journal := l.path(r.rendition.name, r.adopted+journalSuffix)
	if in := r.init; in != nil {
		if err := l.place(r.rendition, in.fileName(), r.from); err != nil {
			return err
		}
		in.saved = true
		l.appendIndex(in.Epoch, record{Init: newInitRecord(r.rendition.name, in.Init)}, journal)
		return nil
	}
	e := r.segment
	if b := e.body.Load(); b.file != "" {
		if b.ragged {
			if err := l.files.Truncate(l.path(r.rendition.name, r.from), b.meta.Bytes); err != nil {
				return fmt.Errorf("cut torn segment: %w", err)
			}
		}
		if err := l.place(r.rendition, e.fileName(), r.from); err != nil {
			return err
		}
		l.mu.Lock()
		e.change(func(b *body) { b.file, b.ragged = e.fileName(), false })
		l.mu.Unlock()
	}
	l.appendIndex(e.epoch, record{Segment: r.record}, journal)
	return nil
}
