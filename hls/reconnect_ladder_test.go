package hls_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
)

// A run may begin before the last segment of the one before has ended: an encoder
// fills its last frame of sound up. Its first pictures are taken all the same.
func TestRunBeginsBeforeTheLastHasEnded(t *testing.T) {
	for _, tc := range []struct {
		name string
		grid time.Duration
	}{{"the publisher's keyframes", 0}, {"absolute", 2 * time.Second}} {
		t.Run(tc.name, func(t *testing.T) {
			s := newLadderSim(t, tc.grid)
			s.play(media.DiscontinuityStart, 9350*time.Millisecond)
			s.class.at = 9350 * time.Millisecond
			s.play(media.DiscontinuityReconnect, 10*time.Second)
			w := newWatcher(t, hls.DefaultConfig())
			w.wild, w.every = true, 9
			l := newMemoryLog()
			p := run(t, hls.DefaultConfig(), l, s.class.items, true, w.observe)
			aligned(t, l)
			fit(t, s, l, starts(l, s.class))
			for _, name := range p.Renditions() {
				if got := gapsOf(l, name); strings.ContainsAny(got, "Gp") || len(got) < 5 {
					t.Errorf("%s is %s", name, got)
				}
			}
		})
	}
}
