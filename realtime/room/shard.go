package room

import (
	"hash/fnv"
	"slices"
	"time"

	"github.com/lectern/lectern/realtime"
)

// shardQueue bounds what waits for a shard; when it is full, the room waits. A
// shard never waits itself, since connections do not block.
const shardQueue = 256

type opKind uint8

const (
	opFan    opKind = iota // frames by view, to everybody
	opPerson               // frames[0] to one person; with echo not to those of staff's views
	opMember               // frames[0] to one connection
	opAttach               // a connection that comes in
	opDetach
	opClose
)

// op is something for a shard to do.
type op struct {
	kind        opKind
	frames      [views]*Frame
	participant string
	echo        bool
	member      *Member
	arrival     arrival
	code        realtime.CloseCode
	after       time.Duration
}

// arrival is what a connection gets first.
type arrival struct {
	welcome func() (Frame, error) // encoded here, not by the room
	missed  []*Frame
}

// shard owns the connections of some of the people of a room: all of one person,
// so that a person gets everything in order.
type shard struct {
	ops chan op

	// Owned by run.
	members map[string][]*Member
	fans    [views][]*Frame // to be handed out
}

func newShard() *shard {
	return &shard{ops: make(chan op, shardQueue), members: make(map[string][]*Member)}
}

// run does what the room says until ops is closed.
func (s *shard) run() {
	for o := range s.ops {
		s.handle(o)
	}
}

// handle does o. If that is a fan, it does what has come right behind it as well.
func (s *shard) handle(o op) {
	for more := true; more; {
		if o.kind != opFan {
			s.do(o)
			return
		}
		o, more = s.gather(o)
		s.fan()
	}
}

// gather takes up a fan, and those right behind it that have come, at most as many
// as can wait. It returns what it found behind them, if it found anything.
func (s *shard) gather(o op) (next op, behind bool) {
	for range shardQueue {
		for v, f := range o.frames {
			if f != nil {
				s.fans[v] = append(s.fans[v], f)
			}
		}
		select {
		case next, behind = <-s.ops:
			if !behind || next.kind != opFan {
				return next, behind
			}
			o = next
		default:
			return op{}, false
		}
	}
	return o, true
}

// fan hands out what was gathered.
func (s *shard) fan() {
	for _, members := range s.members {
		for _, m := range members {
			if frames := s.fans[m.view]; len(frames) > 0 {
				m.conn.Send(frames...)
			}
		}
	}
	for v := range s.fans {
		clear(s.fans[v])
		s.fans[v] = s.fans[v][:0]
	}
}

// do does anything but a fan.
func (s *shard) do(o op) {
	switch o.kind {
	case opPerson:
		for _, m := range s.members[o.participant] {
			if !o.echo || m.view == viewAll {
				m.conn.Send(o.frames[0])
			}
		}
	case opMember:
		o.member.conn.Send(o.frames[0])
	case opAttach:
		s.attach(o.member, o.arrival)
	case opDetach, opClose:
		id := o.member.id
		s.members[id] = slices.DeleteFunc(s.members[id], func(m *Member) bool { return m == o.member })
		if len(s.members[id]) == 0 {
			delete(s.members, id)
		}
		if o.kind == opClose {
			o.member.conn.Close(o.code, o.after)
		}
	}
}

func (s *shard) attach(m *Member, a arrival) {
	f, err := a.welcome()
	if err != nil {
		m.room.logger.Error("welcome cannot be told", "err", err)
		m.conn.Close(realtime.CloseRestart, busyRetry)
		return
	}
	m.conn.Send(&f)
	m.conn.Send(a.missed...)
	s.members[m.id] = append(s.members[m.id], m)
}

func (r *room) shardIndex(participant string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(participant)) // never fails
	return int(h.Sum32() % shardCount)
}

func (r *room) shardOf(participant string) *shard { return r.shards[r.shardIndex(participant)] }
