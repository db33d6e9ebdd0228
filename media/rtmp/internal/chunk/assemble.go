package chunk

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

const (
	extended = 0xffffff // the 24-bit value that announces an extended timestamp

	// maxFirstDelta is the longest step, in ms, that a fmt-3 chunk is believed
	// to repeat from the absolute timestamp of a fmt-0 chunk. See startMessage.
	maxFirstDelta = 10_000

	readStep = 64 << 10
)

// stream is what one chunk stream remembers of its last header (§5.3.1.2).
type stream struct {
	timestamp uint32 // of the current message
	field     uint32 // last timestamp field: absolute after fmt 0, else a delta
	absolute  bool   // field is absolute
	ext       bool   // field was sent as an extended timestamp
	length    int
	typ       byte
	msid      uint32

	open bool   // a message is under way
	buf  []byte // its body so far; kept between messages
}

// readChunk takes one chunk from the peer and, when it completes a message,
// dispatches the message.
func (s *Sanitizer) readChunk() error {
	first, err := s.src.ReadByte()
	if err != nil {
		return err // io.EOF between chunks is a plain end
	}
	taken := 1
	csid := uint32(first & 0x3f)
	if csid < 2 {
		rest, headerErr := s.header(int(csid) + 1)
		if headerErr != nil {
			return headerErr
		}
		csid = 64 + uint32(rest[0])
		if len(rest) == 2 {
			csid += uint32(rest[1]) << 8
		}
		taken += len(rest)
	}

	st, n, err := s.readMessageHeader(csid, first>>6)
	if err != nil {
		return err
	}
	taken += n

	size := min(s.chunkSize, st.length-len(st.buf))
	if s.partial+size > s.lim.partial(s.published != 0) {
		return ErrPartial
	}
	if err := s.readPayload(st, size); err != nil {
		return err
	}
	if err := s.took(taken + size); err != nil {
		return err
	}
	if len(st.buf) < st.length {
		return nil
	}
	s.partial -= len(st.buf)
	st.open = false
	return s.dispatch(message{typ: st.typ, timestamp: st.timestamp, msid: st.msid, body: st.buf})
}

// readMessageHeader reads the message header of a chunk (§5.3.1.2) and returns
// its chunk stream, ready for payload, and the bytes read.
func (s *Sanitizer) readMessageHeader(csid uint32, format byte) (*stream, int, error) {
	st := s.streams[csid]
	if st == nil {
		// librtmp opens chunk stream 2 with fmt 1; there is nothing to inherit
		// but zeros. fmt 2 and 3 would inherit a length.
		if format > 1 {
			return nil, 0, ErrNoHeader
		}
		if len(s.streams) >= s.lim.ChunkStreams {
			return nil, 0, ErrChunkStreams
		}
		st = &stream{}
		s.streams[csid] = st
	}
	if format == 3 {
		n, err := s.skipRepeatedTimestamp(st)
		if err != nil {
			return nil, 0, err
		}
		if st.open {
			return st, n, nil
		}
		return st, n, s.startMessage(st, format)
	}

	b, err := s.header([]int{11, 7, 3}[format])
	if err != nil {
		return nil, 0, err
	}
	n := len(b)
	field := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2])
	if n >= 7 {
		st.length = int(b[3])<<16 | int(b[4])<<8 | int(b[5])
		st.typ = b[6]
	}
	if n == 11 {
		st.msid = binary.LittleEndian.Uint32(b[7:])
	}
	st.ext = field == extended
	if st.ext {
		e, err := s.header(4)
		if err != nil {
			return nil, 0, err
		}
		field = binary.BigEndian.Uint32(e)
		n += 4
	}
	st.field, st.absolute = field, format == 0
	return st, n, s.startMessage(st, format)
}

// startMessage begins a message on st. A message that was under way is given
// up: a header in its middle means the peer started anew.
func (s *Sanitizer) startMessage(st *stream, format byte) error {
	if st.open {
		s.abort(st)
	}
	switch {
	case format == 0:
		st.timestamp = st.field
	case !st.absolute:
		st.timestamp += st.field // wraps at 2^32 ms
	case st.field <= maxFirstDelta:
		// §5.3.1.2.4: "If a Type 3 chunk follows a Type 0 chunk, then the
		// timestamp delta for this Type 3 chunk is the same as the timestamp
		// of the Type 0 chunk." FFmpeg relies on it. librtmp means "the same
		// time again", so a step no frame could last is not believed.
		st.timestamp += st.field
	}
	if limit := s.lim.message(st.typ, s.published != 0); st.length > limit {
		return &SizeError{TypeID: st.typ, Length: st.length, Limit: limit}
	}
	st.open, st.buf = true, st.buf[:0]
	return nil
}

func (s *Sanitizer) abort(st *stream) {
	s.partial -= len(st.buf)
	st.open, st.buf = false, st.buf[:0]
	s.drop(DropAborted)
}

// skipRepeatedTimestamp reads the extended timestamp of a fmt-3 chunk. §5.3.1.3
// wants it there whenever the last header had one; older senders leave it out.
// So it is taken only if it is what a sender would repeat: the last timestamp
// field, or the message's timestamp.
//
// Bytes are looked at one by one, so that the short last chunk of a sender who
// leaves it out is not waited for beyond its end. If all of such a chunk's bytes
// could be a timestamp's, what the sender did before decides.
func (s *Sanitizer) skipRepeatedTimestamp(st *stream) (int, error) {
	if !st.ext {
		return 0, nil
	}
	payload := st.length // of this chunk, if it carries no timestamp
	if st.open {
		payload -= len(st.buf)
	}
	payload = min(payload, s.chunkSize)
	var field, stamp [4]byte
	binary.BigEndian.PutUint32(field[:], st.field)
	binary.BigEndian.PutUint32(stamp[:], st.timestamp)
	for i := 1; i <= 4; i++ {
		if i > payload && s.repeats == repeatsNot {
			return 0, nil
		}
		b, err := s.src.Peek(i)
		if err != nil {
			if i > payload {
				return 0, nil // the chunk is all there, and nothing follows it
			}
			return 0, midChunk(err)
		}
		if !slices.Equal(b, field[:i]) && !slices.Equal(b, stamp[:i]) {
			s.repeats = repeatsNot
			return 0, nil
		}
	}
	s.repeats = repeatsYes
	_, err := s.src.Discard(4)
	return 4, err
}

// repeats is what is known of a sender's extended timestamps on fmt-3 chunks.
type repeats uint8

const (
	repeatsUnknown repeats = iota
	repeatsYes
	repeatsNot
)

// header reads n bytes, valid until the next read.
func (s *Sanitizer) header(n int) ([]byte, error) {
	b, err := s.src.Peek(n)
	if err != nil {
		return nil, midChunk(err)
	}
	_, err = s.src.Discard(n)
	return b, err
}

// readPayload appends n bytes to the message. Memory grows with what arrives,
// not with what a header claims.
func (s *Sanitizer) readPayload(st *stream, n int) error {
	for n > 0 {
		step := min(n, readStep)
		at := len(st.buf)
		st.buf = slices.Grow(st.buf, step)[:at+step]
		m, err := io.ReadFull(s.src, st.buf[at:])
		st.buf = st.buf[:at+m]
		s.partial += m
		if err != nil {
			return midChunk(err)
		}
		n -= step
	}
	return nil
}

func midChunk(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
