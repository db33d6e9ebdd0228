package segment

import (
	"errors"
	"io"
)

// ChunkWriter is implemented by readers that hold their bytes in memory.
type ChunkWriter interface {
	// WriteChunks writes the next n bytes to w, or fewer at the end, without
	// copying them first. It advances the reader like Read.
	WriteChunks(w io.Writer, n int64) (int64, error)
}

// chunks reads joined byte slices without joining them. It belongs to one
// goroutine; the slices may be shared.
type chunks struct {
	data [][]byte
	size int64

	at    int64 // logical offset; may be past the end
	i     int   // chunk that holds at
	begin int64 // logical offset of chunk i
}

var (
	_ io.ReadSeekCloser = (*chunks)(nil)
	_ io.WriterTo       = (*chunks)(nil)
	_ ChunkWriter       = (*chunks)(nil)
)

func newChunks(data [][]byte) *chunks {
	c := &chunks{data: data}
	for _, d := range data {
		c.size += int64(len(d))
	}
	return c
}

// next returns what is left of the current chunk, nil at the end.
func (c *chunks) next() []byte {
	for c.i < len(c.data) {
		d := c.data[c.i]
		if c.at < c.begin+int64(len(d)) {
			return d[c.at-c.begin:]
		}
		c.begin += int64(len(d))
		c.i++
	}
	return nil
}

// Read implements io.Reader.
func (c *chunks) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		d := c.next()
		if d == nil {
			break
		}
		k := copy(p[n:], d)
		n += k
		c.at += int64(k)
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Seek implements io.Seeker.
func (c *chunks) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.size
	default:
		return 0, errors.New("seek: invalid whence")
	}
	if offset < 0 {
		return 0, errors.New("seek: negative position")
	}
	c.at, c.i, c.begin = offset, 0, 0
	return offset, nil
}

// WriteTo implements io.WriterTo.
func (c *chunks) WriteTo(w io.Writer) (int64, error) {
	return c.WriteChunks(w, c.size)
}

// WriteChunks implements [ChunkWriter].
func (c *chunks) WriteChunks(w io.Writer, n int64) (int64, error) {
	var done int64
	for done < n {
		d := c.next()
		if d == nil {
			break
		}
		if int64(len(d)) > n-done {
			d = d[:n-done]
		}
		k, err := w.Write(d)
		done += int64(k)
		c.at += int64(k)
		if err == nil && k < len(d) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Close implements io.Closer. The bytes stay with the log.
func (c *chunks) Close() error { return nil }
