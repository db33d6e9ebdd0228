package hls

import (
	"sync"

	"github.com/lectern/lectern/hls/playlist"
	"github.com/lectern/lectern/storage/segment"
)

// maxCues bounds the cues of a class. A room has fewer. Those that come later are left
// out.
const maxCues = 2000

// Values of the list label of lectern_hls_cues_left_out_total.
const (
	leftOutLive = "live" // the oldest of a live list's
	leftOutAll  = "all"  // beyond what a class may have
)

// Cue is a moment of the lecture that the playlists are to tell of, as EXT-X-DATERANGE
// with the class "org.lectern.cue", an X-EVENT and an X-CUE: what happened and to
// what. Nothing else of it is told, since whoever can see the class can read it.
type Cue = segment.Cue

// inbox holds cues until they are published: at most maxCues.
type inbox struct {
	mu    sync.Mutex // guards the fields below
	cues  []Cue
	ended bool // nobody takes them any more
}

// Cue has the media playlists of all renditions tell of c: the live list with the next
// part, the DVR list with the next segment, and the recording. It stays as long as its
// time is in them, which of one that lasts is until another with the same ID is not.
// One that was told before, in this run or in an earlier one, is the same, and one that
// comes after the end of the class is left out.
func (p *Packager) Cue(c Cue) {
	p.told.mu.Lock()
	defer p.told.mu.Unlock()
	if p.told.ended || len(p.told.cues) == maxCues {
		p.metrics.cuesLeftOut.WithLabelValues(leftOutAll).Inc()
		return
	}
	p.told.cues = append(p.told.cues, c)
}

// takeCues makes known to the Log and to the next playlists what has been told.
func (p *Packager) takeCues() {
	p.told.mu.Lock()
	told := p.told.cues
	p.told.cues, p.told.ended = nil, p.ended
	p.told.mu.Unlock()
	if len(told) == 0 {
		return
	}
	with, added, leftOut := p.cues.With(told, maxCues)
	p.cues = with
	for _, c := range added {
		p.log.PutCue(c)
	}
	p.metrics.cues.Add(float64(len(added)))
	p.metrics.cuesLeftOut.WithLabelValues(leftOutAll).Add(float64(leftOut))
	if len(p.renditions) > 0 && len(p.renditions[0].list.rows) > 0 {
		// Each that came has pushed out the oldest.
		over := p.cues.Count(p.renditions[0].list.window()[0].Date) - playlist.MaxLiveCues
		p.metrics.cuesLeftOut.WithLabelValues(leftOutLive).Add(float64(min(max(over, 0), len(added))))
	}
}
