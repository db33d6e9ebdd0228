package ws

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// allowedOrigin reports whether the page that asks is one of ours. A request
// without an Origin is not of a page: what this check is for, a page that borrows
// its visitor's cookies, cannot be, and the server looks at no cookies anyway.
func (s *Server) allowedOrigin(r *http.Request) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	origin := values[0]
	if slices.Contains(s.cfg.Origins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	// Either scheme, since TLS may end at a proxy.
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Scheme+"://"+u.Host == origin && strings.EqualFold(u.Host, r.Host)
}

const maxAddresses = 1 << 15 // about 100 bytes each

// gate is a token bucket per address.
type gate struct {
	rate, burst float64

	mu      sync.Mutex // guards the field below
	buckets map[netip.Addr]bucket
}

func newGate(rate, burst int) *gate {
	return &gate{rate: float64(rate), burst: float64(burst), buckets: map[netip.Addr]bucket{}}
}

// admit takes a token of the address. While there are more addresses than are
// kept, those that are not share one bucket.
func (g *gate) admit(remote string, now time.Time) bool {
	addr := addressOf(remote)
	g.mu.Lock()
	defer g.mu.Unlock()
	b, known := g.buckets[addr]
	if !known && len(g.buckets) >= maxAddresses {
		addr = netip.Addr{}
		b, known = g.buckets[addr]
	}
	if !known {
		b = bucket{tokens: g.burst, at: now}
	}
	ok := b.take(now, g.rate, g.burst)
	g.buckets[addr] = b
	return ok
}

// sweep forgets addresses whose bucket is full again.
func (g *gate) sweep(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for addr, b := range g.buckets {
		if b.tokens+now.Sub(b.at).Seconds()*g.rate >= g.burst {
			delete(g.buckets, addr)
		}
	}
}

// addressOf returns what a remote address counts as: an IPv4 address, the /64 of
// an IPv6 one.
func addressOf(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		p, _ := addr.Prefix(64) // 64 is in range
		addr = p.Addr()
	}
	return addr
}

// bucket is a token bucket. The zero bucket is empty, and fills from the year 1.
type bucket struct {
	tokens float64
	at     time.Time
}

// take reports whether there was a token, and takes it.
func (b *bucket) take(now time.Time, rate, burst float64) bool {
	b.tokens = min(burst, b.tokens+max(0, now.Sub(b.at).Seconds())*rate)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
