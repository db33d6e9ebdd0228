package origin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/lectern/lectern/hls"
)

// Settlement is how much may still happen to a part of a transcript.
type Settlement uint8

// How settled something is.
const (
	Growing Settlement = iota // something is added while the class goes on
	Settled                   // the lecture has gone past it: a moderator may take something away
	Final                     // the class is over

	settlements
)

// Transcripts has what was said in the rooms of classes.
type Transcripts interface {
	// Transcript returns the document of the class that has this name, one path element
	// that ends with .json; nil if there is none. The client may see the class. It may
	// wait for a disk and for others; what it returns is never changed.
	Transcript(ctx context.Context, class, file string) (*hls.Document, Settlement, error)
}

// WithTranscripts lets t say what was said. Without it there are no transcripts.
func WithTranscripts(t Transcripts) Option { return func(o *Origin) { o.transcripts = t } }

// folderTranscript is where transcripts are, beside the renditions.
const folderTranscript = "room"

// IsTranscript reports whether nothing but a transcript, or the steering manifest of a
// class called room, can have the path.
func IsTranscript(path string) bool {
	return strings.HasSuffix(path, ".json") && strings.Contains(path, "/"+folderTranscript+"/")
}

// serveTranscript answers with what was said. It returns a code for metrics, or 0.
func (o *Origin) serveTranscript(w *response, r *http.Request, to target) (code int) {
	if o.transcripts == nil {
		w.notFound()
		return 0
	}
	doc, settled, err := o.transcripts.Transcript(r.Context(), to.class, to.file)
	switch {
	case r.Context().Err() != nil:
		return o.refuse(w, outcomeClientGone)
	case err != nil:
		if o.mayLog() {
			o.logger.Warn("transcript cannot be read", "err", err)
		}
		w.fail(http.StatusInternalServerError, cacheNothing, "the transcript cannot be read")
	case doc == nil:
		w.notFound()
	default:
		w.header["Content-Type"] = o.headers.json
		w.header["X-Content-Type-Options"] = o.headers.nosniff // people wrote it
		o.sendDocument(w, r, doc, o.headers.transcriptLife[settled])
	}
	return 0
}

// mayLog lets one fault a second into the log. Counters have the number of the others.
func (o *Origin) mayLog() bool {
	now := time.Now().Unix()
	last := o.logged.Load()
	return last != now && o.logged.CompareAndSwap(last, now)
}
