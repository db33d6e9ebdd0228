package room

import (
	"fmt"
	"sort"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room/state"
)

// view is what someone gets of the log.
type view uint8

const (
	viewAll   view = iota // participants and observers
	viewStaff             // all of it that is for anybody
	viewBlind             // the same, without who asked an anonymous question
	views
)

func viewOf(p realtime.Principal) view {
	switch {
	case !p.Staff():
		return viewAll
	case p.Permissions.Has(realtime.SeesNames):
		return viewStaff
	default:
		return viewBlind
	}
}

// shown is an event of the log as it is handed out.
type shown struct {
	seq    uint64
	frames [views]*Frame // nil: not in that view
	prev   [views]uint64 // the event before, in that view
	to     []unicast
	bytes  int
}

// unicast is a frame for one person.
type unicast struct {
	participant string
	frame       *Frame
	echo        bool // not for those whose view has it
}

// timeline is the newest events, for those who come back. It is bounded in events
// and bytes; the oldest go first.
type timeline struct {
	maxEvents int
	events    []shown
	bytes     int
	floor     uint64        // seq of the newest event that is no longer there
	last      [views]uint64 // seq of the newest event of each view
}

const timelineBytes = 8 << 20

// add encodes what an entry brings and keeps it. Where nobody gets anything, it
// reports false.
func (t *timeline) add(class, epoch string, seq uint64, e state.Entry, fx state.Effects) (shown, bool, error) {
	if fx.All == nil && fx.Staff == nil && len(fx.To) == 0 {
		return shown{}, false, nil
	}
	sh := shown{seq: seq}
	envelope := realtime.Event{Room: class, Epoch: epoch, Seq: seq, TS: e.TS, MediaTS: e.MediaTS}
	encode := func(d realtime.EventData, from *realtime.Sender, prev *uint64) (*Frame, error) {
		ev := envelope
		ev.From, ev.Prev = from, prev
		b, err := ev.Encode(d)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", seq, err)
		}
		sh.bytes += len(b)
		return &Frame{Delivery: realtime.DeliverLog, Bytes: b}, nil
	}
	sh.prev = t.last
	staff := fx.Staff
	if staff == nil {
		staff = fx.All
	}
	var err error
	if fx.All != nil {
		if sh.frames[viewAll], err = encode(fx.All, e.By.Public(), &sh.prev[viewAll]); err != nil {
			return sh, false, err
		}
	}
	if staff != nil {
		if sh.frames[viewStaff], err = encode(staff, e.By.Sender(), &sh.prev[viewStaff]); err != nil {
			return sh, false, err
		}
		sh.frames[viewBlind] = sh.frames[viewStaff]
		if e.Nameless() {
			if sh.frames[viewBlind], err = encode(staff, e.By.Public(), &sh.prev[viewBlind]); err != nil {
				return sh, false, err
			}
		}
	}
	for _, u := range fx.To {
		f, err := encode(u.Data, e.By.Public(), nil)
		if err != nil {
			return sh, false, err
		}
		sh.to = append(sh.to, unicast{participant: u.Participant, frame: f, echo: u.Echo})
	}
	for v := range views {
		if sh.frames[v] != nil {
			t.last[v] = seq
		}
	}
	t.events = append(t.events, sh)
	t.bytes += sh.bytes
	n := 0
	for len(t.events)-n > t.maxEvents || (t.bytes > timelineBytes && len(t.events)-n > 1) {
		t.bytes -= t.events[n].bytes
		t.floor = t.events[n].seq
		n++
	}
	clear(t.events[:n])
	t.events = t.events[n:]
	return sh, true, nil
}

// since returns what a person has missed after seq, and whether that is all of
// it. The event after must be one that follows seq in the view: a client that was
// in another view before has missed more.
func (t *timeline) since(seq uint64, v view, participant string) ([]*Frame, bool) {
	if seq < t.floor || seq > t.last[v] {
		return nil, false
	}
	i := sort.Search(len(t.events), func(i int) bool { return t.events[i].seq > seq })
	var frames []*Frame
	first := true
	for _, sh := range t.events[i:] {
		if f := sh.frames[v]; f != nil {
			if first && sh.prev[v] != seq {
				return nil, false
			}
			first = false
			frames = append(frames, f)
		}
		for _, u := range sh.to {
			if u.participant == participant && (!u.echo || v == viewAll) {
				frames = append(frames, u.frame)
			}
		}
	}
	if first && seq != t.last[v] {
		return nil, false
	}
	return frames, true
}

// skip counts an event that is too old to be kept here.
func (t *timeline) skip(seq uint64, fx state.Effects) {
	if fx.All != nil {
		t.last[viewAll] = seq
	}
	if fx.All != nil || fx.Staff != nil {
		t.last[viewStaff], t.last[viewBlind] = seq, seq
	}
	t.floor = seq
}
