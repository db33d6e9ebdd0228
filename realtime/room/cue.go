package room

import (
	"context"
	"fmt"
	"time"

	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
)

// cueOf returns the moment of the lecture that an entry marks, and false if it marks none
// or there was no video.
func cueOf(seq uint64, f state.Fact) (Cue, bool) {
	event, id, at := state.CueOf(f, seq)
	return Cue{Event: event, ID: id, Seq: seq, At: time.UnixMilli(at).UTC()}, at != 0
}

func (r *room) cue(seq uint64, f state.Fact) {
	if r.deps.Cue == nil {
		return
	}
	if c, ok := cueOf(seq, f); ok {
		r.deps.Cue(r.class, c)
	}
}

// Cues returns what Deps.Cue has heard of a class, in this run and before, in that
// order: what is in the log. It opens no room.
func (rs *Rooms) Cues(ctx context.Context, class string) ([]Cue, error) {
	var cues []Cue
	_, err := broker.Each(ctx, rs.deps.Broker, class, func(rec broker.Record) error {
		if !state.MayBeCue(rec.Data) {
			return nil
		}
		e, err := state.DecodeEntry(rec.Data)
		if err != nil {
			return err
		}
		if c, ok := cueOf(rec.Seq, e.Fact); ok {
			cues = append(cues, c)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read cues of class %q: %w", class, err)
	}
	return cues, nil
}
