package rtsp

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// failuresForPause is the wrong key, counted from the last right one, from
	// which on answers come after failurePause. That makes guessing over the
	// network hopeless and costs a teacher who mistyped nothing.
	failuresForPause = 3
	failurePause     = 5 * time.Second

	// failureMemory is how long a failure counts, failureAddresses how many
	// addresses are remembered (about 400 kB); beyond it, one is forgotten for
	// each new one.
	failureMemory    = time.Minute
	failureAddresses = 4096
)

// failureLimiter slows down addresses that try wrong keys. It may be used from
// any goroutine.
type failureLimiter struct {
	now func() time.Time // set by the owner

	mu   sync.Mutex // guards the field below
	seen map[netip.Addr]failures
}

type failures struct {
	count int
	last  time.Time
}

// pause returns how long to wait before a failure of ip is answered, and counts
// it.
func (l *failureLimiter) pause(ip netip.Addr) time.Duration {
	ip = limitKey(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	f := l.seen[ip]
	if now.Sub(f.last) > failureMemory {
		f.count = 0
	}
	f.count++
	f.last = now
	if l.seen == nil {
		l.seen = make(map[netip.Addr]failures)
	}
	if _, known := l.seen[ip]; !known && len(l.seen) >= failureAddresses {
		for other := range l.seen { // in random order
			delete(l.seen, other)
			break
		}
	}
	l.seen[ip] = f
	if f.count < failuresForPause {
		return 0
	}
	return failurePause
}

// succeeded forgets the failures of ip.
func (l *failureLimiter) succeeded(ip netip.Addr) {
	ip = limitKey(ip)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, ip)
}

// limitKey groups the addresses of one subscriber: IPv6 networks hand out a /64
// each.
func limitKey(ip netip.Addr) netip.Addr {
	if !ip.Is6() || ip.Is4In6() {
		return ip.Unmap()
	}
	return netip.PrefixFrom(ip.WithZone(""), 64).Masked().Addr()
}
