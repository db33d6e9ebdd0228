package broker

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/lectern/lectern/storage/kv"
)

const (
	batchEvents    = 256     // are not lingered over any longer
	maxBatchEvents = 4096    // share a commit
	maxBatchBytes  = 4 << 20 // after which no further event shares it

	// A commit that takes less is not worth gathering for, as long as they are far
	// between.
	fastCommit = 2 * time.Millisecond

	sweepInterval = time.Minute
)

// Run keeps what is enqueued until ctx ends. Then it refuses more, keeps what is
// left, and returns nil. It may be called once.
func (b *Embedded) Run(ctx context.Context) error {
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	var last time.Time // end of the last commit
	for {
		select {
		case <-ctx.Done():
			b.stop()
			return nil
		case <-sweep.C:
			b.sweep()
			continue
		case <-b.wake:
		}
		idle := time.Since(last) > b.cfg.Linger
		if b.Health().LastCommit > fastCommit || !idle {
			b.linger(ctx)
		}
		b.commit(b.take())
		last = time.Now()
	}
}

// linger waits for company.
func (b *Embedded) linger(ctx context.Context) {
	timer := time.NewTimer(b.cfg.Linger)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.full:
	case <-ctx.Done():
	}
}

func (b *Embedded) stop() {
	b.queueMu.Lock()
	b.closed = true
	b.queueMu.Unlock()
	for batch := b.take(); len(batch) > 0; batch = b.take() {
		b.commit(batch)
	}
}

// draft is what a commit makes of a room's log.
type draft struct {
	log     *roomLog // as it is in memory
	deleted bool     // what log holds is gone
	epoch   string
	last    uint64
	records []Record
	ids     map[string]uint64 // of records
}

// seqOf returns the number of the event with that id, 0 if there is none.
func (d *draft) seqOf(id string) uint64 {
	if id == "" {
		return 0
	}
	if seq := d.ids[id]; seq != 0 || d.deleted {
		return seq
	}
	return d.log.ids[id]
}

// commit does the items in one transaction, then tells.
func (b *Embedded) commit(batch []item) {
	if len(batch) == 0 {
		return
	}
	start := time.Now()
	var drafts map[string]*draft
	results := make([]Result, len(batch))
	err := b.load(batch)
	if err == nil {
		err = b.db.Update(func(tx *kv.Tx) error {
			drafts = make(map[string]*draft)
			for i, it := range batch {
				var ferr error
				if results[i], ferr = b.write(tx, b.draft(drafts, it.room), it); ferr != nil {
					return ferr
				}
			}
			return nil
		})
	}
	took := time.Since(start)
	b.metrics.commit.Observe(took.Seconds())
	b.metrics.batch.Observe(float64(len(batch)))
	b.report(took, err)
	if err != nil {
		err = fmt.Errorf("keep events: %w", err)
	} else {
		b.install(drafts)
	}
	for i, it := range batch {
		if err != nil {
			results[i] = Result{Err: err}
		}
		b.metrics.events.WithLabelValues(results[i].outcome()).Inc()
		it.done(results[i])
	}
}

func (r Result) outcome() string {
	switch {
	case r.Err == nil && r.Again:
		return "again"
	case r.Err == nil:
		return "kept"
	case errors.Is(r.Err, ErrConflict):
		return "conflict"
	default:
		return "failed"
	}
}

// draft returns the draft of a room's log, which has been loaded. Only the
// committer changes logs in memory, so it may read them without the lock.
func (b *Embedded) draft(drafts map[string]*draft, room string) *draft {
	d := drafts[room]
	if d == nil {
		b.mu.Lock()
		log := b.rooms[room]
		b.mu.Unlock()
		d = &draft{log: log, epoch: log.epoch, last: log.last, ids: make(map[string]uint64)}
		drafts[room] = d
	}
	return d
}

// write does one item. An error is one of the database and ends the commit.
func (b *Embedded) write(tx *kv.Tx, d *draft, it item) (Result, error) {
	switch {
	case it.delete:
		*d = draft{log: d.log, deleted: true, ids: make(map[string]uint64)}
		return Result{}, b.store.remove(tx, it.room)
	case it.touch:
		return Result{}, nil
	case it.put != nil:
		return b.store.put(tx, it.room, it.put)
	}
	if seq := d.seqOf(it.ev.ID); seq != 0 {
		return Result{Position: Position{Epoch: d.epoch, Seq: seq}, Again: true}, nil
	}
	if it.ev.At != 0 && it.ev.At != d.last+1 {
		return Result{Err: ErrConflict}, nil
	}
	if d.epoch == "" {
		d.epoch = rand.Text()[:12]
		if err := b.store.begin(tx, it.room, d.epoch); err != nil {
			return Result{}, err
		}
	}
	r := Record{Seq: d.last + 1, Time: it.time, ID: it.ev.ID, Data: it.ev.Data}
	if err := b.store.append(tx, it.room, r); err != nil {
		return Result{}, err
	}
	d.last = r.Seq
	d.records = append(d.records, r)
	if r.ID != "" {
		d.ids[r.ID] = r.Seq
	}
	return Result{Position: Position{Epoch: d.epoch, Seq: r.Seq}}, nil
}

// report logs the first failure of a row of them, and the end of the row.
func (b *Embedded) report(took time.Duration, err error) {
	b.queueMu.Lock()
	before := b.commitErr
	b.lastCommit, b.commitErr = took, err
	b.queueMu.Unlock()
	switch {
	case err != nil && before == nil:
		b.logger.Error("rooms cannot be kept", "err", err)
	case err == nil && before != nil:
		b.logger.Info("rooms are kept again")
	}
}
