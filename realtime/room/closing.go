package room

import (
	"maps"
	"slices"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room/state"
)

// closes returns when the room of a class closes, the zero time while the class has
// not ended. The error is that of Classes.Ended.
func (d Deps) closes(class string, after time.Duration) (time.Time, error) {
	if d.Classes == nil {
		return time.Time{}, nil
	}
	ended, err := d.Classes.Ended(class)
	if err != nil || ended.IsZero() {
		return time.Time{}, err
	}
	return ended.Add(after), nil
}

// Open reports whether the room of a class is for anybody: it is from when the class
// is made until Config.CloseAfter after its end, or until a host has closed it before.
// Otherwise the error is a *realtime.Error, or what [Classes] said. After a start it
// does not know of hosts who have closed their room before, until somebody knocks.
func (rs *Rooms) Open(class string) error {
	closes, err := rs.deps.closes(class, rs.cfg.CloseAfter)
	if err == nil && !closes.IsZero() && (!rs.deps.Now().Before(closes) || rs.isShut(class)) {
		err = realtime.NewError(realtime.CodeClosed, "the class has ended")
	}
	return err
}

// settle is how long after its end a room may still be writing.
const settle = 5 * time.Second

// Over reports whether nothing is added to the log of a class any more: its room has
// been closed, for some time if that was not by its host.
func (rs *Rooms) Over(class string) bool {
	closes, err := rs.deps.closes(class, rs.cfg.CloseAfter)
	return err == nil && !closes.IsZero() && (rs.deps.Now().After(closes.Add(settle)) || rs.isShut(class))
}

func (rs *Rooms) isShut(class string) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.closed[class]
}

// shut notes that a room is closed for good, and all of its log kept. Those that are
// closed by now anyway are forgotten.
func (rs *Rooms) shut(class string) {
	rs.mu.Lock()
	rs.closed[class] = true
	all := slices.Collect(maps.Keys(rs.closed))
	rs.mu.Unlock()
	for _, other := range all {
		if closes, err := rs.deps.closes(other, rs.cfg.CloseAfter); err != nil || rs.deps.Now().After(closes.Add(settle)) {
			rs.mu.Lock()
			delete(rs.closed, other)
			rs.mu.Unlock()
		}
	}
}

// open is Open when the room is there: it may be that of a class that was deleted
// meanwhile.
func (r *room) open() error {
	closes, err := r.deps.closes(r.class, r.cfg.CloseAfter)
	if err == nil {
		r.closes = closes
	}
	return err
}

// checkEnd looks whether the class has ended, and closes the room in time. All are
// told before, so that nobody is cut off in the middle of a sentence.
func (r *room) checkEnd(now time.Time) {
	if r.open() != nil || r.closes.IsZero() || r.st.Closed() {
		return // the class is gone, and Delete about to be called; or the next second knows
	}
	if now.Before(r.closes) {
		if r.told.closes != r.closes {
			r.told.closes = r.closes
			d := realtime.RoomCloses{Until: r.closes.UnixMilli()}
			r.share("", d, d)
		}
		return
	}
	_ = r.keep(state.Entry{TS: now.UnixMilli(), MediaTS: r.moment(now).Edge, Fact: state.Closed{}}, nil) // or in the next second
}

// dismiss has everybody leave, and closes their connections.
func (r *room) dismiss() {
	now := r.deps.Now()
	for id, o := range r.people {
		if o.gone.IsZero() {
			o.gone, o.left = now, now.UnixMilli()
		}
		r.depart(id, o)
	}
	r.waitLast(func() { r.closeAll(realtime.CloseClassEnded) })
}
