package loop

import "time"

const (
	// tick is how exact deadlines are.
	tick = 250 * time.Millisecond
	// slots is how many ticks the wheel looks ahead; what is due later is looked at
	// again then.
	slots = 512
)

// timer is what has a deadline. Its zero value is in no wheel.
type timer struct {
	due        time.Duration // since the wheel's beginning
	tick       int64         // of the slot that it is in, 0 if it is in none
	prev, next *conn
}

// wheel finds the connections whose deadlines pass. Deadlines that move on, as most do,
// cost nothing: the connection stays in its slot, and goes to another when that comes.
type wheel struct {
	slots [slots]*conn
	at    int64 // the tick that was last looked at
	count int
}

// set sets the deadline of c, which it has at most one of.
func (w *wheel) set(c *conn, due time.Duration) {
	c.timer.due = due
	at := min(max(int64(due/tick)+1, w.at+1), w.at+slots-1)
	if c.timer.tick != 0 {
		if c.timer.tick <= at {
			return
		}
		w.remove(c)
	}
	head := &w.slots[at%slots]
	c.timer.tick, c.timer.next = at, *head
	if *head != nil {
		(*head).timer.prev = c
	}
	*head = c
	w.count++
}

// remove takes the deadline of c away.
func (w *wheel) remove(c *conn) {
	t := &c.timer
	if t.tick == 0 {
		return
	}
	if t.prev != nil {
		t.prev.timer.next = t.next
	} else {
		w.slots[t.tick%slots] = t.next
	}
	if t.next != nil {
		t.next.timer.prev = t.prev
	}
	t.prev, t.next, t.tick = nil, nil, 0
	w.count--
}

// expire calls passed for every connection whose deadline has passed by now.
func (w *wheel) expire(now time.Duration, passed func(*conn)) {
	for w.at < int64(now/tick) {
		w.at++
		for c := w.slots[w.at%slots]; c != nil; c = w.slots[w.at%slots] {
			w.remove(c)
			if c.timer.due > now {
				w.set(c, c.timer.due)
			} else {
				passed(c)
			}
		}
	}
}
