package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// errEnough ends a swarm in a test.
var errEnough = errors.New("enough")

// reader fetches bodies of the lengths that it is given, keeps some of them, and
// ends the swarm after the last.
type reader struct {
	lengths []int
	got     []string // "" where the body was not kept
	next    int
}

func (r *reader) wake(c *connection, _ time.Time) error { return r.ask(c) }

func (r *reader) ask(c *connection) error {
	if r.next == len(r.lengths) {
		return errEnough
	}
	r.next++
	return c.get(request("/" + strconv.Itoa(r.lengths[r.next-1])))
}

func (r *reader) keep(h *head) bool { return h.etag == `"keep"` }

func (r *reader) answered(c *connection, now time.Time, h *head, body []byte) error {
	if h.status != http.StatusOK || now.Before(c.asked) {
		return fmt.Errorf("status %d", h.status)
	}
	r.got = append(r.got, string(body))
	return r.ask(c)
}

func TestSwarm(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Path[1:])
		if n%2 == 0 {
			w.Header().Set("ETag", `"keep"`)
		}
		if n == 5 {
			w.Header().Set("Connection", "close")
		}
		w.Header().Set("Content-Length", strconv.Itoa(n))
		_, _ = w.Write([]byte(strings.Repeat("x", n)))
	}))
	defer srv.Close()
	s, err := newSwarm(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{lengths: []int{0, 10, 5, 3 << 20, 3<<20 + 1, 1, 2}}
	s.add(0, time.Now(), r)
	if err := s.run(t.Context()); !errors.Is(err, errEnough) {
		t.Fatalf("err = %v, want %v", err, errEnough)
	}
	var sum int64
	for i, n := range r.lengths {
		sum += int64(n)
		if want := strings.Repeat("x", n); n%2 == 0 && r.got[i] != want || n%2 == 1 && r.got[i] != "" {
			t.Errorf("body of %d bytes came as %d", n, len(r.got[i]))
		}
	}
	if s.bytes.Load() != sum || s.requests.Load() != int64(len(r.lengths)) || s.open.Load() != 0 {
		t.Errorf("%d bytes, %d requests, %d open; want %d, %d, 0", s.bytes.Load(), s.requests.Load(), s.open.Load(), sum, len(r.lengths))
	}
}

func TestSwarmEndsWithContext(t *testing.T) {
	asked := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer srv.Close()
	s, err := newSwarm(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.add(0, time.Now(), &reader{lengths: []int{1}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var g sync.WaitGroup
	defer g.Wait()
	g.Go(func() { <-asked; cancel() })
	if err := s.run(ctx); err != nil {
		t.Errorf("err = %v", err)
	}
	if n := s.open.Load(); n != 0 {
		t.Errorf("%d connections are open", n)
	}
}

// TestCrowd lets three viewers fetch at a pace, and looks at what they are said to
// have met with.
func TestCrowd(t *testing.T) {
	var served atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		_, _ = w.Write(make([]byte, 1000))
	}))
	defer srv.Close()
	used := time.Duration(0)
	cpu := func() (time.Duration, error) { used += time.Second; return used, nil }
	c := newCrowd(3, 5*time.Millisecond, []string{"/a", "/b"})
	got, err := c.serve(t.Context(), srv.Listener.Addr().String(), time.Millisecond, cpu, func(ctx context.Context) error {
		// One of the three begins three requests, so it has two answers.
		enough := served.Load() + 7
		return poll(ctx, time.Minute, func() error {
			if n := served.Load(); n < enough {
				return fmt.Errorf("%d requests, want %d", n, enough)
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.cpu != time.Second || got.elapsed <= 0 || got.requests < 2 || got.bytes < 2000 || len(got.took) < 2 || got.late > len(got.took) {
		t.Errorf("serving = %+v", got)
	}
	if want := 1 / (float64(got.bytes) * 8 / 1e9); got.cost() != want {
		t.Errorf("a gigabit costs %v s, want %v", got.cost(), want)
	}
}

// broadcast is a class whose parts come when the test says so.
type broadcast struct {
	mu      sync.Mutex // guards the fields below
	parts   int
	changed chan struct{}
	fetched map[string]int
}

func (b *broadcast) publish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parts++
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *broadcast) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/live/c/source/p"); ok {
		b.mu.Lock()
		b.fetched[name]++
		b.mu.Unlock()
		w.Header().Set("Content-Length", "5000")
		_, _ = w.Write(make([]byte, 5000))
		return
	}
	if r.URL.Path != "/live/c/source/index.m3u8" {
		http.NotFound(w, r)
		return
	}
	for {
		b.mu.Lock()
		n, changed := b.parts, b.changed
		b.mu.Unlock()
		part, err := strconv.Atoi(r.FormValue("_HLS_part"))
		if err != nil || n > part {
			w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
			list := "#EXTM3U\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXT-X-MEDIA-SEQUENCE:3\n"
			for i := range n {
				list += fmt.Sprintf("#EXT-X-PART:DURATION=0.5,URI=\"p%d\"\n", i)
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(list)))
			fmt.Fprint(w, list)
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func TestAudience(t *testing.T) {
	b := &broadcast{parts: 5, changed: make(chan struct{}), fetched: map[string]int{}}
	srv := httptest.NewServer(b)
	defer srv.Close()
	const viewers = 4
	a, err := newAudience(viewers, srv.URL+"/live/c/index.m3u8", []string{"source"}, true)
	if err != nil {
		t.Fatal(err)
	}
	all := func(name string) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.fetched[name] != viewers {
			return fmt.Errorf("%d of %d have part %s", b.fetched[name], viewers, name)
		}
		return nil
	}
	a.arrive = time.Millisecond
	if err = a.follow(t.Context(), srv.Listener.Addr().String(), func(ctx context.Context, s *swarm) error {
		if perr := poll(ctx, time.Minute, func() error { return all("4") }); perr != nil {
			return perr
		}
		a.note(1)
		for i := 5; i < 8; i++ {
			b.publish()
			if perr := poll(ctx, time.Minute, func() error { return all(strconv.Itoa(i)) }); perr != nil {
				return perr
			}
		}
		// An answer is noted when it is complete, after the server has counted it.
		return poll(ctx, time.Minute, func() error {
			if n := s.requests.Load(); n != viewers*(1+3+3+3) {
				return fmt.Errorf("%d requests", n)
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	for _, early := range []string{"0", "1"} {
		if n := b.fetched[early]; n != 0 {
			t.Errorf("%d fetched part %s, which is before the hold back", n, early)
		}
	}
	got := a.summary(1)
	if len(got.playlists) != viewers*3 || len(got.parts) != viewers*3 || got.viewers != viewers {
		t.Errorf("%d playlists and %d parts of %d viewers", len(got.playlists), len(got.parts), got.viewers)
	}
	if a.refused.Load() != 0 || a.missed.Load() != 0 {
		t.Errorf("%d refused, %d missed", a.refused.Load(), a.missed.Load())
	}
}
