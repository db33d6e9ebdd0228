package hls

import (
	"time"

	"github.com/lectern/lectern/media"
)

// quietFrame returns one access unit of silence in the format of t, nil where none is
// known. It needs no state of a decoder and leaves none behind.
func quietFrame(t media.Track) [][]byte {
	a := t.Audio
	if t.Codec != media.CodecAAC || a.ObjectType != 2 || a.FrameSamples != 1024 {
		return nil
	}
	// raw_data_block (ISO/IEC 14496-3 §4.4.2.1): one element with an empty spectrum,
	// and the end.
	switch a.Channels {
	case 1:
		return [][]byte{{0x01, 0x18, 0x20, 0x07}}
	case 2:
		return [][]byte{{0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c}}
	default:
		return nil
	}
}

// quietTicks is how long a frame of silence lasts.
func (r *rendition) quietTicks() int64 { return int64(r.track.Audio.FrameSamples) }

// fillTo puts silence into the open segment where its sound has ended, up to half a frame
// from until. Players stall in a hole, and the sum of EXTINF has to be that of the
// media (Apple 8.1).
func (r *rendition) fillTo(until time.Duration) error {
	if r.quiet == nil || r.held != nil || !r.hasSamples || r.cursor < 0 {
		return nil
	}
	for end := r.track.Timescale.Ticks(until); r.cursor+r.quietTicks()/2 <= end; {
		if err := r.addQuiet(r.quietTicks()); err != nil {
			return err
		}
	}
	return nil
}

// fillBefore puts silence into the open segment, which is that of sp, up to the next
// access unit, decoded at dts, if it comes too late to continue what there is.
func (r *rendition) fillBefore(sp *span, dts int64) error {
	if r.quiet == nil || r.held != nil {
		return nil
	}
	ts := r.track.Timescale
	from, least := r.cursor, ts.Ticks(slack)
	if r.track.Encoded {
		least = r.quietTicks() - 1 // its timestamps do not tremble
	}
	if start := ts.Ticks(sp.start); !r.hasSamples && (from < 0 || from < start-least) {
		from, least = start+(dts-start)%r.quietTicks(), 0
	}
	if dts-from <= least {
		return nil
	}
	if !r.hasSamples {
		r.hasSamples, r.started, r.firstPTS, r.cursor = true, true, ts.Duration(from), from
	}
	for r.cursor < dts {
		length := r.quietTicks()
		if dts-r.cursor < 2*length {
			length = dts - r.cursor
		}
		if err := r.addQuiet(length); err != nil {
			return err
		}
	}
	return nil
}

func (r *rendition) addQuiet(ticks int64) error {
	r.store = sample{pts: r.track.Timescale.Duration(r.cursor), decode: r.cursor, randomAccess: true, payload: r.quiet}
	r.held = &r.store
	if err := r.add(ticks); err != nil {
		return err
	}
	return r.closeFullPart()
}

// rest publishes what can be while nothing comes: the rendition has no access unit
// before until.
func (r *rendition) rest(until time.Duration) error {
	if msn := r.list.open.msn; r.pack.spans.closed(msn) {
		until = min(until, r.pack.spans.get(msn).end)
	}
	if err := r.settleLast(until); err != nil {
		return err
	}
	if r.quiet == nil {
		return r.closePart(false)
	}
	return r.fillTo(until)
}

// settleLast puts the held sample into the part: nothing comes before end, and a picture
// stands until then, as far as PART-TARGET lets it.
func (r *rendition) settleLast(end time.Duration) error {
	if r.held == nil {
		return nil
	}
	ts := r.track.Timescale
	ticks := max(ts.Ticks(r.frame), 1)
	if r.quiet == nil {
		longer := max(ticks, min(ts.Ticks(end-r.held.pts), r.room()))
		ticks, r.stands = longer, ts.Duration(longer-ticks)
	}
	return r.add(ticks)
}

// room is how many ticks the held sample may last at most.
func (r *rendition) room() int64 {
	ts, target := r.track.Timescale, r.pack.cfg.PartDuration
	room := ts.Ticks(target)
	if ts.Duration(room) > target {
		room--
	}
	if len(r.part) > 0 && !r.partIsFull() {
		room -= r.partTicks
	}
	return room
}

// end is where the open segment's media end, as things are; reach how far they can be
// made to go on.
func (r *rendition) end() time.Duration {
	if r.held != nil {
		return max(r.mediaEnd, r.held.pts+r.frame)
	}
	return r.mediaEnd
}

func (r *rendition) reach() time.Duration {
	switch {
	case r.quiet != nil:
		return r.end() + r.pack.cfg.longest()
	case r.held != nil:
		return max(r.end(), r.held.pts+r.track.Timescale.Duration(r.room()))
	default:
		return r.mediaEnd
	}
}

// forget takes back the sound before start, of which nothing is published.
func (r *rendition) forget(start time.Duration) {
	if r.kind != media.KindAudio || !r.hasSamples {
		return
	}
	ts := r.track.Timescale
	for len(r.part) > 0 && ts.Duration(r.partStart+int64(r.part[0].Duration)) <= start {
		d := int64(r.part[0].Duration)
		r.partStart, r.partTicks, r.part = r.partStart+d, r.partTicks-d, r.part[1:]
	}
	switch {
	case len(r.part) > 0:
		r.firstPTS = ts.Duration(r.partStart)
	case r.held != nil:
		r.firstPTS = r.held.pts
	default:
		r.hasSamples = false
	}
}
