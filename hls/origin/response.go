package origin

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/lectern/lectern/storage/segment"
)

// WriteChunk is how much is sent within one [Config.WriteTimeout], in bytes.
const WriteChunk = 256 << 10

// response counts what is sent, and renews the write deadline as the client
// takes it, so that a slow reader is cut off and a steady one is not. It
// belongs to one request.
type response struct {
	http.ResponseWriter
	header  http.Header // of ResponseWriter
	dates   *calendar
	timeout time.Duration
	head    bool // the request is HEAD: no body
	http2   bool // deadlines belong to the stream
	// guarded says that the server itself has set a write deadline, which will do
	// for what is small: then that costs no timer.
	guarded bool
	large   bool // the body is longer than one chunk

	code  int // 0 until the header was written
	bytes int64
	held  *held // what it waits for, nil if it need not
	armed bool  // a deadline was set
	fresh bool  // and nothing was sent since

	// Where values of the header live that belong to this answer alone.
	etag, length, modified, ranges [1]string
}

// newResponse begins the answer to r.
func (o *Origin) newResponse(w http.ResponseWriter, r *http.Request) *response {
	rw := &response{
		ResponseWriter: w, header: w.Header(), dates: &o.dates, timeout: o.cfg.WriteTimeout,
		head: r.Method == http.MethodHead, http2: r.ProtoMajor >= 2,
	}
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		// The deadline counts from the request, which may be held.
		rw.guarded = s.WriteTimeout >= o.cfg.HoldCap+o.cfg.WriteTimeout
	}
	// Let pages of any origin read every answer, with its timing.
	h := rw.header
	h["Access-Control-Allow-Origin"] = o.headers.everyone
	h["Access-Control-Expose-Headers"] = o.headers.exposed
	h["Cross-Origin-Resource-Policy"] = o.headers.crossOrigin
	h["Timing-Allow-Origin"] = o.headers.everyone
	return rw
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// Unwrap is for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(code int) {
	if w.code != 0 {
		return
	}
	w.code = code
	w.header["Date"] = w.dates.date(time.Now())
	w.arm()
	w.ResponseWriter.WriteHeader(code)
}

// begin writes the header of an answer with a body of n bytes, and reports whether
// the body is wanted.
func (w *response) begin(code int, n int64) bool {
	w.length[0] = strconv.FormatInt(n, 10)
	w.header["Content-Length"] = w.length[:]
	w.large = n > WriteChunk && !w.head
	w.WriteHeader(code)
	return !w.head
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.WriteHeader(http.StatusOK)
	}
	done := 0
	for {
		w.arm()
		n, err := w.ResponseWriter.Write(p[done:min(len(p), done+WriteChunk)])
		w.fresh = false
		done += n
		w.bytes += int64(n)
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// Sharer is implemented by the ResponseWriter of a server that sends an answer after
// the handler has returned, and sees itself that its clients take it.
type Sharer interface {
	// WriteShared is Write for bytes that never change: they are not copied.
	WriteShared(p []byte) (int, error)
}

// WriteShared is Write for bytes that never change.
func (w *response) WriteShared(p []byte) (int, error) {
	s, ok := w.ResponseWriter.(Sharer)
	if !ok {
		return w.Write(p)
	}
	n, err := s.WriteShared(p)
	w.bytes += int64(n)
	return n, err
}

// shared is a response that is given bytes that never change.
type shared struct{ *response }

// Write implements io.Writer.
func (w shared) Write(p []byte) (int, error) { return w.WriteShared(p) }

// send writes n bytes of src: memory is written without a copy, and files are
// handed down so that the kernel sends them. A failed write means that the client
// left; a failed read ends the answer too soon, which the client notices.
func (w *response) send(src io.Reader, n int64) error {
	if c, ok := src.(segment.ChunkWriter); ok {
		_, err := c.WriteChunks(shared{w}, n)
		return err
	}
	step := int64(WriteChunk)
	if _, ok := w.ResponseWriter.(Sharer); ok {
		step = n // it has deadlines of its own
	}
	chunk := &io.LimitedReader{R: src}
	for n > 0 {
		w.arm()
		chunk.N = min(n, step)
		k, err := io.Copy(w.ResponseWriter, chunk)
		w.fresh = false
		n -= k
		w.bytes += k
		if err != nil {
			return err
		}
		if chunk.N > 0 {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

// arm sets the deadline for what is written next.
func (w *response) arm() {
	if w.fresh || w.guarded && !w.large {
		return
	}
	if http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.timeout)) == nil {
		w.armed = true
	}
	w.fresh = true
}

// finish sends what is buffered while the deadline still holds, and then lifts
// it: on HTTP/1.1 it would outlive the request and hit the next one on the
// connection, unless the server sets that another.
func (w *response) finish() {
	if !w.armed || w.http2 || w.guarded {
		return
	}
	control := http.NewResponseController(w.ResponseWriter)
	if control.Flush() != nil {
		return // the connection is done for
	}
	_ = control.SetWriteDeadline(time.Time{}) // it was possible before
}

// fail answers with a short text. Nothing of the request is repeated in it.
func (w *response) fail(code int, cache, text string) {
	h := w.header
	if cache == cacheNothing {
		delete(h, "Surrogate-Key")
		delete(h, "Cache-Tag")
	}
	h.Set("Cache-Control", cache)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if w.begin(code, int64(len(text)+1)) {
		_, _ = io.WriteString(w, text+"\n") // a failed write means the client left
	}
}

func (w *response) notFound() { w.fail(http.StatusNotFound, cacheRefused, "not found") }

// unavailable answers 503, which no cache may keep.
func (w *response) unavailable(text string) {
	w.header.Set("Retry-After", "1")
	w.fail(http.StatusServiceUnavailable, cacheNothing, text)
}
