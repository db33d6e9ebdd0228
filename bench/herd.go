package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Herd lets Count viewers wait for every part of one class with blocking
// playlist reloads, each on a connection of its own, and reports how far apart
// the answers to one part are, and what they cost the server.
func Herd(ctx context.Context, o Options) error {
	return run(ctx, o, stage{clip: testCard(2500)}, func(ctx context.Context, s *scenario) error {
		c, err := s.publish(ctx, "herd", passedThrough())
		if err != nil {
			return err
		}
		u, err := url.Parse(c.Playback.HLS)
		if err != nil {
			return fmt.Errorf("playlist of the class: %w", err)
		}
		h := &herd{addr: s.http, path: strings.TrimSuffix(u.Path, "index.m3u8") + "source/index.m3u8", answers: map[place][]time.Time{}}

		watchCtx, stop := context.WithCancel(ctx)
		defer stop()
		g, gctx := errgroup.WithContext(watchCtx)
		for range o.Count {
			g.Go(func() error { return h.watch(gctx) })
		}
		if err = poll(ctx, time.Minute, func() error { // all are there
			if n := h.watching(); n < o.Count {
				return fmt.Errorf("%d of %d viewers are connected", n, o.Count)
			}
			return nil
		}); err != nil {
			return err
		}
		h.reset()
		spent, err := s.measure(ctx, o.Duration)
		if err != nil {
			return err
		}
		stop()
		if err = g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
		return h.report(o, spent)
	})
}

// place is a part by segment and index.
type place struct{ msn, part int }

// herd is many viewers of one media playlist.
type herd struct {
	addr, path string

	mu        sync.Mutex // guards the fields below
	connected int
	requests  int
	answers   map[place][]time.Time // when each answer to a request for the part was complete
}

var lastPart = regexp.MustCompile(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p(\d+)\.(\d+)-`) //nolint:gochecknoglobals // compiled once

// watch is one viewer: over one connection it asks for the next part, for ever.
// It reads raw HTTP/1.1 so that the generator costs little beside the server.
func (h *herd) watch(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.addr)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // ends the read
	defer stop()
	defer conn.Close() //nolint:errcheck // read-only
	r := bufio.NewReaderSize(conn, 16<<10)
	h.mu.Lock()
	h.connected++
	h.mu.Unlock()
	query := ""
	var asked place
	for {
		if _, err := fmt.Fprintf(conn, "GET %s%s HTTP/1.1\r\nHost: bench\r\n\r\n", h.path, query); err != nil {
			return endOf(ctx, err)
		}
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return endOf(ctx, err)
		}
		body, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil {
			return endOf(ctx, err)
		}
		now := time.Now()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("%s%s answers %d", h.path, query, res.StatusCode)
		}
		h.mu.Lock()
		h.requests++
		if query != "" {
			h.answers[asked] = append(h.answers[asked], now)
		}
		h.mu.Unlock()
		m := lastPart.FindSubmatch(body)
		if m == nil {
			return errors.New("a playlist without a preload hint")
		}
		msn, _ := strconv.Atoi(string(m[1])) // digits
		part, _ := strconv.Atoi(string(m[2]))
		asked = place{msn, part}
		query = fmt.Sprintf("?_HLS_msn=%d&_HLS_part=%d", msn, part)
	}
}

func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("viewer: %w", err)
}

func (h *herd) watching() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.connected
}

func (h *herd) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests, h.answers = 0, map[place][]time.Time{}
}

// report prints the spread: for each part that nearly all viewers got, the time
// from the first answer to the last.
func (h *herd) report(o Options, u usage) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var spreads []time.Duration
	for _, at := range h.answers {
		if len(at) < o.Count*9/10 {
			continue // asked for before or after the measurement
		}
		spreads = append(spreads, slices.MaxFunc(at, time.Time.Compare).Sub(slices.MinFunc(at, time.Time.Compare)))
	}
	if len(spreads) == 0 {
		return errors.New("no part reached all viewers: the measurement was too short")
	}
	slices.Sort(spreads)
	_, err := fmt.Fprintf(o.Out, "herd: %d viewers for %.0f s: %d requests, %.0f a second; first to last answer of a part: median %d ms, worst of %d parts %d ms; %.2f CPU-s, %.1f CPU-µs a request, %.2f of a core, %d MiB resident\n",
		o.Count, u.elapsed.Seconds(), h.requests, float64(h.requests)/u.elapsed.Seconds(),
		spreads[len(spreads)/2].Milliseconds(), len(spreads), spreads[len(spreads)-1].Milliseconds(),
		u.cpu.Seconds(), float64(u.cpu.Microseconds())/float64(max(1, h.requests)), u.cores(), u.memory>>20)
	return err
}
