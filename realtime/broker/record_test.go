package broker

import (
	"bytes"
	"testing"
	"time"
)

// A record of the file is read as it was written, and a damaged one is an error.
func FuzzRecord(f *testing.F) {
	f.Add([]byte{}, "id", []byte("data"), int64(1_760_000_000_000))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 'x'}, "", []byte{}, int64(0))
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "", []byte{}, int64(0))
	f.Fuzz(func(t *testing.T, raw []byte, id string, data []byte, ms int64) {
		if r, err := decode(1, raw); err == nil && len(r.ID)+len(r.Data) > len(raw) {
			t.Errorf("%d bytes hold %+v", len(raw), r)
		}
		want := Record{Seq: 7, Time: time.UnixMilli(ms).UTC(), ID: id, Data: data}
		got, err := decode(7, encode(want))
		if err != nil || got.Seq != 7 || !got.Time.Equal(want.Time) || got.ID != id || !bytes.Equal(got.Data, data) {
			t.Errorf("%+v was read as %+v, %v", want, got, err)
		}
	})
}

// Rooms that nobody uses leave memory; those that someone waits in do not.
func TestSweep(t *testing.T) {
	now := time.Now()
	b := NewEmbedded(DefaultConfig(), Deps{Now: func() time.Time { return now }})
	used := now.Add(-idWindow)
	b.rooms["waiting"] = &roomLog{used: used, changed: make(chan struct{})}
	b.rooms["idle"] = &roomLog{used: used}
	b.sweep()
	if len(b.rooms) != 2 {
		t.Errorf("%d rooms", len(b.rooms))
	}
	now = now.Add(1)
	b.sweep()
	if len(b.rooms) != 1 || b.rooms["waiting"] == nil {
		t.Errorf("rooms are %v", b.rooms)
	}
}
