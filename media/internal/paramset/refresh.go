package paramset

import "time"

// How long a publisher may take to send an IDR picture before its recovery points
// count: when none came yet, and when there was one.
const (
	refreshWait  = 2 * time.Second
	refreshLapse = 3 * time.Second
)

// Refresh decides which pictures of an H.264 stream are random access points.
// IDR pictures are. A stream of an encoder with intra refresh (x264:
// intra-refresh=1), or of a broadcast encoder, has none, or one at its start: if
// for 2 s none comes at the start, or for 3 s later on, the pictures with recovery
// points count as well from then on, for good. The zero value is ready; it has
// nothing to do for HEVC, whose IRAP pictures all count. A Refresh belongs to one
// goroutine.
type Refresh struct {
	on     bool
	begun  bool
	idr    bool          // one came
	last   time.Duration // time of the latest picture
	waited time.Duration // since the latest IDR picture, or the first picture
}

// On reports whether recovery points count: VideoFormat.IntraRefresh.
func (r *Refresh) On() bool { return r.on }

// Judge corrects p.RandomAccess for a picture of time at, on any clock that goes
// on.
func (r *Refresh) Judge(p *Picture, at time.Duration) {
	if r.begun {
		// A jump of the clock is no wait.
		r.waited += min(max(at-r.last, 0), time.Second)
	}
	r.begun, r.last = true, at
	if p.RandomAccess {
		r.idr, r.waited = true, 0
	}
	wait := refreshWait
	if r.idr {
		wait = refreshLapse
	}
	if p.Recovery && r.waited >= wait {
		r.on = true
	}
	p.RandomAccess = p.RandomAccess || r.on && p.Recovery
}
