package conformance

import (
	"bufio"
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// leavers is how many requests are made and left, waiters the gauge that shows
	// them, and patience how long it may take to fall.
	leavers  = 8
	waiters  = "lectern_origin_waiters"
	patience = 3 * time.Second
)

// leave holds blocking reloads and goes away, and looks at the server's own count of
// waiters (rule 81).
func (c *checker) leave(ctx context.Context, names map[string]*url.URL) error {
	if c.metrics == "" || len(names) == 0 {
		return nil
	}
	page, err := url.Parse(c.metrics)
	if err != nil {
		c.report.because(81, "the metrics page has no URL")
		return nil
	}
	w := newWatcher(c, "", names[slices.Min(slices.Collect(maps.Keys(names)))], false, nil)
	_, m, err := w.ask(ctx)
	if err != nil || m == nil || m.ended || !m.blocks() {
		c.report.because(81, "no playlist to wait for")
		return ctx.Err()
	}
	if _, ok := c.gauge(ctx, page); !ok {
		c.report.because(81, "the metrics page has no "+waiters)
		return ctx.Err()
	}
	held, goAway := context.WithCancel(ctx)
	defer goAway()
	var all sync.WaitGroup
	for range leavers {
		all.Go(func() { _, _, _ = w.ask(held, "_HLS_msn", m.end()+1) })
	}
	most := 0.0
	for range 10 {
		if err = pause(ctx, 50*time.Millisecond); err != nil {
			break
		}
		n, _ := c.gauge(ctx, page)
		most = max(most, n)
	}
	goAway()
	all.Wait()
	if most < leavers {
		c.report.because(81, "the server held no request")
		return ctx.Err()
	}
	for until := time.Now().Add(patience); err == nil; err = pause(ctx, 100*time.Millisecond) {
		n, ok := c.gauge(ctx, page)
		if ok && n <= most-leavers/2 {
			c.report.judged(81)
			return nil
		}
		if time.Now().After(until) {
			c.report.broken(81, "the server", "%.0f waiters %v after %d of %.0f had left", n, patience, leavers, most)
			return nil
		}
	}
	return err
}

// gauge reads the number of waiters off the metrics page.
func (c *checker) gauge(ctx context.Context, page *url.URL) (float64, bool) {
	res, err := c.do(ctx, http.MethodGet, page, maxPlaylist)
	if err != nil || res.status != http.StatusOK {
		return 0, false
	}
	for s := bufio.NewScanner(bytes.NewReader(res.body)); s.Scan(); {
		if v, ok := strings.CutPrefix(s.Text(), waiters+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			return n, err == nil
		}
	}
	return 0, false
}
