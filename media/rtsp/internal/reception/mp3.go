package reception

import (
	"encoding/binary"
	"errors"

	"github.com/pion/rtp"

	"github.com/lectern/lectern/media/internal/paramset"
)

// errFragment is returned while a frame is not whole.
var errFragment = errors.New("frame continues in the next packet")

// mp3Packets reads MPEG audio of layer III from RTP (RFC 2250 §3.5). The library's
// reader takes MPEG-2 frames for twice their size.
type mp3Packets struct {
	part []byte // of a frame in several packets
	size int    // of that frame
}

func (m *mp3Packets) decode(pkt *rtp.Packet) ([][]byte, error) {
	const header = 4 // must be zero, offset of the fragment
	if len(pkt.Payload) <= header {
		return nil, errUnreadablePacket
	}
	offset, b := int(binary.BigEndian.Uint16(pkt.Payload[2:])), pkt.Payload[header:]
	if offset > 0 {
		return m.proceed(offset, b)
	}
	m.part = nil
	var frames [][]byte
	for len(b) > 0 {
		size, err := paramset.MP3Size(b)
		if err != nil {
			return nil, errUnreadablePacket
		}
		if size > len(b) {
			m.part, m.size = append(make([]byte, 0, size), b...), size
			break
		}
		frames = append(frames, b[:size:size])
		b = b[size:]
	}
	if len(frames) == 0 {
		return nil, errFragment
	}
	return frames, nil
}

// proceed takes a fragment other than the first.
func (m *mp3Packets) proceed(offset int, b []byte) ([][]byte, error) {
	if m.part == nil {
		return nil, errFragment // its beginning was lost, or came before we did
	}
	if offset != len(m.part) || offset+len(b) > m.size {
		m.part = nil
		return nil, errUnreadablePacket
	}
	if m.part = append(m.part, b...); len(m.part) < m.size {
		return nil, errFragment
	}
	frame := m.part
	m.part = nil
	return [][]byte{frame}, nil
}
