package space_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lectern/lectern/storage/space"
)

// folderFS is a file system of a fixed size of which a folder is all.
type folderFS struct{ size int64 }

func (f folderFS) Usage(dir string) (space.Usage, error) {
	u := space.Usage{Size: f.size}
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		u.Used += info.Size()
		return err
	})
	return u, err
}

// smallDisk returns an empty folder on a file system of 16 MiB, and how to ask
// how full it is: a tmpfs where the test may mount one, else an imitation.
func smallDisk(t *testing.T) (string, space.FileSystem) {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=16m")
	if err != nil {
		if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) {
			t.Fatalf("mount: %v", err)
		}
		t.Log("a tmpfs may not be mounted here, an imitation is used")
		return dir, folderFS{16 * mib}
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir, nil // the kernel's
}

// A writer that asks first never meets a full disk, whoever else fills it, and
// goes on when there is room again.
func TestSmallDisk(t *testing.T) {
	dir, fsys := smallDisk(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(space.DefaultConfig(), dir, fsys)
		a := f.Class("a", 0)
		defer a.Close()
		stop := f.run(t)
		pass(time.Second)
		write := func(name string, n int64) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, name), make([]byte, n), 0o600); err != nil {
				t.Fatalf("the disk is full in earnest: %v", err)
			}
		}
		write("foreign", 4*mib)
		pass(6 * time.Second)

		const size = 64 << 10
		var names []string
		for a.Take(size) == nil {
			names = append(names, "s"+strconv.Itoa(len(names)))
			write(names[len(names)-1], size)
			if len(names)%20 == 0 {
				pass(time.Second) // a look now and then
			}
		}
		pass(6 * time.Second)
		// One file may be on its way while the file system is looked at.
		s := f.State()
		if !s.Full || s.Reason != "space.high_water" || s.Used < 14*mib || s.Used > s.Size*95/100+size {
			t.Errorf("after %d files: state = %+v, want full at 95 percent", len(names), s)
		}
		wantFull(t, a.Take(1), "space.high_water")

		// Down to 85 percent.
		for _, name := range names[:28] {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
			a.Give(size)
		}
		pass(6 * time.Second)
		wantFull(t, a.Take(size), "")
		if s := f.State(); s.Full || !s.Alarm {
			t.Errorf("after clearing: state = %+v, want an alarm only", s)
		}
		stop()
	})
}

// The answer of the kernel must be that of df: what others may use, not what
// root may.
func TestHostFileSystem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(space.DefaultConfig(), t.TempDir(), nil)
		stop := f.run(t)
		synctest.Wait()
		if s := f.State(); s.Err != nil || s.Size <= 0 || s.Used <= 0 || s.Used > s.Size {
			t.Errorf("state = %+v", s)
		}
		stop()

		gone := newFixture(space.DefaultConfig(), filepath.Join(t.TempDir(), "none"), nil)
		stop = gone.run(t)
		synctest.Wait()
		if s := gone.State(); !errors.Is(s.Err, fs.ErrNotExist) {
			t.Errorf("err = %v", s.Err)
		}
		stop()
	})
}

// space.total_bytes counts classes that nobody has open, and forgets those that
// were deleted.
func TestTotalCountsFolders(t *testing.T) {
	dir := t.TempDir()
	put := func(n int64, path ...string) {
		t.Helper()
		name := filepath.Join(append([]string{dir}, path...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, make([]byte, n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(300, "old", "720p", "s1.m4s")
	put(100, "old", "index")
	put(200, "open", "720p", "s1.m4s")
	put(50, "stray-file")
	synctest.Test(t, func(t *testing.T) {
		cfg := space.DefaultConfig()
		cfg.TotalBytes = 1000
		f := newFixture(cfg, dir, &fakeFS{usage: disk(1)})
		a := f.Class("open", 150)
		stop := f.run(t)
		want := func(n int64) {
			t.Helper()
			synctest.Wait()
			if got := f.State().Recorded; got != n {
				t.Errorf("%d bytes are recorded, want %d", got, n)
			}
		}
		want(550)
		wantFull(t, a.Take(451), "space.total_bytes")
		wantFull(t, a.Take(1), "space.total_bytes")

		put(100, "new", "x")
		pass(61 * time.Second)
		want(650)
		a.Close() // keeps counting, as it knows itself
		pass(61 * time.Second)
		want(650)
		put(250, "old", "720p", "s2.m4s") // seen when everything is measured anew
		pass(time.Hour + time.Minute)
		want(950)
		wantFull(t, f.Class("other", 0).Take(51), "space.total_bytes")
		if err := os.RemoveAll(filepath.Join(dir, "old")); err != nil {
			t.Fatal(err)
		}
		pass(61 * time.Second)
		want(300)
		wantFull(t, f.Class("other", 0).Take(51), "")
		stop()
	})
}
