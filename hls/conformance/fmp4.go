package conformance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// Bounds on what a hostile file may make us remember.
const (
	maxDepth   = 8
	maxTracks  = 16
	maxSamples = 100_000
)

// errBox is returned for what is no sequence of boxes.
var errBox = errors.New("boxes that do not fit into each other")

// eachBox calls f for every box in b (ISO/IEC 14496-12 §4.2) with its content and
// where its header starts. A last mdat may be cut short, as in a byte range.
func eachBox(b []byte, f func(kind string, content []byte, at int) error) error {
	for at := 0; at < len(b); {
		rest := b[at:]
		if len(rest) < 8 {
			return errBox
		}
		size, header := uint64(binary.BigEndian.Uint32(rest)), 8
		switch size {
		case 0:
			size = uint64(len(rest))
		case 1:
			if len(rest) < 16 {
				return errBox
			}
			size, header = binary.BigEndian.Uint64(rest[8:]), 16
		}
		kind := string(rest[4:8])
		if size < uint64(header) || size > uint64(len(rest)) {
			return fmt.Errorf("%w: %q of %d bytes in %d", errBox, clip(kind), size, len(rest))
		}
		if err := f(kind, rest[header:size], at); err != nil {
			return err
		}
		at += int(size) //nolint:gosec // at most len(rest)
	}
	return nil
}

// reader takes numbers from a box. Past the end it reads zeros and says so.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.short, r.b = true, nil
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}
func (r *reader) u8() uint8   { return r.take(1)[0] }
func (r *reader) u16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

// word reads 64 bits in version 1 of a FullBox, else 32.
func (r *reader) word(version uint8) uint64 {
	if version == 1 {
		return r.u64()
	}
	return uint64(r.u32())
}

// full reads the version and flags of a FullBox.
func (r *reader) full() (version uint8, flags uint32) {
	v := r.u32()
	return uint8(v >> 24), v & 0xffffff
}

// initSection is what a Media Initialization Section says.
type initSection struct {
	uri      string
	brands   []string
	first    string // kind of the first box
	second   string
	extends  bool // mvex is there
	duration bool // mvhd or a tkhd states one
	external bool // a data reference points elsewhere
	samples  bool // it holds some
	tracks   []*track
	hash     uint64
}

// track is one track of an initSection.
type track struct {
	id            uint32
	handler       string
	timescale     uint32
	entry         string // four-character code of the sample entry
	codec         string // as CODECS has it, or entry
	width, height int    // as shown
	sizes         [][2]int
	profile       int
	level         int
	nalLength     int
	protected     bool
	mediaTime     int64 // where the edit list begins
	trex          sampleDefaults
}

// shows reports whether the pictures may be said to be of this size.
func (t *track) shows(w, h int) bool {
	return len(t.sizes) == 0 || slices.Contains(t.sizes, [2]int{w, h})
}

type sampleDefaults struct{ duration, size, flags uint32 }

// parseInit reads a Media Initialization Section.
func parseInit(b []byte) (*initSection, error) {
	in := &initSection{}
	h := fnv.New64a()
	_, _ = h.Write(b)
	in.hash = h.Sum64()
	n := 0
	err := eachBox(b, func(kind string, content []byte, _ int) error {
		switch n++; n {
		case 1:
			in.first = kind
		case 2:
			in.second = kind
		}
		switch kind {
		case "ftyp":
			for i := 0; i+4 <= len(content); i += 4 {
				if i != 4 { // minor version
					in.brands = append(in.brands, string(content[i:i+4]))
				}
			}
		case "moov":
			return in.walk(content, nil, 1)
		case "moof":
			in.samples = true
		case "mdat":
			in.samples = in.samples || len(content) > 0
		}
		return nil
	})
	return in, err
}

// walk reads the boxes of a moov.
func (in *initSection) walk(b []byte, t *track, depth int) error {
	if depth > maxDepth {
		return errBox
	}
	return eachBox(b, func(kind string, content []byte, _ int) error {
		r := &reader{b: content}
		switch kind {
		case "trak":
			if len(in.tracks) == maxTracks {
				return errBox
			}
			n := &track{}
			in.tracks = append(in.tracks, n)
			return in.walk(content, n, depth+1)
		case "mvex":
			in.extends = true
			return in.walk(content, t, depth+1)
		case "mdia", "minf", "dinf", "stbl", "edts":
			return in.walk(content, t, depth+1)
		case "mvhd":
			v, _ := r.full()
			r.word(v)
			r.word(v)
			r.u32()
			in.duration = in.duration || r.word(v) != 0
		case "trex":
			r.full()
			id := r.u32()
			r.u32()
			d := sampleDefaults{r.u32(), r.u32(), r.u32()}
			for _, n := range in.tracks {
				if n.id == id {
					n.trex = d
				}
			}
		}
		if t != nil {
			in.ofTrack(t, kind, r)
		}
		return nil
	})
}

// ofTrack reads a box that stands in a trak.
func (in *initSection) ofTrack(t *track, kind string, r *reader) {
	switch kind {
	case "tkhd":
		v, _ := r.full()
		r.word(v)
		r.word(v)
		t.id = r.u32()
		r.u32()
		in.duration = in.duration || r.word(v) != 0
		r.take(8 + 8 + 36)
		t.size(int(r.u32()>>16), int(r.u32()>>16))
	case "mdhd":
		v, _ := r.full()
		r.word(v)
		r.word(v)
		t.timescale = r.u32()
	case "hdlr":
		r.full()
		r.u32()
		t.handler = string(r.take(4))
	case "elst":
		v, _ := r.full()
		if r.u32() > 0 {
			r.word(v)
			if v == 1 {
				t.mediaTime = int64(r.u64())
			} else {
				t.mediaTime = int64(int32(r.u32()))
			}
			t.mediaTime = max(0, t.mediaTime) // an empty edit has -1
		}
	case "dref":
		r.full()
		for n := r.u32(); n > 0 && !r.short; n-- {
			size := r.u32()
			if kind := string(r.take(4)); kind != "url " && kind != "urn " || size < 12 {
				return
			}
			_, flags := r.full()
			in.external = in.external || flags&1 == 0
			r.take(int(size) - 12)
		}
	case "stsz":
		r.full()
		r.u32()
		in.samples = in.samples || r.u32() > 0
	case "stsd":
		r.full()
		r.u32()
		_ = eachBox(r.b, func(kind string, content []byte, _ int) error {
			if t.entry == "" {
				t.sampleEntry(kind, content)
			}
			return nil
		})
	}
}

func (t *track) size(w, h int) {
	if w > 0 && h > 0 {
		t.width, t.height = w, h
		t.sizes = append(t.sizes, [2]int{w, h})
	}
}

// sampleEntry reads the description of the samples.
func (t *track) sampleEntry(kind string, b []byte) {
	t.entry, t.codec = kind, kind
	skip := 28 // AudioSampleEntry
	switch {
	case kind == "encv" || kind == "enca":
		t.protected = true
		return
	case t.handler == "vide":
		skip = 78
	case t.handler != "soun":
		return
	}
	if len(b) < skip {
		return
	}
	_ = eachBox(b[skip:], func(kind string, content []byte, _ int) error {
		switch kind {
		case "avcC":
			t.avc(content)
		case "hvcC":
			t.hevc(content)
		case "esds":
			t.mpeg4(content)
		}
		return nil
	})
}

func (t *track) avc(b []byte) {
	if len(b) < 6 {
		return
	}
	t.profile, t.level, t.nalLength = int(b[1]), int(b[3]), int(b[4]&3)+1
	t.codec = fmt.Sprintf("%s.%02x%02x%02x", t.entry, b[1], b[2], b[3])
	r := &reader{b: b[5:]}
	for n := r.u8() & 31; n > 0 && !r.short; n-- {
		var sps h264.SPS
		if err := sps.Unmarshal(r.take(int(r.u16()))); err != nil {
			continue
		}
		t.size(sps.Width(), sps.Height())
	}
}

// hevc reads an HEVCDecoderConfigurationRecord and spells the codec as ISO/IEC
// 14496-15 Annex E does.
func (t *track) hevc(b []byte) {
	if len(b) < 23 {
		return
	}
	t.nalLength, t.level = int(b[21]&3)+1, int(b[12])
	space := [...]string{"", "A", "B", "C"}[b[1]>>6]
	tier := "L"
	if b[1]&0x20 != 0 {
		tier = "H"
	}
	flags, reversed := binary.BigEndian.Uint32(b[2:]), uint32(0)
	for i := range 32 {
		reversed |= flags >> i & 1 << (31 - i)
	}
	t.codec = fmt.Sprintf("%s.%s%d.%X.%s%d", t.entry, space, b[1]&31, reversed, tier, b[12])
	constraints := b[6:12]
	for len(constraints) > 0 && constraints[len(constraints)-1] == 0 {
		constraints = constraints[:len(constraints)-1]
	}
	for _, c := range constraints {
		t.codec += fmt.Sprintf(".%X", c)
	}
}

// mpeg4 reads the object type out of an ES_Descriptor (ISO/IEC 14496-1 §7.2.6).
func (t *track) mpeg4(b []byte) {
	r := &reader{b: b}
	r.full()
	for !r.short && len(r.b) > 0 {
		tag := r.u8()
		size := 0
		for range 4 {
			c := r.u8()
			if size = size<<7 | int(c&127); c&128 == 0 {
				break
			}
		}
		switch tag {
		case 3: // ES_Descriptor: its parts follow
			r.u16()
			flags := r.u8()
			if flags&0x80 != 0 {
				r.u16()
			}
			if flags&0x40 != 0 {
				r.take(int(r.u8()))
			}
			if flags&0x20 != 0 {
				r.u16()
			}
		case 4: // DecoderConfigDescriptor: likewise
			t.codec = fmt.Sprintf("mp4a.%02x", r.u8())
			r.take(12)
		case 5:
			config := &reader{b: r.take(min(size, len(r.b)))}
			first, second := config.u8(), config.u8()
			object := first >> 3
			if object == 31 {
				object = 32 + (first&7<<3 | second>>5)
			}
			if t.codec == "mp4a.40" {
				t.codec = fmt.Sprintf("mp4a.40.%d", object)
			}
			return
		default:
			r.take(min(size, len(r.b)))
		}
	}
}

// in returns a number of ticks as time.
func (t *track) in(ticks int64) time.Duration {
	if t.timescale == 0 {
		return 0
	}
	return time.Duration(math.Round(float64(ticks) / float64(t.timescale) * float64(time.Second)))
}
