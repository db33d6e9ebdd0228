package state

// display decides which messages of participants all others are shown, when more
// come than anybody can read: at most so many a second, and the fewer are left
// the longer those wait who were shown lately. It follows the times of the log.
type display struct {
	tokens float64
	ts     int64            // when tokens was right
	last   map[string]int64 // when an author was last shown; those of the last seconds
}

// memory is how long an author who was shown stands back, while others come.
const memory = 2_000 // milliseconds

func (d *display) available(ts int64, perSecond int) float64 {
	return min(float64(perSecond), d.tokens+float64(max(ts-d.ts, 0))*float64(perSecond)/1000)
}

// fits reports whether a message of that author is shown.
func (d *display) fits(author string, ts int64, perSecond int) bool {
	tokens := d.available(ts, perSecond)
	if last, lately := d.last[author]; lately && ts-last < memory && tokens < float64(perSecond)/2 {
		return false
	}
	return tokens >= 1
}

// take counts a message that is shown.
func (d *display) take(author string, ts int64, perSecond int) {
	d.tokens = max(d.available(ts, perSecond)-1, 0)
	d.ts = ts
	if len(d.last) >= 4*perSecond {
		for a, last := range d.last {
			if ts-last >= memory {
				delete(d.last, a)
			}
		}
	}
	d.last[author] = ts
}
