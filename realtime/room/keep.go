package room

import (
	"errors"
	"fmt"
	"sync"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/broker"
	"github.com/lectern/lectern/realtime/room/state"
)

// kept is what the broker says of entries, until the room hears it. It is bounded
// by what the broker takes.
type kept struct {
	wake chan struct{}

	mu      sync.Mutex // guards the field below
	results []broker.Result
}

func (k *kept) put(res broker.Result) {
	k.mu.Lock()
	k.results = append(k.results, res)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *kept) take() []broker.Result {
	k.mu.Lock()
	defer k.mu.Unlock()
	res := k.results
	k.results = nil
	return res
}

// waiting is something to do once the entry seq, and so all before it, is kept.
type waiting struct {
	seq uint64
	do  func()

	// done, if not nil, acknowledges it, after all that was kept together is done: so
	// what goes to everybody stays together, and the shards hand it out in one go.
	done func()
}

// wait does something once everything that is decided is kept.
func (r *room) wait(do func()) {
	r.line = append(r.line, waiting{seq: r.st.Seq(), do: do})
}

// waitLast does something behind the acknowledgements of what is kept together with
// it: a connection is closed when it has got them.
func (r *room) waitLast(do func()) {
	r.line = append(r.line, waiting{seq: r.st.Seq(), do: func() {}, done: do})
}

// release hears what was kept and does what waits for it.
func (r *room) release() error {
	for _, res := range r.kept.take() {
		if res.Err != nil {
			return res.Err
		}
		if res.Again || res.Position.Seq != r.seq+1 || (r.epoch != "" && res.Position.Epoch != r.epoch) {
			return fmt.Errorf("entry %d is at %d: %w", r.seq+1, res.Position.Seq, errNotKept)
		}
		r.epoch, r.seq = res.Position.Epoch, res.Position.Seq
	}
	n := 0
	for n < len(r.line) && r.line[n].seq <= r.seq {
		r.line[n].do()
		n++
	}
	for _, w := range r.line[:n] {
		if w.done != nil {
			w.done()
		}
	}
	clear(r.line[:n])
	r.line = r.line[n:]
	if len(r.line) == 0 {
		r.line = nil
	}
	return nil
}

// keep sends an entry to the log, applies it, and tells of it once it is kept;
// then it calls done, if that is not nil. It returns a *realtime.Error if the log
// does not take it: then nothing has happened.
func (r *room) keep(e state.Entry, done func()) error {
	data, err := e.Encode()
	if err != nil {
		return fault("keep", err)
	}
	ev := broker.Event{At: r.st.Seq() + 1, Data: data}
	if e.Command != "" {
		ev.ID = state.CommandKey(e.By.ID, e.Command)
	}
	if err = r.deps.Broker.Enqueue(r.class, ev, r.kept.put); err != nil {
		code := realtime.CodeUnavailable
		if errors.Is(err, broker.ErrBusy) {
			code = realtime.CodeBusy
		}
		refusal := realtime.NewError(code, "the room cannot keep this now")
		refusal.RetryAfter = busyRetry
		return refusal
	}
	fx := r.st.Apply(e)
	r.note(fx)
	r.line = append(r.line, waiting{seq: r.st.Seq(), do: func() { r.tell(ev.At, e, fx) }, done: done})
	if fx.Remove != "" {
		r.remove(fx.Remove, fx.RemoveCode)
	}
	if fx.Close {
		r.dismiss()
		r.wait(r.shut)
	}
	return nil
}

// tell hands out what an entry brings, which is kept.
func (r *room) tell(seq uint64, e state.Entry, fx state.Effects) {
	sh, seen, err := r.time.add(r.class, r.epoch, seq, e, fx)
	if err != nil {
		r.logger.Error("event cannot be told", "err", err)
		return
	}
	if seen {
		r.metrics.events.Inc()
		for i, s := range r.shards {
			if sh.frames[viewStaff] != nil {
				s.ops <- op{kind: opFan, frames: sh.frames}
			}
			for _, u := range sh.to {
				if r.shardIndex(u.participant) == i {
					s.ops <- op{kind: opPerson, participant: u.participant, frames: [views]*Frame{u.frame}, echo: u.echo}
				}
			}
		}
	}
	r.cue(seq, e.Fact)
}

// command decides on a command and answers it.
func (r *room) command(o order) {
	m := o.member
	if r.over {
		return
	}
	by := *m.principal.Load()
	switch d := o.command.Data.(type) {
	case realtime.Position, realtime.React, realtime.Pulse:
		if err := r.light(m, by, o); err != nil {
			r.answer(m, o.command.ID, err)
		} else if o.command.ID != "" {
			r.ack(m, o.command.ID, state.Decision{})
		}
		return
	case realtime.Hello, realtime.Refresh:
		r.answer(m, o.command.ID, realtime.NewError(realtime.CodeBadRequest, string(d.CommandType())+": is not for now"))
		return
	}
	decision, err := r.st.Decide(o.command, by, r.moment(o.at))
	if err != nil {
		r.answer(m, o.command.ID, err)
		return
	}
	done := func() {
		r.metrics.ack.Observe(r.deps.Now().Sub(o.at).Seconds())
		r.ack(m, o.command.ID, decision)
	}
	if decision.Entry == nil {
		r.wait(done) // a command that is sent again may be one that is not kept yet
		return
	}
	if err = r.keep(*decision.Entry, done); err != nil {
		r.answer(m, o.command.ID, err)
	}
}

func (r *room) ack(m *Member, re string, d state.Decision) {
	outcome := "ok"
	if d.Dup {
		outcome = "again"
	}
	r.metrics.commands.WithLabelValues(outcome).Inc()
	ev := realtime.Event{Re: re, TS: r.deps.Now().UnixMilli(), Seq: d.Seq}
	if d.Seq != 0 {
		ev.Epoch = r.epoch
	}
	b, err := ev.Encode(realtime.Ack{ID: d.ID, Dup: d.Dup})
	if err != nil {
		r.logger.Error("ack cannot be told", "err", err)
		return
	}
	r.shardOf(m.id).ops <- op{kind: opMember, member: m, frames: [views]*Frame{{Delivery: realtime.DeliverReply, Bytes: b}}}
}

// answer tells a member that a command is refused. It may be called from any
// goroutine.
func (r *room) answer(m *Member, re string, err error) {
	var refusal *realtime.Error
	if !errors.As(err, &refusal) {
		r.logger.Error("command failed", "err", err)
		refusal = realtime.NewError(realtime.CodeInternal, "the server failed")
	}
	r.metrics.commands.WithLabelValues(string(refusal.Code)).Inc()
	b, err := realtime.Event{Re: re, TS: r.deps.Now().UnixMilli()}.Encode(refusal.Refusal())
	if err != nil {
		r.logger.Error("error cannot be told", "err", err)
		return
	}
	m.conn.Send(&Frame{Delivery: realtime.DeliverReply, Bytes: b})
}
