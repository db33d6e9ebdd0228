package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Config says what to watch.
type Config struct {
	// URL of the multivariant playlist.
	URL string
	// Duration of the watch, 1s or more. The rules on change over time need a
	// few target durations; 60s sees most of them.
	Duration time.Duration
	// Client makes the requests. It must not follow redirects to be able to see
	// them and needs no timeout of its own. Default: a plain one.
	Client *http.Client
}

// Summary is what a watch saw.
type Summary struct {
	Findings []Finding `json:"findings"`
	// Playlists is how many media playlists were read, Renditions how many there
	// are, LastMSN the newest segment and Ended whether ENDLIST came.
	Playlists  int  `json:"playlists"`
	Renditions int  `json:"renditions"`
	LastMSN    int  `json:"last_msn"`
	Ended      bool `json:"ended"`
}

// Broken reports whether any MUST is broken.
func (s Summary) Broken() bool {
	for _, f := range s.Findings {
		if f.Level == Must {
			return true
		}
	}
	return false
}

// ErrUnreachable is returned when the multivariant playlist cannot be read at all.
var ErrUnreachable = errors.New("the multivariant playlist cannot be read")

// Check watches the presentation for cfg.Duration, or until it ends or ctx does,
// and returns what it saw. An error means that there was nothing to watch.
func Check(ctx context.Context, cfg Config) (Summary, error) {
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Host == "" {
		return Summary{}, fmt.Errorf("%q is not an http or https URL", cfg.URL)
	}
	client := cfg.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	c := &checker{
		fetcher: fetcher{client: client}, report: newReport(),
		segments: map[int]map[string]seenSegment{}, rates: map[string]*meter{}, last: map[string]int{},
	}

	res, err := c.get(ctx, base)
	if err != nil {
		return Summary{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if res.status != http.StatusOK {
		return Summary{}, fmt.Errorf("%w: the server answers %d", ErrUnreachable, res.status)
	}
	c.playlistHeaders(ctx, "multivariant", base, res)
	m, err := parseMultivariant(res.body)
	if err != nil {
		c.report.broken(1, "multivariant", "%v", err)
		return Summary{Findings: c.report.list()}, nil
	}
	c.multivariant(m)
	names := c.mediaPlaylists(base, m)
	for _, f := range m.iFrames {
		if err = c.iFrames(ctx, base, f["URI"]); err != nil {
			return Summary{}, err
		}
	}

	watchCtx, cancel := context.WithTimeout(ctx, cfg.Duration)
	defer cancel()
	g, gctx := errgroup.WithContext(watchCtx)
	for name, u := range names {
		g.Go(func() error { return c.watch(gctx, name, u, len(names)) })
	}
	err = g.Wait()
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = nil // the watch is over
	}
	if err == nil {
		err = c.conclude(ctx, base)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return Summary{Findings: c.report.list(), Playlists: c.playlists, Renditions: len(names), LastMSN: c.lastMSN, Ended: c.ended}, err
}

// checker is one watch.
type checker struct {
	fetcher
	report *report // safe for concurrent use

	mu             sync.Mutex // guards the fields below
	playlists      int
	lastMSN        int
	ended          bool
	targetDuration int
	control        string
	segments       map[int]map[string]seenSegment // by MSN, then rendition
	rates          map[string]*meter              // by rendition
	last           map[string]int                 // MSN that a rendition ended with
}

// seenSegment is what must agree across renditions.
type seenSegment struct {
	dsn      int
	pdt      time.Time
	duration time.Duration
	gap      bool
}

// multivariant checks the multivariant playlist by itself.
func (c *checker) multivariant(m *multivariant) {
	groups := map[string]bool{}
	for _, r := range m.renditions {
		if r["TYPE"] == "" || r["GROUP-ID"] == "" || r["NAME"] == "" {
			c.report.broken(15, "multivariant", "%v", r)
		}
		if t := r["TYPE"]; (t == "AUDIO" || t == "SUBTITLES") && r["LANGUAGE"] == "" {
			c.report.broken(16, "multivariant", "%s %q without it", t, r["NAME"])
		}
		groups[r["TYPE"]+"/"+r["GROUP-ID"]] = true
	}
	for _, v := range m.variants {
		where := "variant " + v["uri"]
		for _, need := range []struct {
			rule int
			name string
		}{{4, "BANDWIDTH"}, {5, "CODECS"}, {9, "AVERAGE-BANDWIDTH"}} {
			if v[need.name] == "" {
				c.report.broken(need.rule, where, "no %s", need.name)
			}
		}
		if hasVideo(v["CODECS"]) && v["RESOLUTION"] == "" {
			c.report.broken(7, where, "no RESOLUTION")
		}
		for _, kind := range []string{"AUDIO", "VIDEO", "SUBTITLES", "CLOSED-CAPTIONS"} {
			if g := v[kind]; g != "" && g != "NONE" && !groups[kind+"/"+g] {
				c.report.broken(13, where, "%s group %q does not exist", kind, g)
			}
		}
	}
	c.variants(m)
	if !m.independent {
		c.report.broken(18, "multivariant", "none")
	}
}

// variants checks the variants together.
func (c *checker) variants(m *multivariant) {
	none, rates, video, sound, withSound := 0, map[string]bool{}, 0, 0, false
	for _, v := range m.variants {
		if v["CLOSED-CAPTIONS"] == "NONE" {
			none++
		}
		if hasVideo(v["CODECS"]) {
			video++
			rates[v["BANDWIDTH"]] = true
			withSound = withSound || v["AUDIO"] != "" || strings.Contains(v["CODECS"], "mp4a.")
		} else {
			sound++
		}
	}
	if m.quotedNone {
		c.report.broken(14, "multivariant", "the word in quotes")
	} else if none != 0 && none != len(m.variants) {
		c.report.broken(14, "multivariant", "it on %d of %d variants", none, len(m.variants))
	}
	if video == 0 {
		return
	}
	if len(rates) < 2 {
		c.report.broken(17, "multivariant", "%d", len(rates))
	}
	if sound == 0 && withSound {
		c.report.broken(98, "multivariant", "none")
	}
	if len(m.iFrames) == 0 {
		c.report.broken(21, "multivariant", "none for %d variants", video)
	}
	for _, f := range m.iFrames {
		if f["BANDWIDTH"] == "" {
			c.report.broken(4, "I-frames "+f["URI"], "no BANDWIDTH")
		}
	}
}

// mediaPlaylists returns the media playlists by their URI as written.
func (c *checker) mediaPlaylists(base *url.URL, m *multivariant) map[string]*url.URL {
	out := map[string]*url.URL{}
	add := func(ref string) {
		if u, ok := c.resolve(base, ref); ok {
			out[ref] = u
		}
	}
	for _, v := range m.variants {
		add(v["uri"])
	}
	for _, r := range m.renditions {
		if r["URI"] != "" {
			add(r["URI"])
		}
	}
	return out
}

// resolve returns the URL of a playlist that the multivariant playlist names.
func (c *checker) resolve(base *url.URL, ref string) (*url.URL, bool) {
	u, err := base.Parse(ref)
	if err != nil || ref == "" {
		c.report.broken(1, "multivariant", "the URI %q", ref)
		return nil, false
	}
	return u, true
}

// watch follows one media playlist until ctx ends or ENDLIST comes.
func (c *checker) watch(ctx context.Context, name string, u *url.URL, renditions int) error {
	var (
		prev   *media
		probed bool
		ask    = *u
	)
	for {
		res, err := c.get(ctx, &ask)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		switch {
		case res.status == http.StatusServiceUnavailable:
			// A reload that could not be met in time: ask again, without waiting
			// for a publisher that is away.
			ask = *u
			if err = pause(ctx, time.Second); err != nil {
				return err
			}
			continue
		case res.status != http.StatusOK:
			if ctx.Err() == nil {
				c.report.broken(73, name, "status %d for %s", res.status, ask.RawQuery)
			}
			return nil
		}
		m, err := parseMedia(res.body)
		if err != nil {
			c.report.broken(1, name, "%v", err)
			return nil
		}
		c.snapshot(name, m, renditions)
		c.across(name, m)
		if err = c.segmentsOf(ctx, name, u, prev, m); err != nil {
			return err
		}
		if prev != nil {
			c.change(name, prev, m)
			c.blocking(name, &ask, m)
		}
		if !probed && !m.ended {
			probed = true
			c.playlistHeaders(ctx, name, u, res)
			if err := c.probe(ctx, name, u, m); err != nil {
				return err
			}
		}
		if m.ended {
			return nil
		}
		ask = c.nextRequest(u, m)
		if prev = m; ask.RawQuery == "" {
			if err := pause(ctx, time.Duration(max(1, m.targetDuration))*time.Second/2); err != nil {
				return err
			}
		}
	}
}

// nextRequest is the reload that a low-latency player would send.
func (c *checker) nextRequest(u *url.URL, m *media) url.URL {
	ask := *u
	if m.control["CAN-BLOCK-RELOAD"] == "YES" {
		msn, index := m.nextPart()
		q := url.Values{"_HLS_msn": {fmt.Sprint(msn)}}
		if m.partTarget > 0 {
			q.Set("_HLS_part", fmt.Sprint(index))
		}
		ask.RawQuery = q.Encode()
	}
	return ask
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
