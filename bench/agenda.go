package bench

import (
	"container/heap"
	"time"
)

// agenda says which connection is to be woken when. It belongs to one goroutine.
type agenda struct{ h appointments }

type appointment struct {
	at time.Time
	of *connection
}

// add wakes c at that time.
func (a *agenda) add(at time.Time, c *connection) { heap.Push(&a.h, appointment{at, c}) }

// due returns a connection whose time has come, or nil.
func (a *agenda) due(now time.Time) *connection {
	if len(a.h) == 0 || a.h[0].at.After(now) {
		return nil
	}
	return heap.Pop(&a.h).(appointment).of
}

// until returns how long nothing is to be done, at most limit.
func (a *agenda) until(now time.Time, limit time.Duration) time.Duration {
	if len(a.h) == 0 {
		return limit
	}
	return min(max(a.h[0].at.Sub(now), 0), limit)
}

// appointments implements heap.Interface.
type appointments []appointment

func (a appointments) Len() int           { return len(a) }
func (a appointments) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a appointments) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *appointments) Push(x any) { *a = append(*a, x.(appointment)) }

// Pop implements heap.Interface.
func (a *appointments) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = appointment{}
	*a = (*a)[:last]
	return x
}
