package app

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/lectern/lectern/realtime/ws"
)

// maxDoors bounds the addresses that the doorman remembers, of about 100 bytes each.
// While there are more he forgets all: he slows down floods, no more than that.
const maxDoors = 1 << 15

// doorman bounds how often one address may ask for what takes a signature, or a
// look at a secret: what the pages' scripts ask of rooms and studio. Who comes to a
// room asks once before they connect, so the limits are those of connections.
type doorman struct {
	// Set by newDoorman, then read-only.
	next        http.Handler
	rate, burst float64
	now         func() time.Time

	mu    sync.Mutex // guards the field below
	doors map[netip.Prefix]door
}

// door is a token bucket.
type door struct {
	tokens float64
	at     time.Time
}

func newDoorman(cfg ws.Config, next http.Handler) *doorman {
	return &doorman{
		next: next, rate: float64(cfg.HandshakeRate), burst: float64(cfg.HandshakeBurst), now: time.Now,
		doors: map[netip.Prefix]door{},
	}
}

// ServeHTTP implements http.Handler.
func (d *doorman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asks := r.Method == http.MethodPost || (strings.HasPrefix(r.URL.Path, "/studio/") && r.Header.Get("Authorization") != "")
	if asks && !d.admit(r.RemoteAddr) {
		header := w.Header()
		header.Set("Retry-After", "5")
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"error":{"code":"rate_limited","message":"Too many requests come from this address."}}` + "\n"))
		return
	}
	d.next.ServeHTTP(w, r)
}

// admit takes a token of the address.
func (d *doorman) admit(remote string) bool {
	address := network(remote)
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	b, known := d.doors[address]
	if !known {
		if len(d.doors) >= maxDoors {
			clear(d.doors)
		}
		b = door{tokens: d.burst, at: now}
	}
	b.tokens = min(d.burst, b.tokens+max(0, now.Sub(b.at).Seconds())*d.rate)
	b.at = now
	admitted := b.tokens >= 1
	if admitted {
		b.tokens--
	}
	d.doors[address] = b
	return admitted
}

// network returns what a remote address counts as: an IPv4 address, the /64 of an
// IPv6 one.
func network(remote string) netip.Prefix {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap().WithZone("")
	bits := 32
	if address.Is6() {
		bits = 64
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // bits are in range
	}
	return prefix
}
