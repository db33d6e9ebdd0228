package broker

import (
	"context"
	"errors"
	"fmt"

	"github.com/lectern/lectern/storage/kv"
)

// readBytes bounds the data that one History reads from the disk.
const readBytes = 1 << 20

// History implements [Broker]. The newest events come from memory.
func (b *Embedded) History(ctx context.Context, room string, from Position, limit int) ([]Record, Position, error) {
	if err := ctx.Err(); err != nil {
		return nil, Position{}, err
	}
	limit = max(limit, 0)
	b.mu.Lock()
	l := b.rooms[room]
	if l != nil {
		l.used = b.now()
		end := Position{Epoch: l.epoch, Seq: l.last}
		if err := check(from, end); err != nil {
			b.mu.Unlock()
			return nil, end, err
		}
		if behind := int(min(end.Seq-from.Seq, 1<<31)); behind <= len(l.ring) { //nolint:gosec // bounded
			records := l.ring[len(l.ring)-behind:]
			records = append([]Record(nil), records[:min(limit, behind)]...)
			b.mu.Unlock()
			return records, end, nil
		}
	}
	b.mu.Unlock()
	return b.readFrom(room, from, limit)
}

// check says whether a log that ends at end can go on from a position.
func check(from, end Position) error {
	if from == (Position{}) || (from.Epoch == end.Epoch && from.Seq <= end.Seq) {
		return nil
	}
	return ErrPositionLost
}

// readFrom is History from the disk.
func (b *Embedded) readFrom(room string, from Position, limit int) (records []Record, end Position, err error) {
	b.metrics.reads.Inc()
	err = b.db.View(func(tx *kv.Tx) (err error) {
		if end.Epoch, err = b.store.epoch(tx, room); err != nil {
			return err
		}
		end.Seq = b.store.log(room).Last(tx)
		if err = check(from, end); err != nil {
			return err
		}
		if limit == 0 {
			return nil
		}
		bytes := 0
		return b.store.forward(tx, room, from.Seq, func(r Record) bool {
			records = append(records, r)
			bytes += len(r.Data)
			return len(records) < limit && bytes < readBytes
		})
	})
	if err != nil {
		return nil, end, fmt.Errorf("read log of room %q: %w", room, err)
	}
	return records, end, nil
}

// Rooms returns the rooms that have a log on the disk, in byte order.
func (b *Embedded) Rooms(ctx context.Context) ([]string, error) {
	var all []string
	err := b.db.View(func(tx *kv.Tx) error {
		b.store.rooms(tx, func(room string) bool {
			all = append(all, room)
			return ctx.Err() == nil
		})
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list rooms: %w", err)
	}
	return all, nil
}

// Subscribe implements [Broker]. It reads as fast as h takes: from the disk if
// h is further behind than memory goes back.
func (b *Embedded) Subscribe(ctx context.Context, room string, from Position, h func(Position, Record) error) error {
	err := b.follow(ctx, room, from, h)
	if errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func (b *Embedded) follow(ctx context.Context, room string, from Position, h func(Position, Record) error) error {
	for {
		changed := b.watch(room)
		if changed == nil {
			if err := b.touch(ctx, room); err != nil {
				return err
			}
			continue
		}
		records, end, err := b.History(ctx, room, from, chunk)
		if err != nil {
			return err
		}
		for _, r := range records {
			from = Position{Epoch: end.Epoch, Seq: r.Seq}
			if err := h(from, r); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		if from.Seq < end.Seq {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// touch has the committer, and nobody else may, bring a room into memory: there
// changes are told.
func (b *Embedded) touch(ctx context.Context, room string) error {
	if len(room) == 0 || len(room) > MaxRoom {
		return ErrTooLarge
	}
	results := make(chan Result, 1)
	if err := b.push(item{room: room, touch: true, done: func(r Result) { results <- r }}); err != nil {
		return err
	}
	_, err := wait(ctx, results)
	return err
}

// watch returns a channel that is closed at the next change of the room's log,
// nil if the room is not in memory.
func (b *Embedded) watch(room string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.rooms[room]
	if l == nil {
		return nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// PutIf implements [Broker].
func (b *Embedded) PutIf(ctx context.Context, room, key string, rev uint64, val []byte) (uint64, []byte, error) {
	if len(room) == 0 || len(room) > MaxRoom || len(key) == 0 || len(key) > MaxID || len(val) > MaxData {
		return 0, nil, ErrTooLarge
	}
	p := &put{key: key, rev: rev, value: val}
	results := make(chan Result, 1)
	if err := b.push(item{room: room, put: p, done: func(r Result) { results <- r }}); err != nil {
		return 0, nil, err
	}
	r, err := wait(ctx, results)
	if r == (Result{}) && err != nil { // p is still the committer's
		return 0, nil, err
	}
	return p.current.Rev, p.current.Data, err
}

// Delete implements [Broker].
func (b *Embedded) Delete(ctx context.Context, room string) error {
	if len(room) == 0 || len(room) > MaxRoom {
		return ErrTooLarge
	}
	results := make(chan Result, 1)
	if err := b.push(item{room: room, delete: true, done: func(r Result) { results <- r }}); err != nil {
		return err
	}
	_, err := wait(ctx, results)
	return err
}
