package kv_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/storage/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type room struct {
	Name  string   `json:"name"`
	Seats int      `json:"seats"`
	Tags  []string `json:"tags,omitempty"`
}

func open(t *testing.T, path string, opts kv.Options) *kv.DB {
	t.Helper()
	db, err := kv.Open(path, opts)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

func TestReopenKeepsWhatWasCommitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	rooms := kv.NewBucket[room]("rooms")
	want := room{Name: "aula", Seats: 400, Tags: []string{"big"}}

	db := open(t, path, kv.Options{})
	if err := db.Update(func(tx *kv.Tx) error { return rooms.Put(tx, "a", want) }); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("changed my mind")
	if err := db.Update(func(tx *kv.Tx) error {
		if err := rooms.Put(tx, "b", room{}); err != nil {
			return err
		}
		return gone
	}); !errors.Is(err, gone) {
		t.Fatalf("update = %v, want the function's own error", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.View(func(*kv.Tx) error { return nil }); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("view after close = %v, want ErrClosed", err)
	}
	if err := db.Update(func(*kv.Tx) error { return nil }); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("update after close = %v, want ErrClosed", err)
	}

	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600: the file holds stream keys", info.Mode(), err)
	}
	db = open(t, path, kv.Options{})
	var got room
	if err := db.View(func(tx *kv.Tx) (err error) {
		if _, err = rooms.Get(tx, "b"); !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("rolled back record: %v, want ErrNotFound", err)
		}
		got, err = rooms.Get(tx, "a")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got.Name != want.Name || got.Seats != want.Seats || !slices.Equal(got.Tags, want.Tags) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPanicRollsBackAndLeavesTheWriterFree(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"), kv.Options{})
	rooms := kv.NewBucket[room]("rooms")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.Update(func(tx *kv.Tx) error {
			_ = rooms.Put(tx, "a", room{})
			panic("programmer error")
		})
	}()
	if err := db.Update(func(tx *kv.Tx) error {
		if n := rooms.Count(tx); n != 0 {
			t.Errorf("count = %d, want 0", n)
		}
		return rooms.Put(tx, "b", room{})
	}); err != nil {
		t.Fatal(err)
	}
}

func TestBucket(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "x.db"), kv.Options{})
	words := kv.NewBucket[string]("words")
	keys := func(after string, limit int) (got []string) {
		t.Helper()
		if err := db.View(func(tx *kv.Tx) error {
			return words.ForEach(tx, after, func(k, v string) (bool, error) {
				if v != "value of "+k {
					t.Errorf("%s holds %q", k, v)
				}
				got = append(got, k)
				return len(got) < limit, nil
			})
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := keys("", 9); got != nil {
		t.Errorf("an absent bucket lists %v", got)
	}
	if err := db.Update(func(tx *kv.Tx) error {
		if err := words.Delete(tx, "nothing"); err != nil {
			return err
		}
		for _, k := range []string{"c", "a", "d", "b"} {
			if err := words.Put(tx, k, "value of "+k); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, after string
		limit       int
		want        []string
	}{
		{"all in order", "", 9, []string{"a", "b", "c", "d"}},
		{"after a key", "b", 9, []string{"c", "d"}},
		{"after a key that is not there", "bb", 9, []string{"c", "d"}},
		{"stops", "", 2, []string{"a", "b"}},
		{"past the end", "z", 9, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := keys(tc.after, tc.limit); !slices.Equal(got, tc.want) {
				t.Errorf("got %v, want %v", got, tc.want)
			}
		})
	}
	if err := db.Update(func(tx *kv.Tx) error { return words.Delete(tx, "a") }); err != nil {
		t.Fatal(err)
	}
	if got := keys("", 9); !slices.Equal(got, []string{"b", "c", "d"}) {
		t.Errorf("after delete: %v", got)
	}
	if err := db.Update(func(tx *kv.Tx) error { return words.Put(tx, "", "v") }); err == nil {
		t.Error("an empty key was accepted")
	}
	if err := db.View(func(tx *kv.Tx) error { return words.Put(tx, "k", "v") }); err == nil {
		t.Error("a read transaction wrote")
	}
	numbers := kv.NewBucket[int]("words") // the wrong type
	if err := db.View(func(tx *kv.Tx) error { _, err := numbers.Get(tx, "b"); return err }); err == nil || !strings.Contains(err.Error(), `decode words "b"`) {
		t.Errorf("decode error = %v, want bucket and key in it", err)
	}
}

func TestSecondOpenerIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	first := open(t, path, kv.Options{})
	_, err := kv.Open(path, kv.Options{LockTimeout: 10 * time.Millisecond})
	var locked *kv.LockedError
	if !errors.As(err, &locked) || locked.Path != path {
		t.Fatalf("err = %v, want a LockedError for %s", err, path)
	}
	if !strings.Contains(err.Error(), "another lectern is using "+path) {
		t.Errorf("message = %q", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, kv.Options{}) // free again
}

// A damaged file must be an error that names it, never a crash, and must keep
// its bytes for whoever repairs it.
func TestDamagedFile(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole.db")
	db := open(t, whole, kv.Options{})
	rooms := kv.NewBucket[room]("rooms")
	if err := db.Update(func(tx *kv.Tx) error {
		for i := range 2000 {
			if err := rooms.Put(tx, fmt.Sprint(i), room{Name: strings.Repeat("x", 100)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for _, tc := range []struct {
		name string
		data func() []byte
	}{
		{"text", func() []byte { return bytes.Repeat([]byte("not a database\n"), 2000) }},
		{"zeros", func() []byte { return make([]byte, 64<<10) }},
		{"a few bytes", func() []byte { return []byte{1, 2, 3} }},
		{"both meta pages overwritten", func() []byte {
			b := bytes.Clone(good)
			for i := range 2 * page {
				b[i] = 0xff
			}
			return b
		}},
		{"everything but the meta pages overwritten", func() []byte {
			b := bytes.Clone(good)
			for i := 2 * page; i < len(b); i++ {
				b[i] = 0xff
			}
			return b
		}},
		{"truncated after the meta pages", func() []byte { return bytes.Clone(good[:2*page]) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lectern.db")
			if err := os.WriteFile(path, tc.data(), 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second time shows that the first left no lock behind
				_, err := kv.Open(path, kv.Options{LockTimeout: 50 * time.Millisecond})
				var corrupt *kv.CorruptError
				if !errors.As(err, &corrupt) || corrupt.Path != path {
					t.Fatalf("err = %v, want a CorruptError for %s", err, path)
				}
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, tc.data()) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	t.Run("any one page overwritten", func(t *testing.T) {
		for i := 2; i < len(good)/page; i += 1 + i/4 { // the first ones all, then fewer
			b := bytes.Clone(good)
			for j := range page {
				b[i*page+j] = 0xff
			}
			path := filepath.Join(t.TempDir(), "lectern.db")
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			damaged, err := kv.Open(path, kv.Options{LockTimeout: 50 * time.Millisecond})
			var corrupt *kv.CorruptError
			switch {
			case err == nil: // a page that opening does not read
				if err = damaged.Close(); err != nil {
					t.Errorf("page %d: close: %v", i, err)
				}
			case !errors.As(err, &corrupt):
				t.Errorf("page %d: err = %v, want a CorruptError", i, err)
			}
		}
	})
	t.Run("a folder", func(t *testing.T) {
		dir := t.TempDir()
		if _, err := kv.Open(dir, kv.Options{}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("err = %v, want one that names the path", err)
		}
	})
}

func TestMigrations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	log := kv.NewBucket[[]int]("log")
	step := func(version int) kv.Migration {
		return kv.Migration{Version: version, Name: fmt.Sprint("step ", version), Up: func(tx *kv.Tx) error {
			ran, err := log.Get(tx, "ran")
			if err != nil && !errors.Is(err, kv.ErrNotFound) {
				return err
			}
			return log.Put(tx, "ran", append(ran, version))
		}}
	}
	ran := func(db *kv.DB) (got []int) {
		t.Helper()
		if err := db.View(func(tx *kv.Tx) (err error) { got, err = log.Get(tx, "ran"); return err }); err != nil {
			t.Fatal(err)
		}
		return got
	}
	reopen := func(ms ...kv.Migration) (*kv.DB, error) { return kv.Open(path, kv.Options{Migrations: ms}) }

	db, err := reopen(step(1), step(2))
	if err != nil {
		t.Fatal(err)
	}
	if got := ran(db); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("a new file ran %v", got)
	}
	_ = db.Close()

	boom := errors.New("boom")
	failing := kv.Migration{Version: 4, Name: "bad", Up: func(*kv.Tx) error { return boom }}
	if _, err = reopen(step(1), step(2), step(3), failing); !errors.Is(err, boom) || !strings.Contains(err.Error(), "schema 4 (bad)") {
		t.Fatalf("err = %v, want boom with its migration", err)
	}

	db, err = reopen(step(1), step(2), step(3))
	if err != nil {
		t.Fatal(err)
	}
	if got := ran(db); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("after a failed and a good migration: %v, want each once", got)
	}
	if v, verr := db.SchemaVersion(); v != 3 || verr != nil {
		t.Errorf("version = %d, %v", v, verr)
	}
	_ = db.Close()

	var newer *kv.NewerSchemaError
	if _, err = reopen(step(1), step(2)); !errors.As(err, &newer) || newer.Have != 3 || newer.Known != 2 {
		t.Errorf("err = %v, want NewerSchemaError 3 over 2", err)
	}
	for _, bad := range [][]kv.Migration{{step(2)}, {step(1), step(3)}, {step(2), step(1)}, {{Version: 1}}} {
		if db, err := reopen(bad...); err == nil {
			_ = db.Close()
			t.Errorf("accepted the list %+v", bad)
		}
	}
}

func TestConcurrentWriters(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	db := open(t, filepath.Join(t.TempDir(), "x.db"), kv.Options{Registerer: reg})
	counts := kv.NewBucket[int]("counts")
	add := func(tx *kv.Tx) error {
		n, err := counts.Get(tx, "n")
		if err != nil && !errors.Is(err, kv.ErrNotFound) {
			return err
		}
		return counts.Put(tx, "n", n+1)
	}
	const writers, each = 8, 5
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range each {
				write := db.Update
				if i%2 == 0 {
					write = db.Batch
				}
				if err := write(add); err != nil {
					t.Errorf("write: %v", err)
				}
				if err := db.View(func(tx *kv.Tx) error { _, err := counts.Get(tx, "n"); return err }); err != nil {
					t.Errorf("read: %v", err)
				}
			}
		})
	}
	wg.Wait()
	var n int
	if err := db.View(func(tx *kv.Tx) (err error) { n, err = counts.Get(tx, "n"); return err }); err != nil || n != writers*each {
		t.Errorf("n = %d, %v, want %d: an update was lost", n, err, writers*each)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v, %v", problems, err)
	}
	if got, err := testutil.GatherAndCount(reg, "lectern_kv_size_bytes", "lectern_kv_write_seconds"); err != nil || got != 2 {
		t.Errorf("metrics = %d, %v", got, err)
	}
}
