package rtmp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	gortmp "github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/rtmp/internal/chunk"
	"github.com/lectern/lectern/media/stream"
)

// handler is what the library calls. All methods run on the connection's
// reader, and each recovers by itself: the library does not do so everywhere.
type handler struct {
	gortmp.DefaultHandler
	*conn

	// Owned by the reader.
	pub     ingest.Publication // nil before publish and after goodbye
	demux   demuxer
	keyPath string // stream key given as part of the app name, or empty
	name    string // of the stream
	bytes   int64
	scratch []byte // the tag body at hand
}

// guard turns a panic into an error that ends the connection, and only it.
func (c *conn) guard(err *error) {
	if r := recover(); r != nil {
		c.end(reasonPanic)
		c.srv.panicked(c.logger, r)
		*err = errPanic
	}
}

func (s *Server) panicked(logger *slog.Logger, value any) {
	s.metrics.panics.Inc()
	logger.Error("connection ended by a panic", "err", fmt.Sprintf("%v\n%s", value, debug.Stack()))
}

// OnServe runs after the handshake. 64 KiB chunks make most messages a single
// chunk: publishers follow the server's size, which costs them and us far less
// than 128 bytes.
func (h *handler) OnServe(lib *gortmp.Conn) {
	var err error
	defer h.guard(&err)
	streamer := lib.GetChunkStreamer()
	h.writerDone = streamer.Done()
	if err = streamer.SelfState().SetChunkSize(outgoingChunk); err != nil {
		return
	}
	// The sanitizer acknowledges, by what the peer sent. A negative window keeps
	// the library from doing it by what it was given.
	if err = streamer.PeerState().SetAckWindowSize(-2); err != nil {
		return
	}
	_, _ = h.write(chunk.SetChunkSize(outgoingChunk)) // a dead peer fails the next read
}

// OnConnect checks the application name, the path of the server's address.
func (h *handler) OnConnect(uint32, *message.NetConnectionConnect) (err error) {
	defer h.guard(&err)
	info := h.san.Connect()
	h.redirect.Store(info.CapsEx&1 != 0)
	rest, ok := splitApp(info.App)
	if !ok {
		h.srv.metrics.refusals.WithLabelValues("app").Inc()
		h.finish(reasonRefused, chunk.ConnectRefused(textApp))
		return errRefused
	}
	h.keyPath = rest
	return nil
}

// OnPublish admits the publisher, or tells it why not. Nothing is allocated for
// a publisher whose key was not accepted.
func (h *handler) OnPublish(sc *gortmp.StreamContext, _ uint32, cmd *message.NetStreamPublish) (err error) {
	defer h.guard(&err)
	h.msid.Store(sc.StreamID)
	key, ok := streamKey(h.keyPath, cmd.PublishingName)
	if !ok {
		return h.refuse(refusal{chunk.CodeDenied, "key_format", textKeyFormat})
	}
	name, err := h.authorize(key)
	if err != nil {
		return h.refuse(h.authorizeRefusal(err))
	}
	pub, err := h.srv.hub.Publish(stream.PublishRequest{Stream: name, Protocol: h.protocol, Remote: h.remote})
	if err != nil {
		return h.refuse(h.publishRefusal(err))
	}
	h.pub, h.demux, h.name = pub, h.srv.demuxer(pub), name
	h.publishing = true
	h.san.Published(sc.StreamID)
	h.admitted <- pub // holds one, and a connection publishes once
	h.since = time.Now()
	h.logger.Debug("publisher admitted", "stream", name)
	return nil
}

// OnPlay refuses: video leaves this server as HLS.
func (h *handler) OnPlay(sc *gortmp.StreamContext, _ uint32, _ *message.NetStreamPlay) (err error) {
	defer h.guard(&err)
	h.msid.Store(sc.StreamID)
	return h.refuse(refusal{chunk.CodePlay, "play", textPlay})
}

// OnVideo takes a video tag body.
func (h *handler) OnVideo(timestamp uint32, payload io.Reader) (err error) {
	defer h.guard(&err)
	return h.tag(demuxer.Video, timestamp, payload)
}

// OnAudio takes an audio tag body.
func (h *handler) OnAudio(timestamp uint32, payload io.Reader) (err error) {
	defer h.guard(&err)
	return h.tag(demuxer.Audio, timestamp, payload)
}

// tag gives a tag body to the demuxer while there is a publication.
func (h *handler) tag(demux func(demuxer, uint32, []byte) error, timestamp uint32, payload io.Reader) error {
	if h.pub == nil {
		return nil
	}
	body, err := h.body(payload)
	if err != nil {
		return err
	}
	return h.mediaResult(demux(h.demux, timestamp, body))
}

// body reads the tag body out of the library, valid until the next message.
func (h *handler) body(payload io.Reader) ([]byte, error) {
	h.scratch = slices.Grow(h.scratch[:0], h.san.BodyLen())
	b := h.scratch[:h.san.BodyLen()]
	if _, err := io.ReadFull(payload, b); err != nil {
		return nil, fmt.Errorf("read tag body: %w", err)
	}
	h.bytes += int64(len(b))
	return b, nil
}

// mediaResult acts on what became of a tag.
func (h *handler) mediaResult(err error) error {
	if err == nil {
		return nil
	}
	if told, ok := errors.AsType[*media.RefusalError](err); ok {
		h.pub.Refused(told)
		return h.refuse(refusal{chunk.CodeRejected, told.Code, told.Text})
	}
	if closed, ok := errors.AsType[*stream.ClosedError](err); ok {
		h.finish(reasonEnded, h.endedStatus(closed.Reason))
		return errRefused
	}
	// Not the person's doing, so the class waits as after a lost connection.
	h.srv.metrics.refusals.WithLabelValues("media").Inc()
	h.logger.Warn("media not understood", "stream", h.name, "err", err)
	h.finish(reasonProtocol, h.status(chunk.CodeRejected, textMedia))
	return errRefused
}

// OnFCUnpublish is the goodbye of FMLE-style encoders.
func (h *handler) OnFCUnpublish(uint32, *message.NetStreamFCUnpublish) (err error) {
	defer h.guard(&err)
	h.goodbye()
	return nil
}

// OnDeleteStream is the goodbye of all others.
func (h *handler) OnDeleteStream(_ uint32, cmd *message.NetStreamDeleteStream) (err error) {
	defer h.guard(&err)
	if cmd.StreamID == h.msid.Load() {
		h.goodbye()
	}
	return nil
}

// OnUnknownCommandMessage gets what the library decodes and leaves alone.
func (h *handler) OnUnknownCommandMessage(_ uint32, cmd *message.CommandMessage) (err error) {
	defer h.guard(&err)
	if cmd.CommandName == "closeStream" {
		h.goodbye()
	}
	return nil
}

// goodbye ends the publication in good order. The connection is left to the
// publisher to close; the read deadline ends it otherwise.
func (h *handler) goodbye() {
	if h.pub == nil {
		return
	}
	h.end(reasonClean)
	h.closePublication()
	_, _ = h.write(chunk.Status(h.msid.Load(), chunk.StatusNormal, chunk.CodeUnpublish, "The publication has ended."))
}

// OnClose runs when the library's loop has ended for whatever reason.
func (h *handler) OnClose() {
	var err error
	defer h.guard(&err)
	h.end(reasonProtocol) // the library gave up by itself
	if h.pub != nil {
		h.closePublication()
	}
}

func (h *handler) closePublication() {
	pub, reason := h.pub, closeReason(h.reason.Load())
	h.pub = nil
	defer pub.Close(reason.publication()) // also if the demuxer panics
	if err := h.demux.Flush(); err != nil {
		h.logger.Debug("last access units refused", "stream", h.name, "err", err)
	}
	for drop, n := range h.demux.Stats().Drops() {
		h.srv.metrics.skipped.WithLabelValues(drop).Add(float64(n))
	}
	h.logger.Info("publisher left", "stream", h.name, "reason", reason.String(),
		"bytes", h.bytes, "duration", time.Since(h.since))
}
