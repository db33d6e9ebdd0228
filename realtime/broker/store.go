package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/lectern/lectern/storage/kv"
)

// recordVersion is the first byte of a record in the file.
const recordVersion = 1

// store is the layout of the logs in the database: for each room a folder with
// its epoch, its log and its keys. Names are part of the file format.
type store struct{}

const roomsFolder = "rooms"

func (store) meta(room string) kv.Bucket[string] {
	return kv.NewBucket[string](roomsFolder, room, "meta")
}
func (store) log(room string) kv.Log { return kv.NewLog(roomsFolder, room, "log") }
func (store) keys(room string) kv.Bucket[value] {
	return kv.NewBucket[value](roomsFolder, room, "keys")
}

// value is what PutIf keeps.
type value struct {
	Rev  uint64 `json:"rev"`
	Data []byte `json:"data"`
}

// put is the order to set a key, and what was there instead.
type put struct {
	key     string
	rev     uint64
	value   []byte
	current value
}

// epoch returns the epoch of a room's log, empty if there is none.
func (s store) epoch(tx *kv.Tx, room string) (string, error) {
	epoch, err := s.meta(room).Get(tx, "epoch")
	if errors.Is(err, kv.ErrNotFound) {
		return "", nil
	}
	return epoch, err
}

func (s store) begin(tx *kv.Tx, room, epoch string) error {
	return s.meta(room).Put(tx, "epoch", epoch)
}

func (s store) append(tx *kv.Tx, room string, r Record) error {
	return s.log(room).Append(tx, r.Seq, encode(r))
}

func (s store) remove(tx *kv.Tx, room string) error {
	return kv.DeleteFolder(tx, roomsFolder, room)
}

func (store) rooms(tx *kv.Tx, fn func(room string) bool) { kv.Folders(tx, fn, roomsFolder) }

// put sets a key if its revision is the one of p, and fills in p.current.
func (s store) put(tx *kv.Tx, room string, p *put) (Result, error) {
	keys := s.keys(room)
	current, err := keys.Get(tx, p.key)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return Result{}, err
	}
	p.current = current
	if current.Rev != p.rev {
		return Result{Err: ErrConflict}, nil
	}
	p.current = value{Rev: p.rev + 1, Data: p.value}
	return Result{}, keys.Put(tx, p.key, p.current)
}

// forward calls fn with the records behind after until it returns false.
func (s store) forward(tx *kv.Tx, room string, after uint64, fn func(Record) bool) error {
	return s.log(room).ForEach(tx, after, decodeTo(fn))
}

// backward calls fn with all records, the newest first, until it returns false.
func (s store) backward(tx *kv.Tx, room string, fn func(Record) bool) error {
	return s.log(room).Backward(tx, decodeTo(fn))
}

func decodeTo(fn func(Record) bool) func(uint64, []byte) (bool, error) {
	return func(seq uint64, b []byte) (bool, error) {
		r, err := decode(seq, b)
		return err == nil && fn(r), err
	}
}

// encode lays a record out: version, milliseconds, length of the id, id, data.
func encode(r Record) []byte {
	b := make([]byte, 0, 1+8+2+len(r.ID)+len(r.Data))
	b = append(b, recordVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Time.UnixMilli())) //nolint:gosec // times after 1970
	b = binary.AppendUvarint(b, uint64(len(r.ID)))
	b = append(b, r.ID...)
	return append(b, r.Data...)
}

func decode(seq uint64, b []byte) (Record, error) {
	if len(b) < 10 || b[0] != recordVersion {
		return Record{}, fmt.Errorf("event %d is damaged", seq)
	}
	ms := binary.BigEndian.Uint64(b[1:])
	idLen, n := binary.Uvarint(b[9:])
	if n <= 0 || idLen > uint64(len(b)-9-n) {
		return Record{}, fmt.Errorf("event %d is damaged", seq)
	}
	b = b[9+n:]
	return Record{Seq: seq, Time: time.UnixMilli(int64(ms)).UTC(), ID: string(b[:idLen]), Data: b[idLen:]}, nil //nolint:gosec // as written
}
