package rtsp

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestPullerBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var starts []time.Duration
		begun := time.Now()
		p := &Puller{
			cfg: DefaultConfig().Pull, logger: slog.New(slog.DiscardHandler),
			deps: PullerDeps{Jitter: func() float64 { return 0.999999999 }},
		}
		ctx, cancel := context.WithCancel(t.Context())
		p.attempt = func(context.Context) (time.Duration, error) {
			starts = append(starts, time.Since(begun).Round(time.Millisecond))
			switch len(starts) {
			case 8: // a good connection in between
				return stableAfter, errConnectionLost
			case 10:
				cancel()
			}
			return 0, errConnectionLost
		}
		must(t, p.Run(ctx))
		// Case 49: 1, 2, 4, 8, 16, 30, 30 s; then from 1 s again.
		want := []time.Duration{0, 1, 3, 7, 15, 31, 61, 91, 92, 94}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(starts, want) {
			t.Errorf("case 49: attempts at %v, want %v", starts, want)
		}
	})
	t.Run("case 49: jitter spreads the upper half", func(t *testing.T) {
		b := backoff{least: time.Second, most: 30 * time.Second, random: func() float64 { return 0 }}
		if d := b.pause(0, false); d != 500*time.Millisecond {
			t.Errorf("least pause %s", d)
		}
	})
	t.Run("case 48: three failed logins pause 5 s", func(t *testing.T) {
		b := backoff{least: 100 * time.Millisecond, most: 30 * time.Second, random: func() float64 { return 0.999999999 }}
		for i, want := range []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, authPause, authPause} {
			if d := b.pause(0, true).Round(time.Millisecond); d != want {
				t.Errorf("failure %d: pause %s, want %s", i+1, d, want)
			}
		}
	})
}
