package app

import (
	"context"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room"
)

// cuesTimeout bounds how long a class waits for the log of its room before it goes on.
const cuesTimeout = 10 * time.Second

// cueTeller is the side of the rooms that pipelines need.
type cueTeller interface {
	Cues(ctx context.Context, class string) ([]room.Cue, error)
}

// Edge implements room.Clock: the clock of a class is that of its playlists.
func (p *pipelines) Edge(id string) (time.Time, bool) {
	packager := p.packager(id)
	if packager == nil {
		return time.Time{}, false
	}
	return packager.Edge()
}

// Cue has the playlists of a class tell of what happened in its room. What comes while
// there is no packager is told by recall.
func (p *pipelines) Cue(id string, c room.Cue) {
	if packager := p.packager(id); packager != nil {
		packager.Cue(cueOf(c))
	}
}

// recall tells a packager what its class's room has ever said: what is in the room's log
// may not have come to the class's folder when the server was killed. What has is not
// told twice. The room tells packager itself what comes from here on.
func (p *pipelines) recall(ctx context.Context, id string, packager *hls.Packager) {
	bounded, cancel := context.WithTimeout(ctx, cuesTimeout)
	defer cancel()
	cues, err := p.rooms.Cues(bounded, id)
	if err != nil {
		if ctx.Err() == nil { // not stopping
			p.logger.ErrorContext(ctx, "cues of the class may be missing in its playlists", "component", "pipeline", "class", id, "err", err)
		}
		return
	}
	for _, c := range cues {
		packager.Cue(cueOf(c))
	}
}

// cueOf is a cue as playlists tell it. A poll lasts until the next that is said of it:
// whoever comes late learns that it is open.
func cueOf(c room.Cue) hls.Cue {
	return hls.Cue{Event: string(c.Event), ID: c.ID, At: c.At, Lasts: c.Event == realtime.EventPollOpened}
}

func (p *pipelines) packager(id string) *hls.Packager {
	v, ok := p.byClass.Load(id)
	if !ok {
		return nil
	}
	return v.(*pipeline).packager.Load()
}
