package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// newest is how many segments of the first playlist are asked for.
	newest = 12
	// ranges is how many pictures of an I-frame playlist are asked for.
	ranges = 3
)

// meter measures the peak segment bit rate of one rendition (RFC 8216bis §4.1).
type meter struct {
	target time.Duration
	run    []measured // contiguous segments, newest last, of 1.5 target durations at most
	peak   float64    // bits a second
}

type measured struct {
	msn      int
	bytes    int64
	duration time.Duration
}

func (m *meter) add(s measured) {
	if n := len(m.run); n > 0 && m.run[n-1].msn != s.msn-1 {
		m.run = nil
	}
	m.run = append(m.run, s)
	var bytes int64
	var d time.Duration
	for i := len(m.run) - 1; i >= 0; i-- {
		bytes += m.run[i].bytes
		if d += m.run[i].duration; d > m.target*3/2 {
			m.run = m.run[i+1:]
			return
		}
		if d >= m.target/2 {
			m.peak = max(m.peak, float64(bytes*8)/d.Seconds())
		}
	}
}

// segmentsOf asks for the header of every segment that is new in m, and of the
// latest that has left since prev.
func (c *checker) segmentsOf(ctx context.Context, name string, u *url.URL, prev, m *media) error {
	first := m.msn + m.skipped + max(0, len(m.segments)-newest)
	if prev != nil {
		first = prev.msn + len(prev.segments)
	}
	for _, s := range m.segments {
		if s.msn < first || s.gap {
			continue
		}
		res, err := c.head(ctx, u, s.uri)
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(res.header.Get("Content-Length"), 10, 64)
		if res.status != http.StatusOK || err == nil && size == 0 {
			c.report.broken(95, name, "status %d with length %q for segment %d", res.status, res.header.Get("Content-Length"), s.msn)
			continue
		}
		if err != nil {
			continue // no length, no rate
		}
		c.mu.Lock()
		if c.rates[name] == nil {
			c.rates[name] = &meter{target: time.Duration(m.targetDuration) * time.Second}
		}
		c.rates[name].add(measured{s.msn, size, s.duration})
		c.mu.Unlock()
	}
	if prev == nil || len(prev.segments) == 0 || m.msn <= prev.msn {
		return nil
	}
	gone := prev.segments[min(m.msn-prev.msn, len(prev.segments))-1]
	if gone.gap {
		return nil
	}
	res, err := c.head(ctx, u, gone.uri)
	if err != nil {
		return err
	}
	if res.status != http.StatusOK {
		c.report.broken(40, name, "status %d for segment %d, just removed", res.status, gone.msn)
	}
	return nil
}

func (c *checker) head(ctx context.Context, u *url.URL, ref string) (response, error) {
	v, err := u.Parse(ref)
	if err != nil {
		return response{}, fmt.Errorf("segment %q: %w", ref, err)
	}
	res, err := c.do(ctx, http.MethodHead, v, "Origin", "https://player.invalid")
	if err != nil {
		return response{}, fmt.Errorf("read segment: %w", err)
	}
	return res, nil
}

// iFrames checks an I-frame playlist and some of the pictures that it names.
func (c *checker) iFrames(ctx context.Context, base *url.URL, ref string) error {
	where := "I-frames " + ref
	u, ok := c.resolve(base, ref)
	if !ok {
		return nil
	}
	res, err := c.get(ctx, u)
	if err != nil {
		return fmt.Errorf("read %s: %w", where, err)
	}
	if res.status != http.StatusOK {
		c.report.broken(97, where, "status %d", res.status)
		return nil
	}
	m, err := parseMedia(res.body)
	if err != nil {
		c.report.broken(1, where, "%v", err)
		m = &media{iFramesOnly: true}
	}
	if !m.iFramesOnly {
		c.report.broken(97, where, "no EXT-X-I-FRAMES-ONLY")
	}
	left := ranges
	for _, s := range m.segments {
		if s.gap || left == 0 {
			continue
		}
		left--
		if s.mapURI == "" {
			c.report.broken(97, where, "no EXT-X-MAP for entry %d", s.msn)
		}
		if s.length > 0 {
			if err = c.picture(ctx, where, u, s, left == 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// picture asks for one byte range and, if last is set, for one past the end.
func (c *checker) picture(ctx context.Context, where string, u *url.URL, s segment, last bool) error {
	v, err := u.Parse(s.uri)
	if err != nil {
		return fmt.Errorf("read %s: %w", where, err)
	}
	ask := func(from, to int64) (response, error) {
		res, rerr := c.do(ctx, http.MethodGet, v, "Range", fmt.Sprintf("bytes=%d-%d", from, to))
		if rerr != nil {
			return response{}, fmt.Errorf("read %s: %w", where, rerr)
		}
		return res, nil
	}
	res, err := ask(s.offset, s.offset+s.length-1)
	if err != nil {
		return err
	}
	want := fmt.Sprintf("bytes %d-%d/", s.offset, s.offset+s.length-1)
	switch got := res.header.Get("Content-Range"); {
	case res.status == http.StatusNotFound || res.status == http.StatusRequestedRangeNotSatisfiable:
		c.report.broken(97, where, "status %d for entry %d", res.status, s.msn)
	case res.status != http.StatusPartialContent || !strings.HasPrefix(got, want):
		c.report.broken(87, where, "status %d with Content-Range %q", res.status, got)
	case int64(len(res.body)) != s.length:
		c.report.broken(97, where, "%d bytes for entry %d, which has %d", len(res.body), s.msn, s.length)
	}
	if !last {
		return nil
	}
	if res, err = ask(1<<40, 1<<40+9); err != nil {
		return err
	}
	if res.status != http.StatusRequestedRangeNotSatisfiable {
		c.report.broken(87, where, "status %d for a range past the end", res.status)
	}
	return nil
}

// conclude checks what only the whole watch shows. The multivariant playlist is
// read again: a live server learns bit rates as it goes.
func (c *checker) conclude(ctx context.Context, base *url.URL) error {
	res, err := c.get(ctx, base)
	if err != nil {
		return fmt.Errorf("read the multivariant playlist again: %w", err)
	}
	m, err := parseMultivariant(res.body)
	if err != nil || res.status != http.StatusOK {
		return nil // said before, or gone
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	groups := map[string]float64{}
	for _, r := range m.renditions {
		if rate := c.rates[r["URI"]]; rate != nil {
			key := r["TYPE"] + "/" + r["GROUP-ID"]
			groups[key] = max(groups[key], rate.peak)
		}
	}
	for _, v := range m.variants {
		stated, err := strconv.ParseFloat(v["BANDWIDTH"], 64)
		rate := c.rates[v["uri"]]
		if err != nil || rate == nil {
			continue
		}
		if peak := rate.peak + groups["AUDIO/"+v["AUDIO"]]; peak > stated {
			c.report.broken(10, "variant "+v["uri"], "%.0f with peaks of %.0f", stated, peak)
		}
	}
	for msn, seen := range c.segments {
		gaps := 0
		for _, s := range seen {
			if s.gap {
				gaps++
			}
		}
		if len(seen) > 1 && gaps == len(seen) {
			c.report.broken(96, "all renditions", "segment %d nowhere", msn)
		}
	}
	least, most := -1, -1
	for _, msn := range c.last {
		if least < 0 || msn < least {
			least = msn
		}
		most = max(most, msn)
	}
	if least != most {
		c.report.broken(49, "all renditions", "ends from segment %d to %d", least, most)
	}
	return nil
}
