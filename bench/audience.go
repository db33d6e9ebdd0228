package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// audience is viewers that follow a class as low-latency players do: blocking
// reloads of each rendition's playlist, and every part.
type audience struct {
	folders []string // of the renditions, as paths
	parts   bool     // they are fetched
	arrive  time.Duration

	measuring atomic.Int64 // number of the present measurement, 0 for none: an index of follower.notes
	refused   atomic.Int64 // playlists that were answered with 503
	missed    atomic.Int64 // parts that were answered with 404
	known     sync.Map     // *parts by ETag: one of them reads a playlist for all
	followers []*follower
}

// newAudience returns n viewers of the class with that multivariant playlist.
func newAudience(n int, multivariant string, renditions []string, withParts bool) (*audience, error) {
	u, err := url.Parse(multivariant)
	if err != nil {
		return nil, fmt.Errorf("playlist of the class: %w", err)
	}
	a := &audience{parts: withParts, arrive: arriveWithin}
	for _, r := range renditions {
		a.folders = append(a.folders, path.Dir(u.Path)+"/"+r+"/")
	}
	for range n {
		for i := range a.folders {
			a.followers = append(a.followers, &follower{audience: a, rendition: i})
		}
	}
	return a, nil
}

// heard is an answer to a blocking reload.
type heard struct {
	rendition int
	place     place
	at        time.Time
}

// follower is one rendition of a viewer, with a connection of its own. It implements
// driver.
type follower struct {
	audience  *audience
	rendition int

	asked    place // by the reload under way
	first    bool  // the first playlist was read
	wanted   []part
	fetching bool // a part
	cached   *parts
	buffer   buffer

	notes [maxMeasurements]notes
}

// maxMeasurements is how many there can be, the one that is none included.
const maxMeasurements = 3

// notes are what a follower has met with in one measurement.
type notes struct {
	heard  []heard
	took   []time.Duration // parts
	stalls int
	dry    time.Duration // in all
}

func (f *follower) wake(c *connection, _ time.Time) error { return f.reload(c) }

// reload asks for the playlist with the next part.
func (f *follower) reload(c *connection) error {
	f.fetching = false
	at := f.audience.folders[f.rendition] + "index.m3u8"
	if f.first {
		at = fmt.Sprintf("%s?_HLS_msn=%d&_HLS_part=%d", at, f.asked.msn, f.asked.part)
	}
	return c.get(request(at))
}

func (f *follower) keep(h *head) bool {
	f.cached = nil
	if f.fetching || h.status != http.StatusOK {
		return false
	}
	if h.etag != "" {
		if p, ok := f.audience.known.Load(h.etag); ok {
			f.cached = p.(*parts)
		}
	}
	return f.cached == nil
}

func (f *follower) answered(c *connection, now time.Time, h *head, body []byte) error {
	n := &notes{} // to be forgotten
	if i := f.audience.measuring.Load(); i > 0 {
		n = &f.notes[i]
	}
	if f.fetching {
		return f.part(c, n, now, h)
	}
	return f.playlist(c, n, now, h, body)
}

func (f *follower) part(c *connection, n *notes, now time.Time, h *head) error {
	switch {
	case h.status == http.StatusNotFound:
		f.audience.missed.Add(1)
	case h.status != http.StatusOK:
		return fmt.Errorf("part %s is answered with %d", f.wanted[0].uri, h.status)
	}
	n.took = append(n.took, now.Sub(c.asked))
	if dry := f.buffer.add(now, f.wanted[0].duration); dry > 0 {
		n.stalls++
		n.dry += dry
	}
	f.wanted = f.wanted[1:]
	return f.next(c)
}

func (f *follower) playlist(c *connection, n *notes, now time.Time, h *head, body []byte) error {
	if h.status == http.StatusServiceUnavailable { // nothing new came in time
		f.audience.refused.Add(1)
		return f.reload(c)
	}
	if h.status != http.StatusOK {
		return fmt.Errorf("playlist of rendition %d is answered with %d", f.rendition, h.status)
	}
	p := f.cached
	if p == nil {
		read, err := readParts(bytes.NewReader(body))
		if err != nil {
			return err
		}
		p = &read
		if h.etag != "" {
			f.audience.known.Store(h.etag, p)
		}
	}
	if p.ended {
		return errors.New("the class has ended")
	}
	if f.first {
		n.heard = append(n.heard, heard{f.rendition, f.asked, now})
	}
	if !f.first {
		f.first, f.buffer.holdBack = true, p.holdBack
		if p.holdBack == 0 {
			return errors.New("a playlist without PART-HOLD-BACK")
		}
		f.wanted = latest(p.listed, p.holdBack)
	} else {
		for _, l := range p.listed {
			if !l.before(f.asked) {
				f.wanted = append(f.wanted, l)
			}
		}
	}
	f.asked = p.next
	if !f.audience.parts {
		f.wanted = nil
	}
	return f.next(c)
}

// next fetches a part, or the playlist if there is none.
func (f *follower) next(c *connection) error {
	if len(f.wanted) == 0 {
		f.wanted = nil
		return f.reload(c)
	}
	f.fetching = true
	return c.get(request(f.audience.folders[f.rendition] + f.wanted[0].uri))
}

// latest returns the fewest parts at the end of all that last for d, or all.
func latest(all []part, d time.Duration) []part {
	i := len(all)
	for i > 0 && d > 0 {
		i--
		d -= all[i].duration
	}
	return append([]part(nil), all[i:]...)
}

// arriveWithin is how long it takes until all viewers are there, and settleWithin
// how long they are then left alone.
const (
	arriveWithin = 3 * time.Second
	settleWithin = 2 * time.Second
)

// follow lets the viewers watch from the server at addr while play runs, which is
// called when all are there.
func (a *audience) follow(ctx context.Context, addr string, play func(context.Context, *swarm) error) error {
	s, err := newSwarm(addr)
	if err != nil {
		return err
	}
	start := time.Now()
	for i, f := range a.followers {
		s.add(i, start.Add(a.arrive*time.Duration(i)/time.Duration(len(a.followers))), f)
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	g, gctx := errgroup.WithContext(watching)
	g.Go(func() error { return s.run(gctx) })
	g.Go(func() error {
		defer stop()
		if werr := wait(gctx, a.arrive+settleWithin); werr != nil {
			return werr
		}
		if werr := s.complete(gctx, len(a.followers)); werr != nil {
			return werr
		}
		return play(gctx, s)
	})
	if err = g.Wait(); err != nil && (ctx.Err() != nil || !errors.Is(err, context.Canceled)) {
		return err
	}
	return nil
}

// attendance is what an audience has met with.
type attendance struct {
	playlists []time.Duration // from the first of all viewers to have a part listed
	parts     []time.Duration // from request to last byte
	viewers   int             // renditions of viewers, rather
	stalled   int             // of these
	stalls    int
	dry       time.Duration // in all
}

// note begins measurement n, which counts from 1, or none if that is 0.
func (a *audience) note(n int64) { a.measuring.Store(n) }

// summary adds up measurement n. The viewers must have left.
func (a *audience) summary(n int) attendance {
	out := attendance{viewers: len(a.followers)}
	type key struct {
		rendition int
		place     place
	}
	first := map[key]time.Time{}
	for _, f := range a.followers {
		for _, h := range f.notes[n].heard {
			k := key{h.rendition, h.place}
			if at, ok := first[k]; !ok || h.at.Before(at) {
				first[k] = h.at
			}
		}
	}
	for _, f := range a.followers {
		notes := &f.notes[n]
		for _, h := range notes.heard {
			out.playlists = append(out.playlists, h.at.Sub(first[key{h.rendition, h.place}]))
		}
		out.parts = append(out.parts, notes.took...)
		out.stalls += notes.stalls
		out.dry += notes.dry
		if notes.stalls > 0 {
			out.stalled++
		}
	}
	return out
}
