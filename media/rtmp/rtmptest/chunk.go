package rtmptest

import (
	"encoding/binary"
	"errors"
	"io"
)

// Message is one RTMP message.
type Message struct {
	Timestamp uint32 // ms
	Type      byte   // message type id
	Stream    uint32 // message stream id
	Body      []byte
}

// Format says how to write the chunks of a message.
type Format struct {
	// CSID is the chunk stream, 2 to 65599.
	CSID uint32

	// Type is the fmt of the first chunk, 0 to 3. With 1 and 2 the message's
	// Timestamp is written as it is: it is the delta then.
	Type byte

	// Size is the chunk size, 0 for one chunk.
	Size int

	// Repeat writes the extended timestamp again on the chunks of fmt 3, as
	// §5.3.1.3 demands and old senders do not.
	Repeat bool
}

// AppendMessage appends the chunks of m. Set Chunk Size is the caller's to send.
func AppendMessage(b []byte, m Message, f Format) []byte {
	short, ext := m.Timestamp, false
	if short >= 0xffffff {
		short, ext = 0xffffff, true
	}
	b = appendBasic(b, f.Type, f.CSID)
	header := []byte{
		byte(short >> 16), byte(short >> 8), byte(short),
		byte(len(m.Body) >> 16), byte(len(m.Body) >> 8), byte(len(m.Body)), m.Type,
	}
	header = binary.LittleEndian.AppendUint32(header, m.Stream)
	b = append(b, header[:[]int{11, 7, 3, 0}[f.Type]]...)
	if ext && (f.Type != 3 || f.Repeat) {
		b = binary.BigEndian.AppendUint32(b, m.Timestamp)
	}
	size := f.Size
	if size == 0 {
		size = max(1, len(m.Body))
	}
	for body := m.Body; ; {
		n := min(size, len(body))
		b, body = append(b, body[:n]...), body[n:]
		if len(body) == 0 {
			return b
		}
		b = appendBasic(b, 3, f.CSID)
		if ext && f.Repeat {
			b = binary.BigEndian.AppendUint32(b, m.Timestamp)
		}
	}
}

func appendBasic(b []byte, format byte, csid uint32) []byte {
	switch {
	case csid < 64:
		return append(b, format<<6|byte(csid))
	case csid < 320:
		return append(b, format<<6, byte(csid-64))
	default:
		return append(b, format<<6|1, byte(csid-64), byte((csid-64)>>8))
	}
}

// Reader reads messages from a chunk stream that keeps to the specification,
// such as the server's.
type Reader struct {
	r    io.Reader
	size int
	prev map[byte]*Message
	left map[byte]int // bytes missing of the message under way
}

// NewReader returns a Reader of r, which is past the handshake.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: r, size: 128, prev: map[byte]*Message{}, left: map[byte]int{}}
}

var errChunk = errors.New("chunk stream not understood")

// Next returns the next message. It obeys Set Chunk Size itself and returns it.
func (r *Reader) Next() (Message, error) {
	for {
		var first [1]byte
		if _, err := io.ReadFull(r.r, first[:]); err != nil {
			return Message{}, err
		}
		csid, format := first[0]&0x3f, first[0]>>6
		m := r.prev[csid]
		if csid < 2 || m == nil && format != 0 {
			return Message{}, errChunk
		}
		if m == nil {
			m = &Message{}
			r.prev[csid] = m
		}
		var h [11]byte
		head := h[:[]int{11, 7, 3, 0}[format]]
		if _, err := io.ReadFull(r.r, head); err != nil {
			return Message{}, err
		}
		length := len(m.Body)
		if format < 2 {
			length, m.Type = int(h[3])<<16|int(h[4])<<8|int(h[5]), h[6]
		}
		if format == 0 {
			m.Stream = binary.LittleEndian.Uint32(h[7:])
		}
		if format < 3 || r.left[csid] == 0 {
			m.Body, r.left[csid] = make([]byte, length), length
		}
		ts := uint32(h[0])<<16 | uint32(h[1])<<8 | uint32(h[2])
		if format < 3 && ts == 0xffffff {
			var e [4]byte
			if _, err := io.ReadFull(r.r, e[:]); err != nil {
				return Message{}, err
			}
			ts = binary.BigEndian.Uint32(e[:])
		}
		switch format {
		case 0:
			m.Timestamp = ts
		case 1, 2:
			m.Timestamp += ts
		}
		n := min(r.size, r.left[csid])
		at := len(m.Body) - r.left[csid]
		if _, err := io.ReadFull(r.r, m.Body[at:at+n]); err != nil {
			return Message{}, err
		}
		if r.left[csid] -= n; r.left[csid] > 0 {
			continue
		}
		if m.Type == 1 && len(m.Body) == 4 {
			r.size = int(binary.BigEndian.Uint32(m.Body))
		}
		return *m, nil
	}
}
