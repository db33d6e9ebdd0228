package ingest

import (
	"net/netip"
	"sync"
)

// Caps bound the connections that are open at a time, publishing or not.
type Caps struct {
	Total      int // in all
	PerAddress int // from one address, or one /64 of IPv6
}

// Cap names one of the [Caps].
type Cap uint8

// The caps. The zero value is none.
const (
	CapTotal Cap = iota + 1
	CapAddress
)

// Door counts the open connections of one protocol. It is safe for concurrent
// use.
type Door struct {
	caps Caps // set by NewDoor, read-only

	mu     sync.Mutex // guards the fields below
	total  int
	byAddr map[netip.Addr]int
}

// NewDoor returns a door with nobody inside.
func NewDoor(caps Caps) *Door {
	return &Door{caps: caps, byAddr: make(map[netip.Addr]int)}
}

// take counts a connection from addr, or returns the cap that is reached.
func (d *Door) take(addr netip.Addr) (reached Cap) {
	addr = subscriber(addr)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.total >= d.caps.Total:
		return CapTotal
	case d.byAddr[addr] >= d.caps.PerAddress:
		return CapAddress
	}
	d.total++
	d.byAddr[addr]++
	return 0
}

// release undoes a take.
func (d *Door) release(addr netip.Addr) {
	addr = subscriber(addr)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total--
	if d.byAddr[addr]--; d.byAddr[addr] == 0 {
		delete(d.byAddr, addr)
	}
}

// subscriber stands for all addresses of one subscriber: IPv6 networks hand out
// a /64 each.
func subscriber(addr netip.Addr) netip.Addr {
	if !addr.Is6() || addr.Is4In6() {
		return addr.Unmap()
	}
	return netip.PrefixFrom(addr.WithZone(""), 64).Masked().Addr()
}
