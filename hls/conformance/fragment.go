package conformance

import (
	"encoding/binary"
	"hash/fnv"
	"math"
)

// sample is one sample of a fragment.
type sample struct {
	duration, size uint32
	offset         int32
	sync           bool
}

// run is all samples of one track in a file.
type run struct {
	track     *track
	decode    uint64 // of the first sample
	next      uint64 // decode time after the last
	start     int64  // earliest presentation time
	end       int64  // of the sample that is presented last
	samples   []sample
	hash      uint64 // of the samples' bytes
	firstNAL  int    // type of the first slice's NAL unit, -1 if not known
	broken    int64  // the first jump of decode times within the file
	hasJump   bool
	noTime    bool // a traf without tfdt
	absolute  bool // data is not addressed from the moof
	keyAt     []uint64
	truncated bool // the samples are not all here
}

// duration is the time for which the samples are presented, in ticks. Decode times
// say less: those of a run's first pictures are squeezed together to make room for
// pictures that are decoded ahead of their time.
func (r *run) duration() int64 {
	if len(r.samples) == 0 {
		return 0
	}
	return r.end - r.start
}

// decoding is the sum of the samples' durations in ticks.
func (r *run) decoding() (d uint64) {
	for _, s := range r.samples {
		d += uint64(s.duration)
	}
	return d
}

// longest is the longest sample in ticks.
func (r *run) longest() (d int64) {
	for _, s := range r.samples {
		d = max(d, int64(s.duration))
	}
	return d
}

// parseFragments reads the movie fragments of a segment or part, for the tracks of
// in.
func parseFragments(b []byte, in *initSection) ([]*run, error) {
	var runs []*run
	err := eachBox(b, func(kind string, content []byte, at int) error {
		if kind != "moof" {
			return nil
		}
		return eachBox(content, func(kind string, content []byte, _ int) error {
			if kind != "traf" {
				return nil
			}
			return traf(b, content, at, in, &runs)
		})
	})
	return runs, err
}

// traf reads one track fragment of the moof at byte at of file.
func traf(file, b []byte, at int, in *initSection, runs *[]*run) error {
	var (
		r        *run
		defaults sampleDefaults
		fresh    bool
		hasTime  bool
		cursor   uint64
		data     = at
		absolute bool
		failed   error
	)
	err := eachBox(b, func(kind string, content []byte, _ int) error {
		x := &reader{b: content}
		switch kind {
		case "tfhd":
			_, flags := x.full()
			id := x.u32()
			r, fresh = runOf(id, in, runs)
			defaults = r.track.trex
			if flags&0x1 != 0 {
				absolute = true
				data = int(min(x.u64(), math.MaxInt32))
			} else if flags&0x20000 == 0 {
				absolute = true
			}
			if flags&0x2 != 0 {
				x.u32()
			}
			if flags&0x8 != 0 {
				defaults.duration = x.u32()
			}
			if flags&0x10 != 0 {
				defaults.size = x.u32()
			}
			if flags&0x20 != 0 {
				defaults.flags = x.u32()
			}
		case "tfdt":
			if r == nil {
				return errBox
			}
			v, _ := x.full()
			hasTime, cursor = true, x.word(v)
			if fresh {
				r.decode, r.next = cursor, cursor
			} else if cursor != r.next && !r.hasJump {
				r.hasJump, r.broken = true, int64(cursor-r.next)
			}
			r.next = cursor
		case "trun":
			if r == nil {
				return errBox
			}
			failed = r.trun(file, x, data, defaults)
			return failed
		}
		return nil
	})
	if r != nil {
		r.noTime = r.noTime || !hasTime
		r.absolute = r.absolute || absolute
	}
	return err
}

func runOf(id uint32, in *initSection, runs *[]*run) (r *run, fresh bool) {
	for _, r := range *runs {
		if r.track.id == id {
			return r, false
		}
	}
	t := &track{id: id}
	if in != nil {
		for _, known := range in.tracks {
			if known.id == id {
				t = known
			}
		}
	}
	r = &run{track: t, firstNAL: -1, start: math.MaxInt64, end: math.MinInt64, hash: 14695981039346656037}
	if len(*runs) < maxTracks {
		*runs = append(*runs, r)
	}
	return r, true
}

// trun reads a run of samples, whose data is addressed from base.
func (r *run) trun(file []byte, x *reader, base int, defaults sampleDefaults) error {
	v, flags := x.full()
	n := x.u32()
	if x.short || len(r.samples)+int(n) > maxSamples {
		return errBox
	}
	at := base
	if flags&0x1 != 0 {
		at += int(int32(x.u32()))
	}
	first, hasFirst := uint32(0), flags&0x4 != 0
	if hasFirst {
		first = x.u32()
	}
	for i := range n {
		s := sample{duration: defaults.duration, size: defaults.size}
		f := defaults.flags
		if flags&0x100 != 0 {
			s.duration = x.u32()
		}
		if flags&0x200 != 0 {
			s.size = x.u32()
		}
		if hasFirst && i == 0 {
			f = first
		}
		if flags&0x400 != 0 {
			f = x.u32()
		}
		if flags&0x800 != 0 {
			s.offset = int32(x.u32())
			if v == 0 {
				s.offset = int32(min(uint32(s.offset), math.MaxInt32))
			}
		}
		if x.short {
			return errBox
		}
		s.sync = f&0x10000 == 0
		r.add(file, at, s)
		at += int(s.size)
	}
	return nil
}

// add takes one sample whose bytes are at at.
func (r *run) add(file []byte, at int, s sample) {
	if s.sync {
		r.keyAt = append(r.keyAt, r.next)
	}
	shown := int64(r.next) + int64(s.offset) - r.track.mediaTime
	r.start, r.end = min(r.start, shown), max(r.end, shown+int64(s.duration))
	r.next += uint64(s.duration)
	if at < 0 || at+int(s.size) > len(file) {
		r.truncated = true
	} else {
		b := file[at : at+int(s.size)]
		h := fnv.New64a()
		_, _ = h.Write(b)
		r.hash = r.hash*1099511628211 ^ h.Sum64()
		if len(r.samples) == 0 && r.track.nalLength > 0 && !r.track.protected {
			r.firstNAL = firstSlice(b, r.track)
		}
	}
	r.samples = append(r.samples, s)
}

// firstSlice returns the type of the first NAL unit that is of a picture, or -1.
func firstSlice(b []byte, t *track) int {
	for len(b) > t.nalLength {
		size := 0
		for _, c := range b[:t.nalLength] {
			size = size<<8 | int(c)
		}
		b = b[t.nalLength:]
		if size == 0 || size > len(b) {
			return -1
		}
		switch t.entry {
		case "avc1", "avc3":
			if kind := int(b[0] & 31); kind >= 1 && kind <= 5 {
				return kind
			}
		default:
			if kind := int(b[0] >> 1 & 63); kind < 32 {
				return kind
			}
		}
		b = b[size:]
	}
	return -1
}

// independent reports whether a file's first picture can be decoded alone: an IDR
// picture of H.264, a random access point of HEVC, a sync sample of others.
func (r *run) independent() bool {
	switch {
	case len(r.samples) == 0:
		return true
	case r.firstNAL < 0:
		return r.samples[0].sync
	case r.track.entry == "avc1" || r.track.entry == "avc3":
		return r.firstNAL == 5
	default:
		return r.firstNAL >= 16 && r.firstNAL <= 23
	}
}

// isTransportStream reports whether a file is an MPEG-2 Transport Stream.
func isTransportStream(b []byte) bool {
	return len(b) >= packetSize && b[0] == 0x47 && (len(b) < 2*packetSize || b[packetSize] == 0x47)
}

// isFragmented reports whether a file begins with a box that segments begin with.
func isFragmented(b []byte) bool {
	if len(b) < 8 || binary.BigEndian.Uint32(b) < 8 {
		return false
	}
	switch string(b[4:8]) {
	case "styp", "moof", "sidx", "prft", "emsg", "ftyp", "free", "mdat", "moov", "uuid":
		return true
	}
	return false
}
