package hls

// SKETCH: the owner of package hls replaces this file.

import (
	"context"
	"time"
)

// Packager packages one class: reads a stream.Stream, writes a segment.Log, publishes Snapshots.
type Packager struct{}

// Run packages until the stream ends (then ENDLIST) or ctx ends (then the playlists just stop, for a restart to continue).
func (p *Packager) Run(ctx context.Context) error { panic("sketch") }

// The read side, any goroutine: what hls/origin serves.
func (p *Packager) Multivariant() *Document             { panic("sketch") } // nil before the first complete segment
func (p *Packager) Snapshot(rendition string) *Snapshot { panic("sketch") } // nil if unknown or nothing yet
func (p *Packager) Epoch() string                       { panic("sketch") }
func (p *Packager) TargetDuration() time.Duration       { panic("sketch") }
func (p *Packager) PartTarget() time.Duration           { panic("sketch") }
