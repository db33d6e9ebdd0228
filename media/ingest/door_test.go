package ingest

import (
	"net/netip"
	"testing"
)

func TestDoor(t *testing.T) {
	d := NewDoor(Caps{Total: 4, PerAddress: 2})
	for _, step := range []struct {
		addr string
		want Cap
	}{
		{"192.0.2.1", 0},
		{"192.0.2.1", 0},
		{"192.0.2.1", CapAddress},
		{"::ffff:192.0.2.1", CapAddress}, // the same address
		{"2001:db8::1", 0},
		{"2001:db8::ffff:2", 0}, // the same /64
		{"2001:db8::3", CapTotal},
	} {
		if got := d.take(netip.MustParseAddr(step.addr)); got != step.want {
			t.Errorf("take(%s) = %d, want %d", step.addr, got, step.want)
		}
	}
	d.release(netip.MustParseAddr("192.0.2.1"))
	if got := d.take(netip.MustParseAddr("2001:db8::3")); got != CapAddress {
		t.Errorf("third of a /64 = %d", got)
	}
	if got := d.take(netip.Addr{}); got != 0 {
		t.Errorf("no address = %d", got)
	}
	d.release(netip.Addr{})
	d.release(netip.MustParseAddr("192.0.2.1"))
	d.release(netip.MustParseAddr("2001:db8::1"))
	d.release(netip.MustParseAddr("2001:db8::2"))
	if d.total != 0 || len(d.byAddr) != 0 {
		t.Errorf("left: %d in all, %v", d.total, d.byAddr)
	}
}

func TestSubscriber(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":          "192.0.2.1",
		"::ffff:192.0.2.1":   "192.0.2.1",
		"2001:db8:1:2:3::4":  "2001:db8:1:2::",
		"fe80::1:2:3:4%eth0": "fe80::",
	} {
		if got := subscriber(netip.MustParseAddr(in)); got != netip.MustParseAddr(want) {
			t.Errorf("subscriber(%s) = %s, want %s", in, got, want)
		}
	}
}
