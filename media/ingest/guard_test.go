package ingest

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/media"
)

// doorman knows the key "right" and cannot look up the key "broken".
type doorman struct{}

var errBroken = errors.New("database is gone")

func (doorman) Authorize(_ context.Context, key string, _ netip.Addr) (string, error) {
	switch key {
	case "right":
		return "algebra", nil
	case "broken":
		return "", errBroken
	default:
		return "", &media.RefusalError{Code: "wrong_key", Text: "The stream key is not known."}
	}
}

func TestGuard(t *testing.T) {
	const one, other = "203.0.113.7", "203.0.113.8"
	type step struct {
		addr, key string
		wait      time.Duration // how long the answer takes
		after     time.Duration // how long the next step comes later
	}
	for _, tc := range []struct {
		name  string
		steps []step
	}{
		{"case 48: the third wrong key is answered late", []step{
			{one, "a", 0, 0},
			{one, "b", 0, 0},
			{one, "c", failurePause, 0},
			{one, "d", failurePause, 0},
			{other, "a", 0, 0},
		}},
		{"a minute later they are forgotten", []step{
			{one, "a", 0, 0},
			{one, "b", 0, failureMemory + 1},
			{one, "c", 0, 0},
			{one, "d", 0, failureMemory},
			{one, "e", failurePause, 0},
		}},
		{"a right key is never late, and forgives", []step{
			{one, "a", 0, 0},
			{one, "b", 0, 0},
			{one, "c", failurePause, 0},
			{one, "right", 0, 0},
			{one, "d", 0, 0},
		}},
		{"a key that cannot be checked is not wrong", []step{
			{one, "broken", 0, 0},
			{one, "broken", 0, 0},
			{one, "broken", 0, 0},
			{one, "a", 0, 0},
		}},
		{"neighbours in a /64 are one", []step{
			{"2001:db8::1", "a", 0, 0},
			{"2001:db8::2", "b", 0, 0},
			{"2001:db8::3", "c", failurePause, 0},
			{"2001:db8:0:1::1", "a", 0, 0},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := Guard(doorman{})
				for i, s := range tc.steps {
					begin := time.Now()
					name, err := g.Authorize(t.Context(), s.key, netip.MustParseAddr(s.addr))
					if d := time.Since(begin); d != s.wait {
						t.Errorf("key %d: answered after %s, want %s", i+1, d, s.wait)
					}
					wantName, wantErr := doorman{}.Authorize(t.Context(), s.key, netip.Addr{})
					if name != wantName || (err == nil) != (wantErr == nil) || errors.Is(err, errBroken) != errors.Is(wantErr, errBroken) {
						t.Errorf("key %d: answered %q, %v", i+1, name, err)
					}
					time.Sleep(s.after) //nolint:forbidigo // in a synctest bubble
				}
			})
		})
	}
}

// A pause ends with the server, and holds up nobody else.
func TestGuardPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := Guard(doorman{})
		addr := netip.MustParseAddr("203.0.113.7")
		ctx, cancel := context.WithCancel(t.Context())
		var guessing sync.WaitGroup
		for range 10 {
			guessing.Go(func() {
				if _, err := g.Authorize(ctx, "guess", addr); err == nil {
					t.Error("a guess was right")
				}
			})
		}
		synctest.Wait()
		begin := time.Now()
		if _, err := g.Authorize(t.Context(), "right", addr); err != nil {
			t.Error(err)
		}
		cancel()
		guessing.Wait()
		if d := time.Since(begin); d != 0 {
			t.Errorf("took %s", d)
		}
	})
}

func TestGuardForgetsSome(t *testing.T) {
	g := &guard{authorizer: doorman{}, seen: make(map[netip.Addr]failures)}
	for i := range 3 * failureAddresses {
		g.pause(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if n := len(g.seen); n != failureAddresses {
		t.Errorf("%d addresses remembered, want %d", n, failureAddresses)
	}
}
