package hls_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/segment"
)

// memoryLog is a Log that keeps everything and checks the order of calls.
type memoryLog struct {
	names      []string
	renditions map[string]*memoryRendition
	fail       error // returned by AppendPart when set
	epoch      string

	uncommitted bool
	cues        []segment.Cue
}

type memoryRendition struct {
	inits    []segment.Init
	lost     int // inits before those, which cannot be read any more
	segments []segment.Segment
	parts    map[int][]segment.Part // by MSN, with Data
	open     int                    // MSN of the segment that has parts, -1 for none
	expired  int
	begun    bool         // head is that of the segment that is open
	head     segment.Head // latest
}

func newMemoryLog() *memoryLog {
	return &memoryLog{renditions: make(map[string]*memoryRendition)}
}

func (l *memoryLog) of(name string) *memoryRendition {
	r, ok := l.renditions[name]
	if !ok {
		r = &memoryRendition{parts: make(map[int][]segment.Part), open: -1}
		l.renditions[name] = r
		l.names = append(l.names, name)
	}
	return r
}

func (l *memoryLog) Epoch() string { return cmp.Or(l.epoch, "k3x9") }

func (l *memoryLog) Renditions() []segment.Rendition {
	var out []segment.Rendition
	for _, name := range slices.Sorted(maps.Keys(l.renditions)) {
		r := l.renditions[name]
		out = append(out, segment.Rendition{Name: name, Inits: r.inits, NextInit: r.lost + len(r.inits), Segments: slices.Clone(r.segments)})
	}
	return out
}

func (l *memoryLog) PutInit(rendition string, in segment.Init) error {
	r := l.of(rendition)
	if next := r.lost + len(r.inits); in.ID != next {
		return fmt.Errorf("init %d instead of %d", in.ID, next)
	}
	in.Epoch = l.Epoch()
	r.inits = append(r.inits, in)
	return nil
}

func (l *memoryLog) AppendPart(rendition string, msn int, p segment.Part) error {
	if l.fail != nil {
		return l.fail
	}
	r := l.of(rendition)
	if n := len(r.segments); n > 0 && msn != r.segments[n-1].MSN+1 || r.open >= 0 && r.open != msn {
		return fmt.Errorf("part of segment %d while %d is open", msn, r.open)
	}
	if p.Index != len(r.parts[msn]) {
		return fmt.Errorf("part %d.%d out of order", msn, p.Index)
	}
	if !r.begun || r.head.MSN != msn {
		return fmt.Errorf("part %d.%d of a segment that has not begun", msn, p.Index)
	}
	l.uncommitted = true
	r.open = msn
	r.parts[msn] = append(r.parts[msn], p)
	return nil
}

func (l *memoryLog) FinishSegment(rendition string, s segment.Segment) error {
	r := l.of(rendition)
	if n := len(r.segments); n > 0 && s.MSN != r.segments[n-1].MSN+1 {
		return fmt.Errorf("segment %d after %d", s.MSN, r.segments[n-1].MSN)
	}
	if !s.Gap && len(r.parts[s.MSN]) == 0 || len(s.Parts) != len(r.parts[s.MSN]) {
		return fmt.Errorf("segment %d: gap %v with %d parts, %d stored", s.MSN, s.Gap, len(s.Parts), len(r.parts[s.MSN]))
	}
	r.open, r.begun = -1, false
	s.Epoch = l.Epoch()
	r.segments = append(r.segments, s)
	return nil
}

func (l *memoryLog) BeginSegment(rendition string, h segment.Head) error {
	r := l.of(rendition)
	if r.begun || h.ProgramDateTime.IsZero() || h.InitID >= r.lost+len(r.inits) {
		return fmt.Errorf("begin %+v with %+v under way", h, r.head)
	}
	r.begun, r.head = true, h
	return nil
}

func (l *memoryLog) PutCue(c segment.Cue) { l.cues = append(l.cues, c) }

func (l *memoryLog) Cues() []segment.Cue { return slices.Clone(l.cues) }

func (l *memoryLog) Commit() { l.uncommitted = false }

func (l *memoryLog) Expire(rendition string, msn int) { l.of(rendition).expired = msn }

// bytes returns a finished or open segment.
func (r *memoryRendition) bytes(msn int) []byte {
	var b []byte
	for _, p := range r.parts[msn] {
		b = append(b, p.Data...)
	}
	return b
}

// script is a Reader that delivers items as fast as they are taken.
type script struct {
	items   []stream.Item
	ended   bool   // ErrEnded at the end, else wait for ctx
	between func() // called before each item, when the last one is published
	cancel  context.CancelFunc
}

func (s *script) Next(ctx context.Context) (stream.Item, error) {
	if s.between != nil {
		s.between()
	}
	if len(s.items) == 0 {
		if s.ended {
			return stream.Item{}, stream.ErrEnded
		}
		if s.cancel != nil {
			s.cancel()
		}
		<-ctx.Done()
		return stream.Item{}, ctx.Err()
	}
	item := s.items[0]
	s.items = s.items[1:]
	return item, nil
}

// class writes items on a class's clock, as package stream would.
type class struct {
	items  []stream.Item
	tracks []media.Track
	at     time.Duration // class clock
	wall   time.Time     // at the class clock's 0
}

func newClass() *class {
	return &class{wall: time.Date(2030, time.March, 4, 9, 0, 0, 0, time.UTC)}
}

// publish adds a publication of d from src. Its clock is made to continue.
func (c *class) publish(src *mediatest.Source, reason media.DiscontinuityReason, d time.Duration) {
	c.begin(src.Tracks(), reason)
	c.more(src, d)
}

func (c *class) begin(tracks []media.Track, reason media.DiscontinuityReason) {
	tracks = slices.Clone(tracks)
	for i := range tracks {
		if tracks[i].Rendition == "" {
			tracks[i].Rendition = map[media.Kind]string{media.KindVideo: "source", media.KindAudio: "audio"}[tracks[i].Codec.Kind()]
		}
	}
	c.tracks = tracks
	c.items = append(c.items, stream.Item{Discontinuity: &media.Discontinuity{Reason: reason, Tracks: tracks}})
}

// more adds samples of src; each call shifts them so that they continue.
func (c *class) more(src *mediatest.Source, d time.Duration) {
	samples := src.Take(d)
	shift := c.at - samples[0].DTS
	for _, s := range samples {
		c.sample(s, shift)
	}
	c.at += d
}

func (c *class) sample(s media.Sample, shift time.Duration) {
	i := slices.IndexFunc(c.tracks, func(t media.Track) bool { return t.ID == s.Track })
	ts := c.tracks[i].Timescale
	c.unit(media.AccessUnit{
		Track: s.Track, DTS: ts.Ticks(s.DTS + shift), PTS: ts.Ticks(s.PTS + shift),
		CapturedAt: c.wall.Add(s.PTS + shift), RandomAccess: s.RandomAccess, Payload: s.Payload,
	})
}

func (c *class) unit(au media.AccessUnit) {
	c.items = append(c.items, stream.Item{AccessUnit: &au})
}

// away lets real time pass without media.
func (c *class) away(d time.Duration) { c.wall = c.wall.Add(d) }

func newPackager(tb testing.TB, cfg hls.Config, r hls.Reader, l hls.Log) *hls.Packager {
	tb.Helper()
	p, err := hls.New(cfg, hls.Deps{
		Reader: r, Log: l, Logger: slog.New(slog.DiscardHandler),
		Metrics: hls.NewMetrics(prometheus.NewPedanticRegistry()),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// run packages items to the end and calls observe after each publication.
func run(tb testing.TB, cfg hls.Config, l hls.Log, items []stream.Item, ended bool, observe func(*hls.Packager)) *hls.Packager {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	s := &script{items: items, ended: ended, cancel: cancel}
	p := newPackager(tb, cfg, s, l)
	s.between = func() {
		if m, ok := l.(*memoryLog); ok && m.uncommitted {
			tb.Error("published before it was committed")
		}
		if observe != nil {
			observe(p)
		}
	}
	if err := p.Run(ctx); err != nil {
		tb.Fatalf("run: %v", err)
	}
	if observe != nil {
		observe(p)
	}
	return p
}
