package rtmp

import (
	"net/netip"
	"testing"
)

func TestLimiter(t *testing.T) {
	l := newLimiter(4, 2)
	for _, step := range []struct{ addr, want string }{
		{"192.0.2.1", ""},
		{"192.0.2.1", ""},
		{"192.0.2.1", rejectAddress},
		{"2001:db8::1", ""},
		{"2001:db8::ffff:2", ""}, // the same /64
		{"2001:db8::3", rejectTotal},
	} {
		if got := l.take(netip.MustParseAddr(step.addr)); got != step.want {
			t.Errorf("take(%s) = %q, want %q", step.addr, got, step.want)
		}
	}
	l.release(netip.MustParseAddr("192.0.2.1"))
	if got := l.take(netip.MustParseAddr("2001:db8::3")); got != rejectAddress {
		t.Errorf("third of a /64 = %q", got)
	}
	if got := l.take(netip.Addr{}); got != "" {
		t.Errorf("no address = %q", got)
	}
	l.release(netip.Addr{})
	l.release(netip.MustParseAddr("192.0.2.1"))
	l.release(netip.MustParseAddr("2001:db8::1"))
	l.release(netip.MustParseAddr("2001:db8::2"))
	if l.total != 0 || len(l.byAddr) != 0 {
		t.Errorf("left: %d in all, %v", l.total, l.byAddr)
	}
}
