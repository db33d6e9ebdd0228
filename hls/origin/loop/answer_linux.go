package loop

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/lectern/lectern/hls/origin"
)

// maxCopied bounds what an answer may hold that is neither shared memory nor a file.
const maxCopied = 4 << 20

// answer is the http.ResponseWriter of a loop. It gathers what the handler writes, in
// memory that is used again.
type answer struct {
	header http.Header
	code   int   // 0 until WriteHeader
	length int64 // as the header has it, -1 if it does not
	size   int64 // of the body so far
	copied int64
	bare   bool // 204 and 304 have no body
	broken bool // the body is not what the header says
	pieces []piece
	sent   int      // how many of them are gone
	file   *os.File // the last one that was written from, in this call of the handler
	held   held
	keys   []string // of the header, for sorting

	head bool // the request is HEAD
}

// piece is a part of the body: memory that does not change, or a section of a file.
type piece struct {
	memory []byte
	file   int // the descriptor, which is the piece's own; -1 for memory
	offset int64
	size   int64 // what is left of it
}

// held is a request that cannot be answered yet. changed is nil if it can.
type held struct {
	changed <-chan struct{}
	until   time.Time
	resume  func(gone bool) <-chan struct{}
}

var (
	_ origin.Holder       = (*answer)(nil)
	_ origin.Sharer       = (*answer)(nil)
	_ io.ReaderFrom       = (*answer)(nil)
	_ http.ResponseWriter = (*answer)(nil)
)

// reset makes a ready for the answer to a request. It was dropped before.
func (a *answer) reset(head bool) {
	clear(a.header)
	a.code, a.length, a.size, a.copied = 0, -1, 0, 0
	a.bare, a.broken, a.head = false, false, head
	a.pieces, a.sent, a.file, a.held = a.pieces[:0], 0, nil, held{}
}

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(code int) {
	if a.code != 0 || code < 200 { // informational answers are left out
		return
	}
	a.code = code
	a.bare = code == http.StatusNoContent || code == http.StatusNotModified
	if v := a.header["Content-Length"]; len(v) > 0 {
		if n, err := strconv.ParseInt(v[0], 10, 64); err == nil && n >= 0 {
			a.length = n
		} else {
			delete(a.header, "Content-Length")
		}
	}
}

// admit says how much of n bytes of body may be written, as net/http does.
func (a *answer) admit(n int64) error {
	if a.code == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.bare {
		return http.ErrBodyNotAllowed
	}
	a.size += n
	if a.length >= 0 && a.size > a.length {
		return http.ErrContentLength
	}
	return nil
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.copied += int64(len(p)); a.copied > maxCopied {
		return 0, fmt.Errorf("the answer has more than %d bytes that are copied", maxCopied)
	}
	if a.head {
		return a.WriteShared(p) // which keeps nothing
	}
	return a.WriteShared(slices.Clone(p))
}

// WriteShared implements origin.Sharer.
func (a *answer) WriteShared(p []byte) (int, error) {
	if err := a.admit(int64(len(p))); err != nil {
		return 0, err
	}
	if len(p) > 0 && !a.head {
		a.pieces = append(a.pieces, piece{memory: p, file: -1, size: int64(len(p))})
	}
	return len(p), nil
}

// ReadFrom implements io.ReaderFrom. The section of a file that an io.LimitedReader
// stands for is not read: the kernel will send it, also when the file was closed.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	l, ok := r.(*io.LimitedReader)
	if !ok {
		return io.Copy(struct{ io.Writer }{a}, r)
	}
	file, offset, ok := section(l.R)
	if !ok {
		return io.Copy(struct{ io.Writer }{a}, r)
	}
	n := l.N
	if err := a.admit(n); err != nil {
		return 0, err
	}
	if !a.head && n > 0 {
		if err := a.add(file, offset, n); err != nil {
			return 0, err
		}
	}
	if _, err := l.R.(io.Seeker).Seek(n, io.SeekCurrent); err != nil {
		return 0, fmt.Errorf("skip what the kernel sends: %w", err)
	}
	l.N = 0
	return n, nil
}

// add appends a section of file, which the handler will close.
func (a *answer) add(file *os.File, offset, n int64) error {
	if last := len(a.pieces) - 1; last >= 0 && a.file == file && a.pieces[last].file >= 0 && a.pieces[last].offset+a.pieces[last].size == offset {
		a.pieces[last].size += n
		return nil
	}
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("keep file: %w", err)
	}
	a.file = file
	a.pieces = append(a.pieces, piece{file: fd, offset: offset, size: n})
	return nil
}

// section returns the file that r reads, and where.
func section(r io.Reader) (*os.File, int64, bool) {
	s, ok := r.(io.Seeker)
	if !ok {
		return nil, 0, false
	}
	file, ok := r.(*os.File)
	base := int64(0)
	if outer, is := r.(interface {
		Outer() (io.ReaderAt, int64, int64)
	}); is { // an io.SectionReader
		var at io.ReaderAt
		at, base, _ = outer.Outer()
		file, ok = at.(*os.File)
	}
	if !ok {
		return nil, 0, false
	}
	offset, err := s.Seek(0, io.SeekCurrent)
	return file, base + offset, err == nil
}

// Hold implements origin.Holder.
func (a *answer) Hold(changed <-chan struct{}, until time.Time, resume func(gone bool) <-chan struct{}) {
	a.held = held{changed: changed, until: until, resume: resume}
}

// Flush implements http.Flusher. An answer is sent when it is complete.
func (a *answer) Flush() {}

// SetWriteDeadline is for http.ResponseController. A loop has its own.
func (a *answer) SetWriteDeadline(time.Time) error { return nil }

// finish appends the head of the answer to b, as net/http would write it. last says that
// the connection will be closed, and date is the value of Date where there is none.
// It reports whether the connection must be closed.
func (a *answer) finish(b []byte, last bool, date func() string) (_ []byte, closing bool) {
	if a.code == 0 {
		a.WriteHeader(http.StatusOK)
	}
	h := a.header
	extra := false
	switch {
	case a.code == http.StatusNotModified:
		delete(h, "Content-Type")
		delete(h, "Content-Length")
	case a.bare:
		delete(h, "Content-Length")
	case a.length < 0:
		extra = !a.head || a.size > 0
	default:
		a.broken = !a.head && a.size != a.length
	}
	delete(h, "Transfer-Encoding")
	own := strings.EqualFold(h.Get("Connection"), "close")
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.code), 10)
	b = append(b, ' ')
	b = append(append(b, http.StatusText(a.code)...), "\r\n"...)
	a.keys = a.keys[:0]
	for k := range h {
		a.keys = append(a.keys, k)
	}
	slices.Sort(a.keys)
	for _, k := range a.keys {
		for _, v := range h[k] {
			b = append(append(b, k...), ": "...)
			at := len(b)
			b = append(b, v...)
			for i, c := range b[at:] {
				if c == '\r' || c == '\n' {
					b[at+i] = ' '
				}
			}
			b = append(b, "\r\n"...)
		}
	}
	if _, ok := h["Date"]; !ok {
		b = append(append(append(b, "Date: "...), date()...), "\r\n"...)
	}
	if extra {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), a.size, 10), "\r\n"...)
	}
	if last && !own {
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...), last || own || a.broken
}

// left reports whether there is body to be sent.
func (a *answer) left() bool { return a.sent < len(a.pieces) }

// done takes n bytes off what is left to be sent.
func (a *answer) done(n int64) {
	for n > 0 {
		p := &a.pieces[a.sent]
		k := min(n, p.size)
		n -= k
		if p.size -= k; p.file < 0 {
			p.memory = p.memory[k:]
		}
		if p.size == 0 {
			p.close()
			a.sent++
		}
	}
}

// drop gives up what is left to be sent.
func (a *answer) drop() {
	for a.left() {
		a.pieces[a.sent].close()
		a.sent++
	}
	clear(a.pieces) // they would keep memory
	a.pieces, a.sent, a.file, a.held = a.pieces[:0], 0, nil, held{}
}

func (p *piece) close() {
	if p.file >= 0 {
		_ = unix.Close(p.file) // nothing was written
	}
	p.memory = nil
}
