package origin

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// writeChunk is how much is sent under one write deadline, in bytes.
const writeChunk = 256 << 10

// response counts what is sent, and renews the write deadline as the client
// takes it, so that a slow reader is cut off and a steady one is not. It
// belongs to one request.
type response struct {
	http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	head    bool // the request is HEAD: no body

	code  int // 0 until the header was written
	bytes int64
	armed bool // a deadline was set
	fresh bool // and nothing was sent since
}

func newResponse(w http.ResponseWriter, r *http.Request, timeout time.Duration) *response {
	return &response{
		ResponseWriter: w, control: http.NewResponseController(w),
		timeout: timeout, head: r.Method == http.MethodHead,
	}
}

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(code int) {
	if w.code != 0 {
		return
	}
	w.code = code
	if code == http.StatusPreconditionFailed || code == http.StatusRequestedRangeNotSatisfiable {
		w.Header().Set("Cache-Control", cacheRefused) // http.ServeContent knows only that of the media
	}
	w.arm()
	w.ResponseWriter.WriteHeader(code)
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	done := 0
	for {
		w.arm()
		n, err := w.ResponseWriter.Write(p[done:min(len(p), done+writeChunk)])
		w.fresh = false
		done += n
		w.bytes += int64(n)
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// ReadFrom implements io.ReaderFrom, which http.ServeContent comes to by way of
// io.CopyN: memory is written without a copy, and files are handed down so that
// the kernel sends them.
func (w *response) ReadFrom(src io.Reader) (int64, error) {
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	if c, ok := limited.R.(segment.ChunkWriter); ok {
		n, err := c.WriteChunks(w, limited.N)
		limited.N -= n
		return n, err
	}
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	var done int64
	for limited.N > 0 {
		w.arm()
		n, err := io.CopyN(w.ResponseWriter, limited.R, min(limited.N, writeChunk))
		w.fresh = false
		done += n
		limited.N -= n
		w.bytes += n
		if errors.Is(err, io.EOF) {
			return done, nil
		}
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// arm sets the deadline for what is written next.
func (w *response) arm() {
	if !w.fresh && w.control.SetWriteDeadline(time.Now().Add(w.timeout)) == nil {
		w.armed = true
	}
	w.fresh = true
}

// finish sends what is buffered while the deadline still holds, and then lifts
// it: on HTTP/1.1 it would outlive the request and hit the next one on the
// connection. On HTTP/2 it belongs to the stream.
func (w *response) finish(r *http.Request) {
	if !w.armed || r.ProtoMajor >= 2 {
		return
	}
	if w.control.Flush() != nil {
		return // the connection is done for
	}
	_ = w.control.SetWriteDeadline(time.Time{}) // it was possible before
}

// fail answers with a short text. Nothing of the request is repeated in it.
func (w *response) fail(code int, cache, text string) {
	h := w.Header()
	h.Set("Cache-Control", cache)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(code)
	if !w.head {
		_, _ = io.WriteString(w, text+"\n") // a failed write means the client left
	}
}

func (w *response) notFound() { w.fail(http.StatusNotFound, cacheRefused, "not found") }

// unavailable answers 503, which no cache may keep.
func (w *response) unavailable(text string) {
	w.Header().Set("Retry-After", "1")
	w.fail(http.StatusServiceUnavailable, cacheNothing, text)
}
