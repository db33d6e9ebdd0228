package room

import (
	"slices"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room/state"
)

// occupant is somebody who is in the room, or was a moment ago.
type occupant struct {
	author    state.Author
	extraTime int
	counted   *int      // of room.counts, where this one is counted; nil: nowhere
	members   []*Member // the newest last
	gone      time.Time // when the last connection ended; zero: there is one
	left      int64     // what to say of when they left, in Unix milliseconds

	heartbeat time.Time // the last one, or when they came
	playing   int64     // milliseconds, since they were last written down
}

// maxHeartbeat is the most that one heartbeat counts for.
const maxHeartbeat = 35 * time.Second

// join lets a connection in. Everybody else learns of it by the counts alone.
func (r *room) join(who realtime.Principal, from Position, conn Conn) (*Member, error) {
	if r.over {
		return nil, realtime.NewError(realtime.CodeUnavailable, "the room is being closed")
	}
	if err := r.st.Admit(who); err != nil {
		return nil, err
	}
	if err := r.open(); err != nil {
		return nil, err
	}
	now := r.deps.Now()
	o := r.people[who.ID]
	author := state.Author{ID: who.ID, Name: who.Name, Role: who.Role}
	if o == nil || o.author != author || o.extraTime != who.ExtraTime || !r.st.Present(who.ID) {
		e := state.Entry{TS: now.UnixMilli(), MediaTS: r.moment(now).Edge, By: &author, Fact: state.Joined{ExtraTime: who.ExtraTime}}
		if err := r.keep(e, nil); err != nil {
			return nil, err
		}
	}
	if o == nil {
		o = &occupant{heartbeat: now}
		r.people[who.ID] = o
	}
	if len(o.members) == 0 {
		o.heartbeat = now
	}
	o.author, o.extraTime, o.gone = author, who.ExtraTime, time.Time{}
	r.count(o, who.Staff())
	for len(o.members) >= r.cfg.Connections {
		oldest := o.members[0]
		o.members = o.members[1:]
		r.wait(func() { r.shardOf(who.ID).ops <- op{kind: opClose, member: oldest, code: realtime.CloseSuperseded} })
		r.metrics.members.Dec()
	}
	if r.limits[who.ID] == nil {
		r.limits[who.ID] = newLimiter(now)
	}
	m := &Member{room: r, id: who.ID, conn: conn, view: viewOf(who), limit: r.limits[who.ID]}
	m.principal.Store(&who)
	o.members = append(o.members, m)
	r.metrics.members.Inc()
	r.greet(m, who, from)
	return m, nil
}

// greet tells a member how the room stands now, once all of that is kept.
func (r *room) greet(m *Member, who realtime.Principal, from Position) {
	var snap realtime.Snapshot
	seq := r.st.Seq()
	resume := from.Epoch != "" && from.Epoch == r.epoch && from.Seq <= r.seq
	if !resume {
		snap = r.st.Snapshot(who)
		snap.Presence = r.presence(who.Staff())
	}
	if resume && r.told.positions[m.id] != 0 {
		delete(r.told.positions, m.id) // it is told again
		r.told.hands = true
	}
	if who.Staff() {
		r.told.pulse = realtime.Pulses{Fast: -1} // the same
	}
	now := r.deps.Now()
	welcome := realtime.Welcome{
		Participant: who.ID, Name: who.Name, Role: who.Role, Permissions: who.Permissions,
		ServerTS: now.UnixMilli(), Limits: r.cfg.limits(), Caps: []string{}, ExtraTime: who.ExtraTime,
	}
	if !r.closes.IsZero() {
		welcome.OpenUntil = r.closes.UnixMilli()
	}
	if !who.ExpiresAt.IsZero() {
		welcome.ExpiresAt = who.ExpiresAt.UnixMilli()
	}
	r.line = append(r.line, waiting{seq: seq, do: func() {
		a := arrival{}
		if resume {
			if a.missed, welcome.Recovered = r.time.since(from.Seq, m.view, m.id); !welcome.Recovered {
				// What comes after seq waits in line behind this. Until then the state is
				// ahead of what is told, so a snapshot is taken anew.
				r.greet(m, who, Position{})
				return
			}
		}
		welcome.Epoch = r.epoch
		if welcome.Recovered {
			welcome.Seq = from.Seq
			r.metrics.joins.WithLabelValues("resumed").Inc()
		} else {
			welcome.Seq, welcome.Snapshot = r.time.last[m.view], &snap
			r.metrics.joins.WithLabelValues("snapshot").Inc()
		}
		a.welcome = func() (Frame, error) {
			b, err := realtime.Event{Room: r.class, TS: welcome.ServerTS}.Encode(welcome)
			return Frame{Delivery: realtime.DeliverReply, Bytes: b}, err
		}
		if welcome.Recovered {
			a.missed = append(a.missed, r.told.since(from.Seq, m.view)...)
		}
		r.shardOf(m.id).ops <- op{kind: opAttach, member: m, arrival: a}
	}})
}

// leave takes a connection out. Its person is in the room for some time yet.
func (r *room) leave(m *Member) {
	o := r.people[m.id]
	if o == nil || !slices.Contains(o.members, m) {
		return
	}
	r.metrics.members.Dec()
	o.members = slices.DeleteFunc(o.members, func(x *Member) bool { return x == m })
	r.wait(func() { r.shardOf(m.id).ops <- op{kind: opDetach, member: m} })
	if len(o.members) == 0 {
		now := r.deps.Now()
		o.gone, o.left = now, now.UnixMilli()
	}
}

// remove closes all connections of a person, who has left with that.
func (r *room) remove(id string, code realtime.CloseCode) {
	o := r.people[id]
	if o == nil {
		return
	}
	for _, m := range o.members {
		r.waitLast(func() { r.shardOf(id).ops <- op{kind: opClose, member: m, code: code} })
		r.metrics.members.Dec()
	}
	o.members = nil // who comes again while that waits is not closed
	if now := r.deps.Now(); o.gone.IsZero() {
		o.gone, o.left = now, now.UnixMilli()
	}
	r.depart(id, o)
}

// depart writes down that somebody has left.
func (r *room) depart(id string, o *occupant) {
	if r.st.Present(id) {
		author := o.author
		e := state.Entry{TS: r.deps.Now().UnixMilli(), By: &author, Fact: state.Left{At: o.left, Playing: o.playing}}
		if r.keep(e, nil) != nil {
			return // the next tick tries again
		}
	}
	if len(o.members) == 0 && r.people[id] == o {
		r.discount(o)
		delete(r.people, id)
	}
	if len(r.people) == 0 {
		r.empty = r.deps.Now()
	}
}

// discount takes somebody out of the counts.
func (*room) discount(o *occupant) {
	if o.counted != nil {
		*o.counted--
		o.counted = nil
	}
}

// count counts somebody, in place of what they were before. A program is nobody.
func (r *room) count(o *occupant, staff bool) {
	r.discount(o)
	switch {
	case o.author.Role == realtime.RoleService:
		return
	case staff:
		o.counted = &r.counts.Staff
	case o.author.Role == realtime.RoleObserver:
		o.counted = &r.counts.Observers
	default:
		o.counted = &r.counts.Participants
	}
	*o.counted++
}

// presence says how many are here.
func (r *room) presence(staff bool) realtime.Presence {
	if staff {
		return r.counts
	}
	return realtime.Presence{Participants: r.counts.Participants}
}

// heartbeatTick writes down that the room is still there: after a crash,
// intervals that were open end here.
const (
	heartbeatTick = 30 * time.Second
	playingTick   = 5 * time.Minute
	playingChunk  = 1000 // people in an entry
)

// beat writes down the heartbeat of the room, and of its people.
func (r *room) beat(now time.Time) {
	if len(r.people) == 0 {
		return
	}
	if now.Sub(r.told.beat) < heartbeatTick {
		return
	}
	r.told.beat = now
	facts := []state.Ticked{}
	if now.Sub(r.told.playing) >= playingTick {
		r.told.playing = now
		playing := make(map[string]int64)
		for id, o := range r.people {
			if o.playing > 0 {
				playing[id] = o.playing
				o.playing = 0
			}
			if len(playing) == playingChunk {
				facts = append(facts, state.Ticked{Playing: playing})
				playing = make(map[string]int64)
			}
		}
		if len(playing) > 0 {
			facts = append(facts, state.Ticked{Playing: playing})
		}
	}
	if len(facts) == 0 {
		facts = append(facts, state.Ticked{})
	}
	for _, f := range facts {
		if err := r.keep(state.Entry{TS: now.UnixMilli(), MediaTS: r.moment(now).Edge, Fact: f}, nil); err != nil {
			for id, ms := range f.Playing {
				r.people[id].playing += ms
			}
		}
	}
}
