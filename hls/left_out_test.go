package hls_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// Where up to eight pictures in a row are left out, at any place of a segment, parts
// are as long as they must be, and every picture is presented at its time.
func TestPicturesLeftOut(t *testing.T) {
	for place := range 24 {
		for want := range 8 {
			c := newClass()
			c.publish(mediatest.New(t, mediatest.Config{NoAudio: true}), media.DiscontinuityStart, 28*time.Second)
			third, n := 0, 0
			for i, item := range c.items {
				if au := item.AccessUnit; au != nil && au.RandomAccess && n < 3 {
					third, n = i, n+1
				}
			}
			from := third + 34 + place
			missing := 0
			for missing <= want && !c.items[from+missing].AccessUnit.RandomAccess {
				missing++
			}
			c.items = slices.Delete(c.items, from, from+missing)
			w := newWatcher(t, hls.DefaultConfig())
			l := newMemoryLog()
			run(t, hls.DefaultConfig(), l, c.items, true, w.observe)
			if w.longParts+w.shortParts > 0 {
				t.Fatalf("%d pictures from %d on: %d long and %d short parts", missing, place, w.longParts, w.shortParts)
			}
			if f := audit(t, l, c.items); f != (faults{}) {
				t.Fatalf("%d pictures from %d on: %+v", missing, place, f)
			}
		}
	}
}
