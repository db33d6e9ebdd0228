package broker

import (
	"fmt"
	"time"

	"github.com/lectern/lectern/storage/kv"
)

const (
	// idWindow is how long an id is remembered at least: longer than clients go on
	// trying. A room that fills maxIDs in less time remembers those only.
	idWindow = 2 * time.Minute
	maxIDs   = 1 << 18

	// ringBytes bounds the data of one room's events in memory; there is always
	// the newest one.
	ringBytes = 8 << 20
)

// roomLog is what of a room's log is in memory: its end. Embedded.mu guards it;
// only the committer changes it.
type roomLog struct {
	epoch string
	last  uint64

	ring  []Record // the newest ones, without a gap
	bytes int      // of their data

	ids    map[string]uint64 // to the number of the event
	recent []Record          // those in ids, in order, without data

	used    time.Time
	changed chan struct{} // closed at the next change; nil if nobody waits
}

// add puts records at the end and lets go of what is too old.
func (l *roomLog) add(records []Record, ringEvents int, now time.Time) {
	for _, r := range records {
		l.last = r.Seq
		l.ring = append(l.ring, r)
		l.bytes += len(r.Data)
		if r.ID != "" {
			l.ids[r.ID] = r.Seq
			l.recent = append(l.recent, Record{Seq: r.Seq, Time: r.Time, ID: r.ID})
		}
	}
	n := 0
	for len(l.ring)-n > ringEvents || (l.bytes > ringBytes && len(l.ring)-n > 1) {
		l.bytes -= len(l.ring[n].Data)
		n++
	}
	clear(l.ring[:n]) // their data may go before the array is replaced
	l.ring = l.ring[n:]
	n = 0
	for n < len(l.recent) && (now.Sub(l.recent[n].Time) > idWindow || len(l.recent)-n > maxIDs) {
		if l.ids[l.recent[n].ID] == l.recent[n].Seq {
			delete(l.ids, l.recent[n].ID)
		}
		n++
	}
	clear(l.recent[:n])
	l.recent = l.recent[n:]
}

// tell wakes those who wait for a change.
func (l *roomLog) tell() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// install makes memory what the disk has become.
func (b *Embedded) install(drafts map[string]*draft) {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range drafts {
		l := d.log
		if d.deleted {
			*l = roomLog{ids: make(map[string]uint64), changed: l.changed}
		}
		l.epoch = d.epoch
		l.add(d.records, b.cfg.ResumeEvents, now)
		l.used = now
		if d.deleted || len(d.records) > 0 {
			l.tell()
		}
	}
}

// load brings the rooms of a batch into memory.
func (b *Embedded) load(batch []item) error {
	for i, it := range batch {
		if i > 0 && batch[i-1].room == it.room {
			continue
		}
		b.mu.Lock()
		l := b.rooms[it.room]
		b.mu.Unlock()
		if l != nil {
			continue
		}
		l, err := b.read(it.room)
		if err != nil {
			return err
		}
		b.mu.Lock()
		b.rooms[it.room] = l
		b.mu.Unlock()
	}
	return nil
}

// read reads the end of a room's log: the ring, and all ids that are to be
// remembered. Only the committer may put the result into memory: nothing can be
// committed in between.
func (b *Embedded) read(room string) (*roomLog, error) {
	now := b.now()
	l := &roomLog{ids: make(map[string]uint64), used: now}
	var records []Record // newest first
	err := b.db.View(func(tx *kv.Tx) (err error) {
		if l.epoch, err = b.store.epoch(tx, room); err != nil || l.epoch == "" {
			return err
		}
		return b.store.backward(tx, room, func(r Record) bool {
			if len(records) >= b.cfg.ResumeEvents {
				if now.Sub(r.Time) > idWindow || len(records) >= maxIDs {
					return false
				}
				r.Data = nil // for its id only
			}
			records = append(records, r)
			return true
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read log of room %q: %w", room, err)
	}
	b.metrics.reads.Inc()
	for i, j := 0, len(records)-1; i < j; i, j = i+1, j-1 {
		records[i], records[j] = records[j], records[i]
	}
	l.add(records, b.cfg.ResumeEvents, now)
	return l, nil
}

// sweep forgets rooms that nobody has used for a while; they are read again when
// someone does.
func (b *Embedded) sweep() {
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, l := range b.rooms {
		if l.changed == nil && now.Sub(l.used) > idWindow {
			delete(b.rooms, name)
		}
	}
}
