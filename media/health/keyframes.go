package health

import "time"

// keyframeSlack is how much a keyframe may be late: rounding and a lost picture.
const keyframeSlack = 100 * time.Millisecond

// keyframes measures the distance of keyframes of one run.
type keyframes struct {
	seen      bool
	last      time.Duration // presentation time
	latest    time.Duration // presentation time of the newest picture
	intervals [8]time.Duration
	n         int
}

// observeKeyframe takes a picture into account.
func (m *Monitor) observeKeyframe(keyframe bool, pts time.Duration) {
	k := &m.keyframes
	k.latest = max(k.latest, pts)
	if !keyframe {
		return
	}
	if k.seen && pts > k.last {
		k.intervals[k.n%len(k.intervals)] = pts - k.last
		k.n++
	}
	k.seen, k.last = true, pts
}

// judgeKeyframes is called once a second of media time.
func (m *Monitor) judgeKeyframes(at time.Duration) {
	k := &m.keyframes
	if !k.seen {
		return
	}
	limit := m.cfg.KeyframeInterval + keyframeSlack
	value := k.latest - k.last // so far
	if k.n > 0 {
		value = max(value, k.intervals[(k.n-1)%len(k.intervals)])
	}
	far := value > limit
	m.judge(KeyframesFarApart, at, far, value.Seconds(), 0)

	least, longest := k.intervals[0], k.intervals[0]
	for _, d := range k.intervals {
		least, longest = min(least, d), max(longest, d)
	}
	full := 0 // intervals about as long as the longest; scene cuts make a few shorter
	for _, d := range k.intervals {
		if d >= longest*4/5 {
			full++
		}
	}
	uneven := k.n >= len(k.intervals) && !far && longest >= time.Second &&
		longest-least > 500*time.Millisecond && full < len(k.intervals)/2
	m.judge(KeyframesIrregular, at, uneven, longest.Seconds(), least.Seconds())
}
