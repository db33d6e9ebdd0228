package reception

import (
	"errors"

	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtph264"
	"github.com/pion/rtp"
)

// The library bounds the payload of an access unit at 8 MiB. That leaves
// fragments without payload, and packets that are all header and padding: both
// would be kept in memory without end.
const (
	maxUnitPackets = 16384
	maxUnitBytes   = 16 << 20
)

// depacketizer turns the RTP packets of one stream into access units and notices
// what is missing. It belongs to one goroutine.
type depacketizer struct {
	format format.Format
	decode func(*rtp.Packet) ([][]byte, error)

	started  bool
	sequence uint16 // of the last packet
	packets  int    // since the last access unit
	bytes    int    // of those packets, headers and padding included

	// buffered reports that the library holds whole H.264 NAL units of an access
	// unit with timestamp bufferedRaw. When a packet with another timestamp
	// comes, it returns that access unit: cameras exist that never set the
	// marker. The HEVC decoder goes by the marker alone.
	buffered    bool
	bufferedRaw uint32
}

// unit is a run of access units with the RTP timestamp of the first.
type unit struct {
	raw     uint32
	payload [][]byte // NAL units or OBUs of one picture, or frames of sound
}

func newDepacketizer(f format.Format) (*depacketizer, error) {
	d := &depacketizer{format: f}
	if err := d.reset(); err != nil {
		return nil, err
	}
	return d, nil
}

// reset forgets an unfinished access unit.
func (d *depacketizer) reset() error {
	d.packets, d.bytes, d.buffered = 0, 0, false
	var err error
	d.decode, err = newDecoder(d.format)
	return err
}

// push takes one packet. u.payload is nil until an access unit is whole; it
// aliases the packets. missing counts packets that never came, and err tells
// that what came could not be read: after either, what follows may refer to
// pictures that were lost.
func (d *depacketizer) push(pkt *rtp.Packet) (u unit, missing int, err error) {
	if d.started {
		// Package gortsplib has put UDP packets in order. A step back is a
		// sender that started over.
		if gap := pkt.SequenceNumber - d.sequence - 1; gap != 0 {
			missing = int(gap)
			if gap >= 1<<15 {
				missing = 1
			}
			if err = d.reset(); err != nil {
				return unit{}, missing, err
			}
		}
	}
	d.started, d.sequence = true, pkt.SequenceNumber

	d.packets++
	d.bytes += pkt.MarshalSize()
	if d.packets > maxUnitPackets || d.bytes > maxUnitBytes {
		return unit{}, missing, errors.Join(errTooManyPackets, d.reset())
	}
	payload, err := d.decode(pkt)
	if err != nil {
		if isMoreNeeded(err) {
			if d.holdsUnits(pkt, err) {
				d.buffered, d.bufferedRaw = true, pkt.Timestamp
			}
			return unit{}, missing, nil
		}
		// The library's text may quote the peer; it is not kept.
		return unit{}, missing, errors.Join(errUnreadablePacket, d.reset())
	}
	u = unit{raw: pkt.Timestamp, payload: payload}
	if d.buffered && pkt.Timestamp != d.bufferedRaw {
		u.raw = d.bufferedRaw
		d.bufferedRaw = pkt.Timestamp // pkt's own units are held now
	} else {
		d.buffered = false
	}
	d.packets, d.bytes = 0, 0
	return u, missing, nil
}

// holdsUnits reports whether pkt, for which decode returned err, completed an
// H.264 NAL unit that the library now holds. A fragment other than the last
// (RFC 6184 §5.8) completes none.
func (d *depacketizer) holdsUnits(pkt *rtp.Packet, err error) bool {
	const fuA, end = 28, 0x40
	p := pkt.Payload
	if _, ok := d.format.(*format.H264); !ok || !errors.Is(err, rtph264.ErrMorePacketsNeeded) {
		return false
	}
	return len(p) < 2 || p[0]&0x1f != fuA || p[1]&end != 0
}
