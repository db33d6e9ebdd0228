package conformance

import "encoding/binary"

const (
	packetSize = 188
	maxPIDs    = 64
)

// transport is what is remembered of a transport stream from one segment to the
// next.
type transport struct {
	counters map[uint16]uint8
}

// tsFaults is what one segment of a transport stream shows.
type tsFaults struct {
	pat, pmt bool
	audio    int
	counter  string // where a continuity counter broke
	badSync  int
	streams  map[uint16]uint8 // stream type by PID
}

// segment reads one segment (ISO/IEC 13818-1 §2.4.3). fresh says that nothing before
// it is continued.
func (t *transport) segment(b []byte, fresh bool) tsFaults {
	if fresh || t.counters == nil {
		t.counters = map[uint16]uint8{}
	}
	f := tsFaults{streams: map[uint16]uint8{}}
	var pmt uint16
	for ; len(b) >= packetSize; b = b[packetSize:] {
		p := b[:packetSize]
		if p[0] != 0x47 {
			f.badSync++
			continue
		}
		pid := binary.BigEndian.Uint16(p[1:]) & 0x1fff
		start, control, counter := p[1]&0x40 != 0, p[3]>>4&3, p[3]&15
		at, announced := 4, false
		if control&2 != 0 {
			if announced = p[4] > 0 && p[5]&0x80 != 0; int(p[4])+5 > packetSize {
				continue
			}
			at += 1 + int(p[4])
		}
		if pid == 0x1fff || control&1 == 0 {
			continue // null packets, and those without payload, do not count
		}
		if last, ok := t.counters[pid]; ok && !announced && counter != (last+1)&15 && counter != last && f.counter == "" {
			f.counter = counterText(pid, last, counter)
		}
		if len(t.counters) < maxPIDs || pid == 0 {
			t.counters[pid] = counter
		}
		if !start || at >= packetSize {
			continue
		}
		switch section := sectionOf(p[at:]); {
		case pid == 0 && len(section) >= 12:
			f.pat = true
			pmt = binary.BigEndian.Uint16(section[10:]) & 0x1fff
		case pid == pmt && pmt != 0 && len(section) >= 12:
			f.pmt = true
			f.program(section)
		}
	}
	if len(b) > 0 {
		f.badSync++
	}
	return f
}

// sectionOf skips the pointer field.
func sectionOf(p []byte) []byte {
	if int(p[0])+1 >= len(p) {
		return nil
	}
	return p[1+int(p[0]):]
}

// program reads a program map (ISO/IEC 13818-1 §2.4.4.8).
func (f *tsFaults) program(s []byte) {
	end := min(len(s), 3+int(binary.BigEndian.Uint16(s[1:])&0xfff)-4) // without the CRC
	at := 12 + int(binary.BigEndian.Uint16(s[10:])&0xfff)
	f.audio = 0
	for at+5 <= end {
		kind := s[at]
		f.streams[binary.BigEndian.Uint16(s[at+1:])&0x1fff] = kind
		switch kind {
		case 0x03, 0x04, 0x0f, 0x11, 0x81, 0x87, 0xc1, 0xc2, 0xcf:
			f.audio++
		}
		at += 5 + int(binary.BigEndian.Uint16(s[at+3:])&0xfff)
	}
}

func counterText(pid uint16, last, now uint8) string {
	const hex = "0123456789abcdef"
	return "counter " + string(hex[now]) + " after " + string(hex[last]) + " on PID 0x" +
		string([]byte{hex[pid>>12&15], hex[pid>>8&15], hex[pid>>4&15], hex[pid&15]})
}
