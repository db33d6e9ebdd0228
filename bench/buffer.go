package bench

import "time"

// buffer is what a player has fetched and not yet played. It begins to play when it
// holds as much as the server's PART-HOLD-BACK, and when it runs dry it waits for
// the next part and is behind by that from then on. It belongs to one viewer.
type buffer struct {
	holdBack time.Duration
	fetched  time.Duration // media, from where playing began
	began    time.Time     // when the first of it was played, had there been no stall; zero before
}

// add takes a part of that duration, which came just now. It returns for how long
// there was nothing left to play before it came.
func (b *buffer) add(now time.Time, d time.Duration) (dry time.Duration) {
	if !b.began.IsZero() {
		dry = max(0, now.Sub(b.began)-b.fetched)
		b.began = b.began.Add(dry)
	}
	b.fetched += d
	if b.began.IsZero() && b.fetched >= b.holdBack {
		b.began = now
	}
	return dry
}
