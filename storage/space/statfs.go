package space

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Usage is how full a file system is, in bytes.
type Usage struct {
	// Used is what files take, whoever owns them.
	Used int64

	// Size is Used and what an ordinary user may still write; blocks reserved for
	// root are not part of it, as in df. It is 0 where the file system does not
	// tell, as some network and FUSE file systems do not.
	Size int64
}

// FileSystem tells how full the file system is that holds a folder. It may be
// asked from any goroutine, one at a time.
type FileSystem interface {
	Usage(dir string) (Usage, error)
}

// hostFS asks the kernel.
type hostFS struct{}

// Usage implements [FileSystem] with statfs(2).
func (hostFS) Usage(dir string) (Usage, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if err == nil {
			break
		}
		if err != unix.EINTR { //nolint:errorlint // unix.Statfs returns bare errno values
			return Usage{}, fmt.Errorf("statfs %s: %w", dir, err)
		}
	}
	unit := st.Frsize // what the counts are in; some FUSE file systems have another Bsize
	if unit <= 0 {
		unit = st.Bsize
	}
	used := int64(st.Blocks-min(st.Bfree, st.Blocks)) * unit
	return Usage{Used: used, Size: used + int64(st.Bavail)*unit}, nil
}
