package stream

// SKETCH of the API agreed between packages; the owner of this package replaces
// this file by role-named files (hub.go, stream.go, publication.go, reader.go,
// errors.go, config.go, metrics.go) with the same exported API.

import (
	"context"
	"net/netip"
	"time"

	"github.com/lectern/lectern/media"
)

// Item is one thing a Reader gets: exactly one field is set.
type Item struct {
	Discontinuity *media.Discontinuity
	AccessUnit    *media.AccessUnit
}

// PublishRequest describes who wants to publish. The stream key was checked before.
type PublishRequest struct {
	Stream   string     // name of the stream (the class id)
	Protocol string     // "rtmp", "rtmps", "rtsp", "rtsp-pull"
	Remote   netip.Addr // peer address; takeover from the same address is immediate
	ClientID string     // session id that survives reconnects when the protocol has one, else ""
	// BytesIn, when set, is polled... (owner may drop)
}

type Hub struct{}

// Publish admits a publisher, or returns *TakenError (busy) or ErrNoStream / ErrEnded. When the current publication is
// silent for > Config.TakeoverAfter (2 s) or comes from the same Remote/ClientID, it is closed with CloseTakenOver and replaced.
func (h *Hub) Publish(req PublishRequest) (*Publication, error) { panic("sketch") }

// Open returns the stream with this name, creating it at position pos when absent (app calls it when a class goes live).
func (h *Hub) Open(name string, pos Position) *Stream { panic("sketch") }

// Position is where a stream's clock continues after a server restart: zero for a new one.
type Position struct {
	Media     time.Duration // end of the last access unit, on the class's clock
	Wall      time.Time     // PROGRAM-DATE-TIME at that end
	Continues bool          // true if something was published before: the first Discontinuity is then Reconnect, not Start
}

type Stream struct{}

func (s *Stream) Name() string                                { panic("sketch") }
func (s *Stream) AddReader(name string, maxBytes int) *Reader { panic("sketch") }
func (s *Stream) RemoveReader(r *Reader)                      { panic("sketch") }

// End ends the stream: the publication is closed with reason, readers drain and then get ErrEnded, and the hub forgets the name.
func (s *Stream) End(reason CloseReason) { panic("sketch") }

// Publication is one publisher's stay. SetTracks, Write and Close belong to the publisher's one goroutine.
type Publication struct{}

// SetTracks announces the tracks, first and whenever they change. It may return *media.RefusalError.
// Identical tracks (Track.SameFormat) again are ignored.
func (p *Publication) SetTracks(tracks []media.Track) error { panic("sketch") }

// Write takes ownership of s. It returns *media.RefusalError when the media cannot be served
// (then call Close(CloseRefused)), or a *ClosedError once the publication was closed from outside.
func (p *Publication) Write(s media.Sample) error { panic("sketch") }

// Close ends the stay; idempotent, the first reason wins. CloseClean = the publisher said goodbye; CloseDropped = connection lost.
func (p *Publication) Close(reason CloseReason) { panic("sketch") }

// Done is closed when the publication has been closed by either side; Reason then says why.
func (p *Publication) Done() <-chan struct{} { panic("sketch") }
func (p *Publication) Reason() CloseReason   { panic("sketch") }

// CloseReason: clean, dropped, silent, taken_over, refused, class_ended, key_changed, overrun, shutdown — String() is log attr and metric label.
type CloseReason uint8

// Reader is one consumer with its own byte-bounded queue.
type Reader struct{}

// Next blocks until an item, the stream's end (ErrEnded after the queue drained) or ctx's end (ctx.Err()).
func (r *Reader) Next(ctx context.Context) (Item, error) { panic("sketch") }
