package ws

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/realtime/room"
)

const (
	minInterval = 50 * time.Millisecond
	maxInterval = 250 * time.Millisecond

	// calmAfter is over how long a room must have been calm before events are sent
	// at once again, and idleAfter after how many empty ticks nobody ticks.
	calmAfter = time.Second
	idleAfter = 20

	batchesKept = 8 // per room: two views, and connections that are a batch behind
)

// pace is when the connections of one room are written to, and what they share.
type pace struct {
	pacer *pacer

	// interval is that of the room, 0 while events are sent at once. window counts
	// the intervals. writes counts frames that were sent at once, until the pacer
	// looks.
	interval atomic.Int64
	window   atomic.Uint64
	writes   atomic.Int64
	active   atomic.Bool // the pacer looks at it

	// Owned by the pacer.
	looked  time.Time
	rate    float64   // frames per second that were sent at once, smoothed
	flushed time.Time // the end of the last interval
	events  float64   // that the busiest connection got since counted
	counted time.Time
	idle    int

	mu    sync.Mutex // guards the field below
	conns map[*Conn]struct{}

	batches sync.Mutex // guards the fields below
	kept    [batchesKept]batch
	next    int
}

// batch is events that were joined to a frame.
type batch struct {
	frames   []*room.Frame
	prepared *websocket.PreparedMessage
}

// immediate reports whether events are sent at once.
func (p *pace) immediate() bool { return p.interval.Load() == 0 }

// wrote counts a frame that is sent at once.
func (p *pace) wrote() {
	p.writes.Add(1)
	p.waits()
}

// waits has the pacer look at the room.
func (p *pace) waits() {
	if !p.active.Load() && p.active.CompareAndSwap(false, true) {
		p.pacer.kick()
	}
}

// prepare returns the frame for the events, and whether it had been made for
// another connection.
func (p *pace) prepare(events []*room.Frame, size int) (prepared *websocket.PreparedMessage, again bool, err error) {
	p.batches.Lock()
	defer p.batches.Unlock()
	for i := range p.kept {
		if same(p.kept[i].frames, events) {
			return p.kept[i].prepared, true, nil
		}
	}
	text := events[0].Bytes
	if len(events) > 1 {
		text = join(events, size)
	}
	if prepared, err = websocket.NewPreparedMessage(websocket.TextMessage, text); err != nil {
		return nil, false, err
	}
	kept := &p.kept[p.next]
	p.next = (p.next + 1) % batchesKept
	clear(kept.frames)
	*kept = batch{append(kept.frames[:0], events...), prepared}
	return prepared, false, nil
}

func same(a, b []*room.Frame) bool {
	if len(a) != len(b) {
		return false
	}
	for i := len(a) - 1; i >= 0; i-- { // the last ones differ first
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// forget drops the batches of a room that has become quiet.
func (p *pace) forget() {
	p.batches.Lock()
	defer p.batches.Unlock()
	p.kept = [batchesKept]batch{}
}

// pacer ticks for all rooms. Its run is one goroutine.
type pacer struct {
	budget float64 // frames per second
	kicked chan struct{}

	mu    sync.Mutex // guards the fields below
	paces map[string]*pace
	conns int // in all rooms
}

func newPacer(framesPerSecond int) *pacer {
	return &pacer{budget: float64(framesPerSecond), kicked: make(chan struct{}, 1), paces: map[string]*pace{}}
}

func (r *pacer) kick() {
	select {
	case r.kicked <- struct{}{}:
	default:
	}
}

// join adds a connection to its room.
func (r *pacer) join(c *Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.paces[c.class]
	if p == nil {
		p = &pace{pacer: r, conns: map[*Conn]struct{}{}}
		r.paces[c.class] = p
	}
	r.conns++
	p.mu.Lock()
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	c.mu.Lock()
	c.pace = p
	c.mu.Unlock()
}

// leave takes a connection out of its room, if it is in one, which goes with the
// last one.
func (r *pacer) leave(c *Conn) {
	c.mu.Lock()
	p := c.pace
	c.mu.Unlock()
	if p == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns--
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	if len(p.conns) == 0 {
		delete(r.paces, c.class)
	}
}

// run ticks while anything is to be sent.
func (r *pacer) run(ctx context.Context) {
	for {
		select {
		case <-r.kicked:
		case <-ctx.Done():
			return
		}
		tick := time.NewTicker(minInterval)
		for ctx.Err() == nil && r.tick(time.Now()) {
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		tick.Stop()
	}
}

// tick looks at all active rooms, and reports whether there are any.
func (r *pacer) tick(now time.Time) (active bool) {
	r.mu.Lock()
	var rooms []*pace
	for _, p := range r.paces {
		if p.active.Load() {
			rooms = append(rooms, p)
		}
	}
	longest := min(maxInterval, max(minInterval, time.Duration(float64(r.conns)/r.budget*float64(time.Second))))
	share := r.budget / float64(max(1, len(rooms)))
	r.mu.Unlock()
	for _, p := range rooms {
		p.look(now, longest, share)
	}
	return len(rooms) > 0
}

// look ends the interval of a room if it is over, and chooses the next one: 0 as
// long as the room stays within its share of frames per second.
func (p *pace) look(now time.Time, interval time.Duration, share float64) {
	writes := float64(p.writes.Swap(0))
	elapsed := max(now.Sub(p.looked), minInterval).Seconds()
	p.looked = now
	if p.immediate() {
		// A burst counts at once; that two events fall in one tick by chance does not.
		if p.rate = 0.75*p.rate + 0.25*writes/elapsed; p.rate > 1.25*share {
			p.flushed, p.counted, p.events = now, now, 0
			p.interval.Store(int64(interval))
		}
	} else {
		p.coalesce(now, interval, share, writes)
	}
	if p.idle++; writes > 0 || !p.immediate() {
		p.idle = 0
	}
	if p.idle >= idleAfter {
		p.idle, p.rate = 0, 0
		p.forget()
		p.active.Store(false)
	}
}

// coalesce is look for a room whose events wait for the end of an interval.
func (p *pace) coalesce(now time.Time, interval time.Duration, share, writes float64) {
	members := p.members()
	n := float64(max(1, len(members)))
	p.events += writes / n
	if now.Sub(p.flushed) < time.Duration(p.interval.Load())-minInterval/4 {
		return
	}
	// The window first: what is sent from here on counts for the new one.
	window := p.window.Add(1)
	most := 0
	for _, c := range members {
		most = max(most, c.flush(window))
	}
	p.events += float64(most)
	p.flushed = now
	p.interval.Store(int64(interval))
	if over := now.Sub(p.counted); over >= calmAfter {
		if p.events/over.Seconds()*n <= share {
			p.rate = 0
			p.interval.Store(0)
			for _, c := range members { // what came since the flush would wait for ever
				c.flush(window)
			}
		}
		p.events, p.counted = 0, now
	}
}

func (p *pace) members() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*Conn, 0, len(p.conns))
	for c := range p.conns {
		all = append(all, c)
	}
	return all
}
