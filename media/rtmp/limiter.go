package rtmp

import (
	"net"
	"net/netip"
	"sync"
)

// Why a connection was closed before a byte was read; label values.
const (
	rejectTotal   = "max_connections"
	rejectAddress = "max_connections_per_ip"
)

// limiter counts open connections, in all and by address. It is safe for
// concurrent use.
type limiter struct {
	maxTotal, maxPerAddr int // set by newLimiter, read-only

	mu     sync.Mutex // guards the fields below
	total  int
	byAddr map[netip.Addr]int
}

func newLimiter(maxTotal, maxPerAddr int) *limiter {
	return &limiter{maxTotal: maxTotal, maxPerAddr: maxPerAddr, byAddr: make(map[netip.Addr]int)}
}

// take counts a connection from addr, or returns why it may not be.
func (l *limiter) take(addr netip.Addr) (reject string) {
	addr = limitKey(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.total >= l.maxTotal:
		return rejectTotal
	case l.byAddr[addr] >= l.maxPerAddr:
		return rejectAddress
	}
	l.total++
	l.byAddr[addr]++
	return ""
}

// release undoes a take.
func (l *limiter) release(addr netip.Addr) {
	addr = limitKey(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.byAddr[addr]--; l.byAddr[addr] == 0 {
		delete(l.byAddr, addr)
	}
}

// limitKey groups the addresses of one subscriber: IPv6 networks hand out a /64
// each.
func limitKey(addr netip.Addr) netip.Addr {
	if !addr.Is6() {
		return addr
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return addr
	}
	return p.Addr()
}

// remoteAddr returns the peer's address, or the zero Addr if c has none.
func remoteAddr(c net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
