package kv_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lectern/lectern/storage/kv"
)

func update(t *testing.T, db *kv.DB, fn func(tx *kv.Tx) error) {
	t.Helper()
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
}

// numbers reads a log from after, forward, and whole, backward.
func numbers(t *testing.T, db *kv.DB, l kv.Log, after uint64) (forward, backward []uint64) {
	t.Helper()
	collect := func(to *[]uint64) func(uint64, []byte) (bool, error) {
		return func(seq uint64, v []byte) (bool, error) {
			if string(v) != fmt.Sprint("record ", seq) {
				t.Errorf("record %d is %q", seq, v)
			}
			*to = append(*to, seq)
			return true, nil
		}
	}
	if err := db.View(func(tx *kv.Tx) error {
		if err := l.ForEach(tx, after, collect(&forward)); err != nil {
			return err
		}
		return l.Backward(tx, collect(&backward))
	}); err != nil {
		t.Fatal(err)
	}
	return forward, backward
}

func TestLogKeepsOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	l, other := kv.NewLog("rooms", "a", "log"), kv.NewLog("rooms", "b", "log")
	meta := kv.NewBucket[room]("rooms", "a", "meta")
	db := open(t, path, kv.Options{SkipFreelist: true})
	if f, b := numbers(t, db, l, 0); f != nil || b != nil {
		t.Fatalf("a log that nobody wrote holds %v", f)
	}
	for _, seqs := range [][]uint64{{1, 2, 3}, {4}, {300, 70_000}} {
		update(t, db, func(tx *kv.Tx) error {
			for _, seq := range seqs {
				if err := l.Append(tx, seq, fmt.Append(nil, "record ", seq)); err != nil {
					return err
				}
			}
			return meta.Put(tx, "name", room{Name: "aula"})
		})
	}
	if err := db.Update(func(tx *kv.Tx) error { return l.Append(tx, 300, nil) }); err == nil {
		t.Error("a record was put before the last one")
	}
	update(t, db, func(tx *kv.Tx) error { return other.Append(tx, 1, []byte("record 1")) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	db = open(t, path, kv.Options{})
	want := []uint64{1, 2, 3, 4, 300, 70_000}
	for _, after := range []uint64{0, 2, 4, 299, 300, 70_000, 1 << 63, ^uint64(0)} {
		f, b := numbers(t, db, l, after)
		slices.Reverse(b)
		rest := slices.DeleteFunc(slices.Clone(want), func(n uint64) bool { return n <= after })
		if !slices.Equal(f, rest) || !slices.Equal(b, want) {
			t.Errorf("after %d: %v, backward %v", after, f, b)
		}
	}
	names := func() (names []string) {
		if err := db.View(func(tx *kv.Tx) error {
			if got := l.Last(tx); got != 70_000 && got != 0 {
				t.Errorf("last is %d", got)
			}
			kv.Folders(tx, func(name string) bool { names = append(names, name); return true }, "rooms")
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("folders are %v", got)
	}
	for range 2 { // the second time nothing is there
		update(t, db, func(tx *kv.Tx) error { return kv.DeleteFolder(tx, "rooms", "a") })
		if got := names(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("folders are %v", got)
		}
	}
	if f, _ := numbers(t, db, l, 0); f != nil {
		t.Errorf("deleted, it holds %v", f)
	}
	if f, _ := numbers(t, db, other, 0); !slices.Equal(f, []uint64{1}) {
		t.Errorf("its neighbour holds %v", f)
	}
	update(t, db, func(tx *kv.Tx) error { return kv.DeleteFolder(tx, "rooms") })
	update(t, db, func(tx *kv.Tx) error { return kv.DeleteFolder(tx, "rooms", "b") })
	if got := names(); got != nil {
		t.Errorf("folders are %v", got)
	}
}

// What is deleted is used again, so a file does not grow with each class.
func TestDeletedFoldersAreUsedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	db := open(t, path, kv.Options{SkipFreelist: true})
	size := func() (n int64) {
		if err := db.View(func(tx *kv.Tx) error { n = tx.Size(); return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var first int64
	for class := range 5 {
		l := kv.NewLog("rooms", fmt.Sprint(class), "log")
		for batch := range uint64(10) {
			update(t, db, func(tx *kv.Tx) error {
				for i := range uint64(500) {
					if err := l.Append(tx, batch*500+i+1, make([]byte, 200)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if class == 0 {
			first = size()
			if per := first / 5000; per > 330 {
				t.Errorf("a record of 200 bytes takes %d", per)
			}
		}
		update(t, db, func(tx *kv.Tx) error { return kv.DeleteFolder(tx, "rooms", fmt.Sprint(class)) })
	}
	if last := size(); last > 2*first {
		t.Errorf("%d bytes after one class, %d after five that were deleted", first, last)
	}
}
