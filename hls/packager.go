package hls

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/lectern/lectern/hls/playlist"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/segment"
)

// Reader is the packager's input; *stream.Reader is one, *transcode.Job another.
// The first item is a Discontinuity. Access units are ordered by DTS within a
// track, and over all tracks but the encoded ones, which come later.
type Reader interface {
	// Next blocks until an item, stream.ErrEnded or ctx's end. A call that
	// ended with ctx has taken nothing.
	Next(ctx context.Context) (stream.Item, error)
}

// Log is the packager's output; *segment.Log is one. No method may wait for a
// disk, but Commit for a moment.
type Log interface {
	Epoch() string
	Renditions() []segment.Rendition
	PutInit(rendition string, in segment.Init) error
	BeginSegment(rendition string, h segment.Head) error
	AppendPart(rendition string, msn int, p segment.Part) error
	FinishSegment(rendition string, s segment.Segment) error
	Expire(rendition string, msn int)
	// PutCue keeps a cue, and Cues returns those that were ever put.
	PutCue(c segment.Cue)
	Cues() []segment.Cue
	// Commit is called before anything that was put is published.
	Commit()
}

// Deps are what a Packager works with. All are needed, except Now.
type Deps struct {
	Reader  Reader
	Log     Log
	Logger  *slog.Logger
	Metrics *Metrics
	Now     func() time.Time // default time.Now
}

// Packager packages one class. Run belongs to one goroutine; every other method
// may be called from any goroutine at any time and never blocks.
type Packager struct {
	// Set by New, then read-only.
	cfg                   Config
	reader                Reader
	log                   Log
	logger                *slog.Logger
	metrics               *Metrics
	now                   func() time.Time
	epoch                 string
	preamble, dvrPreamble []byte

	published atomic.Pointer[view] // stored by New and Run
	told      inbox                // cues that Run has not taken yet

	// Owned by Run.
	renditions []*rendition // in order of appearance
	tracks     map[media.TrackID]*rendition
	lead       *rendition
	grid       grid
	spans      spans
	watermark  time.Duration  // no later access unit but encoded ones has a lower DTS
	anchor     anchor         // of the latest access unit
	ended      bool           // for good
	idle       bool           // nothing counts before the next discontinuity
	stale      bool           // the multivariant playlist may have to change
	fillers    []filler       // for the Log, found by New
	lost       map[string]int // next Init id of replayed renditions that have none left
	cues       playlist.Cues
	rates      map[string]variantRate
	writer     playlist.Writer
}

// view is all that is published, swapped at once so that no viewer sees one
// rendition ahead of what another's reports say.
type view struct {
	names        []string
	snapshots    map[string]*Snapshot
	multivariant *Document
	dvr          *Document // the multivariant playlist of the DVR lists
	edge         time.Time // wall clock at the end of the newest media of any rendition
}

// anchor is a presentation time with its wall clock.
type anchor struct {
	pts  time.Duration
	wall time.Time
}

// at extrapolates the wall clock at pts.
func (a anchor) at(pts time.Duration) time.Time { return a.wall.Add(pts - a.pts) }

// filler is a gap segment that New had to add to a replayed rendition.
type filler struct {
	rendition string
	segment   segment.Segment
}

// New returns a packager that continues what d.Log holds: what was published
// before is visible at once, and the first new segment follows with the next
// Media Sequence Number behind a discontinuity. It returns an error that wraps
// ErrConfig if cfg is not valid.
func New(cfg Config, d Deps) (*Packager, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	p := &Packager{
		cfg:       cfg,
		reader:    d.Reader,
		log:       d.Log,
		logger:    d.Logger.With("component", "hls"),
		metrics:   d.Metrics,
		now:       d.Now,
		epoch:     d.Log.Epoch(),
		tracks:    make(map[media.TrackID]*rendition),
		rates:     make(map[string]variantRate),
		lost:      make(map[string]int),
		watermark: -1,
	}
	p.preamble, p.dvrPreamble = p.opening().Live(), p.opening().DVR()
	p.published.Store(&view{})
	p.grid = newGrid(cfg.longest(), cfg.SegmentDuration)
	p.cues, _, _ = p.cues.With(d.Log.Cues(), maxCues)
	p.replay(d.Log.Renditions())
	p.publish()
	return p, nil
}

func (p *Packager) opening() playlist.Opening {
	return playlist.Opening{Target: p.cfg.targetDuration(), Part: p.cfg.PartDuration}
}

// Multivariant returns the multivariant playlist, nil before every rendition has
// a complete segment. It changes rarely: when a rendition comes or goes, when a
// bit rate above the stated one was measured, or when captions are first seen. When
// the class has ended it lists the recording.
func (p *Packager) Multivariant() *Document { return p.published.Load().multivariant }

// DVRMultivariant returns the multivariant playlist of the DVR lists, nil as long as
// Multivariant is, or if there is no DVR.
func (p *Packager) DVRMultivariant() *Document { return p.published.Load().dvr }

// Snapshot returns the latest state of a rendition's media playlist, nil if the
// rendition is unknown or has no media yet.
func (p *Packager) Snapshot(rendition string) *Snapshot {
	return p.published.Load().snapshots[rendition]
}

// Edge returns the wall clock, as of EXT-X-PROGRAM-DATE-TIME, at the end of the
// newest media that any rendition has published, and whether there are any.
func (p *Packager) Edge() (time.Time, bool) {
	edge := p.published.Load().edge
	return edge, !edge.IsZero()
}

// Renditions returns the names of all renditions that have a Snapshot, in the
// order of the tracks: best first. The slice is shared: do not change it.
func (p *Packager) Renditions() []string { return p.published.Load().names }

// Epoch returns the element that makes media file names unique, see [Name].
func (p *Packager) Epoch() string { return p.epoch }

// TargetDuration returns the constant EXT-X-TARGETDURATION, whole seconds.
func (p *Packager) TargetDuration() time.Duration { return p.cfg.targetDuration() }

// PartTarget returns the constant PART-TARGET.
func (p *Packager) PartTarget() time.Duration { return p.cfg.PartDuration }

// Run packages until the stream ends, then closes the playlists with
// EXT-X-ENDLIST; or until ctx ends, then the playlists just stop, so that a
// Packager made after a restart continues them. It returns nil for both, and an
// error when the Log or the Reader fails. Call it once.
func (p *Packager) Run(ctx context.Context) error {
	for _, f := range p.fillers {
		if err := p.log.FinishSegment(f.rendition, f.segment); err != nil {
			return fmt.Errorf("fill segment %d of rendition %q: %w", f.segment.MSN, f.rendition, err)
		}
	}
	p.fillers = nil
	for {
		item, err := p.reader.Next(ctx)
		switch {
		case err == nil:
			err = p.handle(item)
		case errors.Is(err, stream.ErrEnded):
			return p.end()
		case ctx.Err() != nil:
			return p.pause()
		default:
			err = fmt.Errorf("read stream: %w", err)
		}
		if err != nil {
			return err
		}
		p.publish()
	}
}

func (p *Packager) handle(item stream.Item) error {
	switch {
	case item.Discontinuity != nil:
		return p.discontinue(item.Discontinuity)
	case item.AccessUnit != nil:
		return p.write(item.AccessUnit)
	case item.Track != nil:
		return p.describe(*item.Track)
	case item.Gap != nil:
		return p.gap(*item.Gap)
	case item.Interrupted:
		// What the publisher said last must not stay hidden until it is back. What
		// an encoder says after it is too late.
		p.idle = true
		return p.endSpans()
	default:
		return nil
	}
}

// end closes the playlists for good.
func (p *Packager) end() error {
	if err := p.endSpans(); err != nil {
		return err
	}
	p.ended = true
	p.takeCues()
	p.record(p.log.Renditions())
	for _, r := range p.renditions {
		r.list.ended, r.dirty, r.listsDue = true, true, true
	}
	p.publish()
	p.logger.Debug("playlists ended", "msn", p.spans.next)
	// What is published stays, for as long as somebody keeps the Packager. What
	// was needed to make it goes.
	p.renditions, p.tracks, p.lead, p.rates, p.writer = nil, nil, nil, nil, playlist.Writer{}
	return nil
}

// pause leaves whole segments behind for a later Packager to continue.
func (p *Packager) pause() error {
	err := p.endSpans()
	p.publish()
	return err
}
