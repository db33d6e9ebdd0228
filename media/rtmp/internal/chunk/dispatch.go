package chunk

import (
	"bytes"
	"encoding/binary"
)

// message is one complete message of the peer. body belongs to its chunk stream
// and is valid until that stream's next chunk is read.
type message struct {
	typ       byte
	timestamp uint32 // ms, wraps
	msid      uint32 // message stream id
	body      []byte
}

// dispatch acts on protocol control itself and queues for the library what a
// publisher has to say.
func (s *Sanitizer) dispatch(m message) error {
	if len(m.body) == 0 {
		s.drop(DropEmpty)
		return nil
	}
	switch m.typ {
	case typeSetChunkSize:
		return s.setChunkSize(m.body)
	case typeAbort:
		if len(m.body) >= 4 {
			if st := s.streams[binary.BigEndian.Uint32(m.body)]; st != nil && st.open {
				s.abort(st)
			}
		}
		return nil
	case typeAck, typeBandwidth:
		return nil
	case typeUserControl:
		return s.userControl(m.body)
	case typeWindowAck:
		s.setWindow(m.body)
		return nil
	case typeAudio, typeVideo:
		s.media(m)
		return nil
	case typeAggregate:
		s.aggregate(m)
		return nil
	case typeDataAMF3, typeData:
		s.data(m)
		return nil
	case typeCommandAMF3, typeCommand:
		return s.command(m)
	default:
		s.drop(DropUnknownType)
		return nil
	}
}

func (s *Sanitizer) setChunkSize(body []byte) error {
	if len(body) < 4 {
		return ErrChunkSize
	}
	size := binary.BigEndian.Uint32(body)
	if size == 0 || size > 0x7fffffff {
		return ErrChunkSize
	}
	s.chunkSize = int(min(size, maxChunkSize))
	return nil
}

// userControl answers a ping (event 6, §7.1.7); a publisher has no other event
// to tell.
func (s *Sanitizer) userControl(body []byte) error {
	const pingRequest = 6
	if len(body) >= 6 && binary.BigEndian.Uint16(body) == pingRequest {
		return s.reply(pingResponse(binary.BigEndian.Uint32(body[2:])))
	}
	s.drop(DropUnknownType)
	return nil
}

func (s *Sanitizer) setWindow(body []byte) {
	if len(body) < 4 {
		s.drop(DropMalformed)
		return
	}
	size := int64(int32(binary.BigEndian.Uint32(body)))
	if size < minWindow {
		s.drop(DropWindow)
		return
	}
	s.window = size
}

func (s *Sanitizer) media(m message) {
	switch {
	case s.published == 0 || m.msid != s.published:
		s.drop(DropUnknownStream)
	case m.typ == typeAudio:
		s.push(csidAudio, m.timestamp, typeAudio, m.msid, m.body)
	default:
		s.push(csidVideo, m.timestamp, typeVideo, m.msid, m.body)
	}
}

// aggregate splits an aggregate message (§7.1.6): FLV tags in a row, whose
// timestamps count from the first one's.
func (s *Sanitizer) aggregate(m message) {
	const head, tail = 11, 4
	var base uint32
	for b, i := m.body, 0; len(b) > 0; i++ {
		if len(b) < head {
			s.drop(DropMalformed)
			return
		}
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		ts := uint32(b[7])<<24 | uint32(b[4])<<16 | uint32(b[5])<<8 | uint32(b[6])
		if i == 0 {
			base = ts
		}
		if len(b)-head < size {
			s.drop(DropMalformed)
			return
		}
		sub := message{typ: b[0], timestamp: m.timestamp + ts - base, msid: m.msid, body: b[head : head+size]}
		switch {
		case size == 0:
			s.drop(DropEmpty)
		case sub.typ == typeAudio && size > s.lim.Audio, sub.typ == typeData && size > s.lim.Command:
			s.drop(DropMalformed)
		case sub.typ == typeAudio || sub.typ == typeVideo:
			s.media(sub)
		case sub.typ == typeData:
			s.data(sub)
		default:
			s.drop(DropUnknownType)
		}
		b = b[head+size:]
		b = b[min(tail, len(b)):] // the back pointer; some senders omit the last
	}
}

// data hands on @setDataFrame of the publisher, checked. Other data messages
// (cue points, captions) have no reader here.
func (s *Sanitizer) data(m message) {
	body := amf0Body(m)
	switch {
	case s.published == 0 || m.msid != s.published:
		s.drop(DropUnknownStream)
	case !bytes.HasPrefix(body, []byte("\x02\x00\x0d@setDataFrame")):
		s.drop(DropUnknownType)
	case checkValues(body) != nil:
		s.drop(DropMalformed)
	default:
		s.push(csidData, m.timestamp, typeData, m.msid, body)
	}
}

// amf0Body returns the AMF0 part of a command or data body. In the AMF3 types
// (15 and 17) a zero byte says that AMF0 follows, as all known encoders do
// (§7.1.1); some leave the byte out.
func amf0Body(m message) []byte {
	if (m.typ == typeDataAMF3 || m.typ == typeCommandAMF3) && len(m.body) > 0 && m.body[0] == 0 {
		return m.body[1:]
	}
	return m.body
}
