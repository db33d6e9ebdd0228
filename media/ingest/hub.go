package ingest

import (
	"context"
	"net/netip"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

// Authorizer decides who may publish.
type Authorizer interface {
	// Authorize returns the name of the stream that key opens. The comparison
	// must take constant time. A *media.RefusalError is shown to the person at
	// the encoder; any other error means that the key could not be checked and
	// is logged, so it must not hold the key. It may block until ctx ends and is
	// called by many goroutines.
	Authorize(ctx context.Context, key string, remote netip.Addr) (streamName string, err error)
}

// Hub admits publishers whose key was accepted. It is called by many goroutines.
type Hub interface {
	// Publish opens a publication. The errors of [stream.Hub.Publish] and any
	// *media.RefusalError are told to the person at the encoder.
	Publish(req stream.PublishRequest) (Publication, error)
}

// Publication is what *stream.Publication does for its publisher. SetTracks and
// Write are never called at the same time; Refused and Close may be called at any time.
type Publication interface {
	SetTracks(tracks []media.Track) error
	Write(s media.Sample) error
	Refused(r *media.RefusalError)
	Close(reason stream.CloseReason)
	Done() <-chan struct{}
	Reason() stream.CloseReason
}
