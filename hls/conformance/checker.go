package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// MaxDuration is the longest watch.
const MaxDuration = 24 * time.Hour

// Config says what to watch.
type Config struct {
	// URL of the multivariant playlist, or of one media playlist. It may hold a
	// viewer's token, which no finding and no error repeats.
	URL string
	// Duration of the watch, 1s to MaxDuration. The rules on change over time need a
	// few target durations; 60s sees most of them. A presentation that has ended is
	// not watched, only read.
	Duration time.Duration
	// Client makes the requests. It must not follow redirects to be able to see
	// them and needs no timeout of its own. Default: a plain one.
	Client *http.Client
	// Metrics is the URL of a Lectern's metrics page, for rule 81. Default none.
	Metrics string
}

// Summary is what a watch saw.
type Summary struct {
	Findings   []Finding    `json:"findings"`
	NotChecked []NotChecked `json:"not_checked"`
	// Playlists is how many media playlists were read, Renditions how many there
	// are without the I-frame playlists, Segments how many were read whole, LastMSN
	// the newest segment and Ended whether ENDLIST came.
	Playlists  int  `json:"playlists"`
	Renditions int  `json:"renditions"`
	Segments   int  `json:"segments"`
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

// Check watches the presentation for cfg.Duration, or until it ends or ctx does,
// and returns what it saw. An error means that there was nothing to watch
// ([ErrUnreachable]), or that ctx ended.
func Check(ctx context.Context, cfg Config) (Summary, error) {
	base, err := url.Parse(cfg.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return Summary{}, fmt.Errorf("%w: not an http or https URL", ErrUnreachable)
	}
	if cfg.Duration < time.Second || cfg.Duration > MaxDuration {
		return Summary{}, fmt.Errorf("%w: a watch of %v is outside 1s to %v", ErrUnreachable, cfg.Duration, MaxDuration)
	}
	client := cfg.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		defer client.CloseIdleConnections()
	}
	hide := secrets(base)
	c := &checker{
		fetcher: fetcher{client: client, hide: hide, zips: &sync.Pool{}, files: make(chan struct{}, maxFiles)}, report: newReport(hide), hide: hide, metrics: cfg.Metrics,
		segments: map[int]map[string]seenSegment{}, renditions: map[string]*rendition{}, positions: map[[2]int]map[string]time.Time{},
	}
	res, err := c.playlist(ctx, base)
	if err != nil {
		return Summary{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if res.status != http.StatusOK {
		return Summary{}, fmt.Errorf("%w: the server answers %d", ErrUnreachable, res.status)
	}
	if c.torn("the playlist", res) {
		return c.summary(), nil
	}
	err = c.run(ctx, base, res, cfg.Duration)
	return c.summary(), err
}

// checker is one watch.
type checker struct {
	fetcher
	report  *report           // safe for concurrent use
	hide    *strings.Replacer // read-only
	metrics string
	late    lateness

	mu             sync.Mutex // guards the fields below
	playlists      int
	whole          int // segments read
	lastMSN        int
	ended          bool
	targetDuration int
	control        string
	names          int                            // media playlists without I-frame playlists
	segments       map[int]map[string]seenSegment // by MSN, then rendition
	renditions     map[string]*rendition          // by name
	positions      map[[2]int]map[string]time.Time
	together       tally // of rule 50
	claims         []claim
	notIndependent []string
	unavailable    time.Time // when the server last said that it has nothing
}

func (c *checker) summary() Summary {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Summary{Playlists: c.playlists, Renditions: c.names, Segments: c.whole, LastMSN: c.lastMSN, Ended: c.ended}
	s.Findings, s.NotChecked = c.report.list()
	return s
}

// run watches until d is over or everything has ended. res is the first answer.
func (c *checker) run(ctx context.Context, base *url.URL, res response, d time.Duration) error {
	m := &multivariant{}
	names := map[string]*url.URL{}
	iFrames := map[string]*url.URL{}
	body := string(res.body)
	c.report.judged(1)
	if isMultivariant(body) {
		var err error
		if m, err = parseMultivariant(body); err != nil {
			c.report.broken(1, "multivariant", "%v", err)
			return nil
		}
		c.playlistAnswer("multivariant", base, res)
		c.multivariant(m)
		names, iFrames = c.mediaPlaylists(res.url, m)
	} else {
		names["the playlist"] = base
	}
	c.names = len(names)
	for name, u := range names {
		c.of(name).url = u
	}

	watch, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	beating, stop := context.WithCancel(ctx)
	var own sync.WaitGroup
	own.Go(func() { c.late.run(beating) })
	g, gctx := errgroup.WithContext(watch)
	for name, u := range names {
		g.Go(func() error { return c.follow(gctx, newWatcher(c, name, u, false, names)) })
	}
	for name, u := range iFrames {
		g.Go(func() error { return c.follow(gctx, newWatcher(c, name, u, true, names)) })
	}
	if len(m.variants) > 0 {
		g.Go(func() error { return c.probePlaylist(gctx, "multivariant", base, nil) })
	}
	g.Go(func() error { return c.leave(gctx, names) })
	err := g.Wait()
	stop()
	own.Wait()
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		err = nil // the watch is over
	}
	if err != nil {
		return err
	}
	return c.conclude(ctx, base, m)
}

// mediaPlaylists returns the media playlists by their URI as written, and the
// I-frame playlists.
func (c *checker) mediaPlaylists(base *url.URL, m *multivariant) (names, iFrames map[string]*url.URL) {
	names, iFrames = map[string]*url.URL{}, map[string]*url.URL{}
	add := func(to map[string]*url.URL, ref string) {
		u, err := base.Parse(ref)
		if err != nil || ref == "" {
			c.report.broken(4, "multivariant", "the URI %q", ref)
			return
		}
		if len(to) < maxRenditions {
			to[ref] = u
		}
	}
	for _, v := range m.variants {
		add(names, v["uri"])
	}
	for _, r := range m.renditions {
		if r["URI"] != "" {
			add(names, r["URI"])
		}
	}
	for _, f := range m.iFrames {
		add(iFrames, f["URI"])
	}
	return names, iFrames
}

// conclude judges what only the whole watch shows. The multivariant playlist is
// read again: a live server learns bit rates as it goes.
func (c *checker) conclude(ctx context.Context, base *url.URL, m *multivariant) error {
	if len(m.variants) > 0 {
		res, err := c.playlist(ctx, base)
		if err != nil && ctx.Err() != nil {
			return fmt.Errorf("read the multivariant playlist again: %w", err)
		}
		if err == nil && res.status == http.StatusOK && res.torn == "" {
			if again, perr := parseMultivariant(string(res.body)); perr == nil && c.follows(again) {
				m = again
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.described(m)
	c.measuredRates(m)
	c.acrossAtEnd()
	c.claimed()
	return nil
}

// follows reports whether we watched what m lists. What has ended may go on as a
// recording with other playlists: then m is made to list those beside them that we
// watched.
func (c *checker) follows(m *multivariant) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	beside := make(map[string]string) // by folder
	for name := range c.renditions {
		if other, ok := beside[path.Dir(name)]; !ok || name < other {
			beside[path.Dir(name)] = name
		}
	}
	watched := func(a attributes, key string) bool {
		if a[key] == "" || c.renditions[a[key]] != nil {
			return true
		}
		a[key] = beside[path.Dir(a[key])]
		return a[key] != ""
	}
	for _, v := range m.variants {
		if !watched(v, "uri") {
			return false
		}
	}
	for _, r := range m.renditions {
		if !watched(r, "URI") {
			return false
		}
	}
	return true
}
