package kv

import (
	"encoding/binary"
	"fmt"
)

// fill is how full bbolt leaves the pages of a log when it splits them. Records
// only ever come at the end, so room in the middle would stay empty.
const fill = 0.9

// Log is a named run of raw records, each under a number greater than the one
// before it. Like a [Bucket] it is a name, not a handle, and comes into being
// with the first Append.
type Log struct {
	path folder
}

// NewLog names a log, after the folders it lies in, if any.
func NewLog(path ...string) Log {
	return Log{path: path}
}

// Append puts a record at the end. seq must be greater than that of the last
// one. v must not change until the transaction is over. The transaction must be
// one of Update or Batch.
func (l Log) Append(tx *Tx, seq uint64, v []byte) error {
	b, err := l.path.create(tx)
	if err != nil {
		return err
	}
	b.FillPercent = fill // kept for this transaction only
	if k, _ := b.Cursor().Last(); k != nil && binary.BigEndian.Uint64(k) >= seq {
		return fmt.Errorf("append %d to %s behind %d", seq, l.path, binary.BigEndian.Uint64(k))
	}
	if err := b.Put(binary.BigEndian.AppendUint64(nil, seq), v); err != nil {
		return fmt.Errorf("append %d to %s: %w", seq, l.path, err)
	}
	return nil
}

// Last returns the number of the last record, 0 if there is none.
func (l Log) Last(tx *Tx) uint64 {
	b := l.path.open(tx)
	if b == nil {
		return 0
	}
	k, _ := b.Cursor().Last()
	if k == nil {
		return 0
	}
	return binary.BigEndian.Uint64(k)
}

// ForEach calls fn for each record with a number greater than after, in order,
// until fn returns false or an error. v is fn's to keep.
func (l Log) ForEach(tx *Tx, after uint64, fn func(seq uint64, v []byte) (more bool, err error)) error {
	b := l.path.open(tx)
	if b == nil || after == ^uint64(0) {
		return nil
	}
	c := b.Cursor()
	for k, v := c.Seek(binary.BigEndian.AppendUint64(nil, after+1)); k != nil; k, v = c.Next() {
		if more, err := fn(binary.BigEndian.Uint64(k), append([]byte(nil), v...)); err != nil || !more {
			return err
		}
	}
	return nil
}

// Backward calls fn for each record from the last to the first, until fn returns
// false or an error. v is fn's to keep.
func (l Log) Backward(tx *Tx, fn func(seq uint64, v []byte) (more bool, err error)) error {
	b := l.path.open(tx)
	if b == nil {
		return nil
	}
	c := b.Cursor()
	for k, v := c.Last(); k != nil; k, v = c.Prev() {
		if more, err := fn(binary.BigEndian.Uint64(k), append([]byte(nil), v...)); err != nil || !more {
			return err
		}
	}
	return nil
}
