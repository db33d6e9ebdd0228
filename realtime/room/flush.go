package room

import (
	"maps"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/room/state"
)

// How often what changes all the time is told.
const (
	tallyEvery    = 250 * time.Millisecond
	votesEvery    = 500 * time.Millisecond
	secondEvery   = time.Second // reactions, hands, what was not shown; and what time brings
	pulseEvery    = 2 * time.Second
	presenceEvery = 3 * time.Second

	pulseLife    = time.Minute
	minimumPulse = 5 // fewer are not told, lest they point at someone
)

// told is what has changed since it was told, and when that was.
type told struct {
	rev       uint64
	polls     map[string]bool
	questions map[string]bool
	hands     bool
	positions map[string]int // in the queue, as people were told
	over      int
	reactions map[realtime.ReactionKind]int
	pulses    map[string]pulse
	pulse     realtime.Pulses
	presence  realtime.Presence
	closes    time.Time
	latest    map[string]latest // by the key of the frame

	tallyAt, votesAt, secondAt, pulseAt, presenceAt, beat, playing time.Time
}

type pulse struct {
	kind realtime.PulseKind
	at   time.Time
}

func newTold() told {
	return told{
		polls: make(map[string]bool), questions: make(map[string]bool), positions: make(map[string]int),
		reactions: make(map[realtime.ReactionKind]int), pulses: make(map[string]pulse),
		latest: make(map[string]latest),
	}
}

// latest is the last value of a state that was told.
type latest struct {
	seq    uint64 // of the newest entry in it
	frames [views]*Frame
}

// since returns the states that have changed after seq, for who resumes.
func (t *told) since(seq uint64, v view) []*Frame {
	var frames []*Frame
	for _, l := range t.latest {
		if f := l.frames[v]; f != nil && l.seq > seq {
			frames = append(frames, f)
		}
	}
	return frames
}

// note remembers what an entry has changed.
func (r *room) note(fx state.Effects) {
	if fx.Poll != "" {
		r.told.polls[fx.Poll] = true
	}
	if fx.Question != "" {
		r.told.questions[fx.Question] = true
	}
	r.told.hands = r.told.hands || fx.Hands
	if fx.Over {
		r.told.over++
	}
}

// light carries out a command that is not kept: a heartbeat, a reaction, a pulse.
func (r *room) light(m *Member, by realtime.Principal, o order) error {
	info, _ := o.command.Type.Info()
	settings := r.st.Settings()
	switch {
	case !by.Permissions.Has(info.Needs):
		return realtime.NewError(realtime.CodeForbidden, string(o.command.Type)+": is not allowed by the grant")
	case r.st.Admit(by) != nil:
		return r.st.Admit(by)
	}
	switch d := o.command.Data.(type) {
	case realtime.Position:
		r.heartbeat(m.id, d, o.at)
		return nil
	case realtime.React:
		if !settings.Paused || by.Staff() {
			r.told.reactions[d.Kind]++
			return nil
		}
	case realtime.Pulse:
		if !settings.Paused || by.Staff() {
			r.told.pulses[by.ID] = pulse{d.Kind, o.at}
			return nil
		}
	}
	return realtime.NewError(realtime.CodeClosed, "the room is paused")
}

func (r *room) heartbeat(id string, d realtime.Position, at time.Time) {
	p := r.people[id]
	if p == nil {
		return
	}
	if d.Playing {
		p.playing += min(max(at.Sub(p.heartbeat), 0), maxHeartbeat).Milliseconds()
	}
	p.heartbeat = at
}

// due reports whether it is time again, and remembers.
func due(last *time.Time, now time.Time, every time.Duration) bool {
	if now.Sub(*last) < every {
		return false
	}
	*last = now
	return true
}

// tick does what the passing of time brings.
func (r *room) tick(now time.Time) {
	if r.over {
		return
	}
	t := &r.told
	if due(&t.tallyAt, now, tallyEvery) {
		r.flushTallies()
	}
	if due(&t.votesAt, now, votesEvery) {
		r.flushVotes()
	}
	if due(&t.pulseAt, now, pulseEvery) {
		r.flushPulse(now)
	}
	if due(&t.presenceAt, now, presenceEvery) {
		r.flushPresence()
	}
	if due(&t.secondAt, now, secondEvery) {
		r.flushHands()
		r.flushEphemeral()
		r.checkEnd(now)
		r.age(now)
		r.beat(now)
	}
}

// age carries out what is due.
func (r *room) age(now time.Time) {
	moment := r.moment(now)
	for _, f := range r.st.Due(moment) {
		e := state.Entry{TS: moment.Now, MediaTS: moment.Edge, Fact: f}
		if r.keep(e, nil) != nil {
			return // later
		}
	}
	for id, o := range r.people {
		if !o.gone.IsZero() && now.Sub(o.gone) >= r.cfg.LeaveGrace {
			r.depart(id, o)
		}
	}
	for id, l := range r.limits {
		if r.people[id] == nil && l.idle(now) {
			delete(r.limits, id)
		}
	}
	if len(r.people) == 0 && now.Sub(r.empty) >= r.cfg.IdleClose {
		r.over = true
	}
}

// share sends the latest of something to the views, once it is kept. A nil one is
// not for that view.
func (r *room) share(key string, all, staff realtime.EventData) {
	l := latest{seq: r.st.Seq()}
	frameKey := ""
	r.told.rev++
	encode := func(d realtime.EventData) *Frame {
		if d == nil {
			return nil
		}
		delivery := d.EventType().Delivery()
		ev := realtime.Event{Room: r.class}
		if delivery == realtime.DeliverState {
			ev.Key, ev.Rev = key, r.told.rev
			frameKey = string(d.EventType()) + "/" + key
		}
		b, err := ev.Encode(d)
		if err != nil {
			r.logger.Error("state cannot be told", "err", err)
			return nil
		}
		return &Frame{Delivery: delivery, Bytes: b, Key: frameKey}
	}
	l.frames[viewAll] = encode(all)
	l.frames[viewStaff] = encode(staff)
	l.frames[viewBlind] = l.frames[viewStaff]
	r.wait(func() {
		if frameKey != "" {
			r.told.latest[frameKey] = l
		}
		for _, s := range r.shards {
			s.ops <- op{kind: opFan, frames: l.frames}
		}
	})
}

func (r *room) flushTallies() {
	for id := range r.told.polls {
		staff, all := r.st.Tally(id)
		if staff == nil {
			continue
		}
		var public realtime.EventData
		if all != nil {
			public = *all
		}
		r.share(id, public, *staff)
	}
	clear(r.told.polls)
}

func (r *room) flushVotes() {
	for id := range r.told.questions {
		votes, only, ok := r.st.Votes(id)
		switch {
		case !ok:
		case only == "":
			r.share(id, votes, votes)
		default:
			r.share(id, nil, votes)
			r.shareWith(only, id, votes)
		}
	}
	clear(r.told.questions)
}

func (r *room) flushPresence() {
	now := r.presence(true)
	if now == r.told.presence {
		return
	}
	r.told.presence = now
	r.share("", r.presence(false), now)
}

// flushHands tells how many hands are up, and those who wait where they are.
func (r *room) flushHands() {
	if !r.told.hands {
		return
	}
	r.told.hands = false
	staff, all := r.st.Hands()
	r.share("", all, staff)
	before := maps.Clone(r.told.positions)
	clear(r.told.positions)
	for i, id := range r.st.HandQueue() {
		r.told.positions[id] = i + 1
		if before[id] != i+1 {
			r.position(id, i+1)
		}
		delete(before, id)
	}
	for id := range before {
		r.position(id, 0)
	}
}

func (r *room) position(id string, n int) {
	r.shareWith(id, "", realtime.HandPosition{Position: n})
}

// shareWith sends the latest of something to one participant, once it is kept.
func (r *room) shareWith(id, key string, d realtime.EventData) {
	r.told.rev++
	b, err := realtime.Event{Room: r.class, Key: key, Rev: r.told.rev}.Encode(d)
	if err != nil {
		r.logger.Error("state cannot be told", "err", err)
		return
	}
	f := &Frame{Delivery: realtime.DeliverState, Bytes: b, Key: string(d.EventType()) + "/" + key}
	r.wait(func() {
		r.shardOf(id).ops <- op{kind: opPerson, participant: id, frames: [views]*Frame{f}}
	})
}

func (r *room) flushEphemeral() {
	if len(r.told.reactions) > 0 {
		counts := realtime.Reactions{Counts: maps.Clone(r.told.reactions)}
		clear(r.told.reactions)
		r.share("", counts, counts)
	}
	if r.told.over > 0 {
		r.share("", realtime.ChatMore{N: r.told.over}, nil)
		r.told.over = 0
	}
}

// flushPulse tells staff how people get on.
func (r *room) flushPulse(now time.Time) {
	var p realtime.Pulses
	for id, x := range r.told.pulses {
		if now.Sub(x.at) >= pulseLife {
			delete(r.told.pulses, id)
			continue
		}
		switch x.kind {
		case realtime.PulseFast:
			p.Fast++
		case realtime.PulseLost:
			p.Lost++
		case realtime.PulseOK:
			p.OK++
		}
	}
	for _, n := range []*int{&p.Fast, &p.Lost, &p.OK} {
		if *n < minimumPulse {
			*n = 0
		}
	}
	if p != r.told.pulse {
		r.told.pulse = p
		r.share("", nil, p)
	}
}
