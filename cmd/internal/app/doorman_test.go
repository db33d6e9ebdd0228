package app

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/ws"
)

func TestDoormanCountsByNetwork(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	d := newDoorman(ws.Config{HandshakeBurst: 2, HandshakeRate: 1}, http.NotFoundHandler())
	d.now = func() time.Time { return now }
	for i, tc := range []struct {
		remote string
		after  time.Duration
		want   bool
	}{
		{"192.0.2.1:1000", 0, true},
		{"192.0.2.1:1001", 0, true},
		{"192.0.2.1:1002", 0, false},
		{"[::ffff:192.0.2.1]:1003", 0, false}, // the same
		{"192.0.2.2:1000", 0, true},
		{"[2001:db8::1]:1000", 0, true},
		{"[2001:db8::ffff]:1000", 0, true},
		{"[2001:db8::2]:1000", 0, false},
		{"[2001:db8:0:1::1]:1000", 0, true}, // the next /64
		{"192.0.2.1:1004", time.Second, true},
		{"192.0.2.1:1005", 0, false},
		{"192.0.2.1:1006", -time.Hour, false}, // the clock is set back
		{"pipe", 0, true},
	} {
		now = now.Add(tc.after)
		if got := d.admit(tc.remote); got != tc.want {
			t.Errorf("%d: %s is admitted: %t, want %t", i, tc.remote, got, tc.want)
		}
	}
	for i := range 2 * maxDoors {
		d.admit(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
	}
	if len(d.doors) > maxDoors {
		t.Errorf("%d addresses are remembered", len(d.doors))
	}
}
