package state

// display decides which messages of participants all others are shown, when more
// come than anybody can read: at most so many a second, and the fewer are left
// the more of them are for those who were not shown lately. It follows the times
// of the log.
type display struct {
	tokens float64
	ts     int64              // when tokens was right
	lately map[string][]int64 // when authors were shown, in the last memory and a bit
}

// memory is how long it counts that an author was shown.
const memory = 2_000 // milliseconds

func (d *display) available(ts int64, perSecond int) float64 {
	return min(float64(perSecond), d.tokens+float64(max(ts-d.ts, 0))*float64(perSecond)/1000)
}

// fits reports whether a message of that author is shown: each that was shown
// lately makes the next one wait for one more to be left.
func (d *display) fits(author string, ts int64, perSecond int) bool {
	n := 0
	for _, t := range d.lately[author] {
		if ts-t < memory {
			n++
		}
	}
	return d.available(ts, perSecond) >= min(float64(1+n), float64(perSecond))
}

// take counts a message that is shown.
func (d *display) take(author string, ts int64, perSecond int) {
	d.tokens = max(d.available(ts, perSecond)-1, 0)
	d.ts = ts
	if len(d.lately) >= 4*perSecond {
		for a, times := range d.lately {
			if ts-times[len(times)-1] >= memory {
				delete(d.lately, a)
			}
		}
	}
	times := d.lately[author]
	for len(times) > 0 && ts-times[0] >= memory {
		times = times[1:]
	}
	d.lately[author] = append(times, ts)
}
