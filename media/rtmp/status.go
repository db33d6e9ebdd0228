package rtmp

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/rtmp/internal/chunk"
	"github.com/lectern/lectern/media/stream"
)

// What a teacher reads in the encoder. One sentence or two, with what to do.
const (
	textApp        = "The server address must end in /live, as in rtmp://HOST/live; the stream key goes into its own field."
	textKeyFormat  = "The stream key is missing or malformed. Copy it from the class page into the encoder's stream key field."
	textKeyCheck   = "The stream key could not be checked. Try again in a moment."
	textBusy       = "Another encoder is publishing this class. Stop it first, or wait until it has been silent for a few seconds."
	textNoClass    = "This class is not open for publishing."
	textEnded      = "This class has ended."
	textNoRoom     = "The server could not start this class. Try again in a moment."
	textMedia      = "The video or sound could not be read. Restart the stream in the encoder."
	textPlay       = "This server does not play RTMP. Open the class's watch page in a browser."
	textTakenOver  = "Another encoder has taken over this class."
	textKeyChanged = "The stream key was changed. Copy the new one from the class page."
	textSilent     = "Nothing arrived for a while. Start the stream again."
	textOverrun    = "The server could not keep up with this stream. Start it again with a lower bit rate."
	textShutdown   = "The server is restarting. Start the stream again in a moment."
	textClosed     = "The server ended the publication."
)

const maxKey = 256 // bytes

// splitApp checks an application name and returns a stream key that follows it:
// encoders with a single address field send all of rtmp://HOST/live/KEY but the
// host as the application.
func splitApp(app string) (key string, ok bool) {
	app, query, hasQuery := strings.Cut(app, "?")
	app = strings.Trim(app, "/")
	if app == "live" {
		return "", true
	}
	key, ok = strings.CutPrefix(app, "live/")
	if ok && hasQuery {
		key += "?" + query // dropped again by streamKey, like that of a name
	}
	return key, ok
}

// streamKey returns the key from the publishing name or, if there is none, from
// the application's path. A query is not part of the key.
func streamKey(path, name string) (key string, ok bool) {
	if strings.Trim(name, "/") == "" {
		name = path
	} else if path != "" {
		return "", false // two keys
	}
	name, _, _ = strings.Cut(name, "?")
	name = strings.Trim(name, "/ ")
	if name == "" || len(name) > maxKey || !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return "", false
	}
	return name, true
}

// refusal is why somebody may not publish.
type refusal struct {
	code   string // of the onStatus
	reason string // label
	text   string
}

// refuse tells the peer and ends the connection.
func (h *handler) refuse(r refusal) error {
	h.srv.metrics.refusals.WithLabelValues(r.reason).Inc()
	h.logger.Info("publisher refused", "stream", h.name, "reason", r.reason)
	h.finish(reasonRefused, h.status(r.code, r.text))
	return errRefused
}

func (c *conn) status(code, text string) []byte {
	return chunk.Status(c.msid.Load(), chunk.StatusError, code, text)
}

func (h *handler) authorizeRefusal(err error) refusal {
	if told, ok := errors.AsType[*media.RefusalError](err); ok {
		return refusal{chunk.CodeDenied, told.Code, told.Text}
	}
	h.logger.Error("stream key not checked", "err", err)
	return refusal{chunk.CodeDenied, "key_check", textKeyCheck}
}

func (h *handler) publishRefusal(err error) refusal {
	if told, ok := errors.AsType[*media.RefusalError](err); ok {
		return refusal{chunk.CodeDenied, told.Code, told.Text}
	}
	if _, ok := errors.AsType[*stream.TakenError](err); ok {
		return refusal{chunk.CodeBadName, "busy", textBusy}
	}
	switch {
	case errors.Is(err, stream.ErrNoStream):
		return refusal{chunk.CodeDenied, "no_stream", textNoClass}
	case errors.Is(err, stream.ErrEnded):
		return refusal{chunk.CodeDenied, "ended", textEnded}
	}
	h.logger.Error("publication not opened", "err", err)
	return refusal{chunk.CodeDenied, "publish", textNoRoom}
}

// endedStatus says why the server's side closed the publication.
func (c *conn) endedStatus(r stream.CloseReason) []byte {
	code, text := chunk.CodeRejected, textClosed
	switch r {
	case stream.CloseTakenOver:
		code, text = chunk.CodeBadName, textTakenOver
	case stream.CloseClassEnded:
		code, text = chunk.CodeDenied, textEnded
	case stream.CloseKeyChanged:
		code, text = chunk.CodeDenied, textKeyChanged
	case stream.CloseSilent:
		text = textSilent
	case stream.CloseOverrun:
		text = textOverrun
	case stream.CloseShutdown:
		return c.shutdownStatus()
	}
	return c.status(code, text)
}

// shutdownStatus asks the peer to come back, in the way it understands.
func (c *conn) shutdownStatus() []byte {
	if c.msid.Load() == 0 {
		return nil // not publishing: nothing to explain
	}
	var b []byte
	if c.redirect.Load() {
		b = chunk.ReconnectRequest(textShutdown)
	}
	return append(b, c.status(chunk.CodeRejected, textShutdown)...)
}
