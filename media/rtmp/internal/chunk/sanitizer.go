package chunk

import (
	"bufio"
	"encoding/binary"
)

const (
	handshakeSize = 1 + 1536 + 1536 // C0, C1, C2 (§5.2)

	// maxChunkSize is the largest chunk size: a message is not longer (§5.4.1).
	maxChunkSize = 0xffffff

	// defaultWindow is the acknowledgement window until the peer names one.
	defaultWindow = 2_500_000

	// minWindow is the smallest window that is believed. Smaller ones would
	// make the server answer almost every chunk.
	minWindow = 64 << 10

	readBuffer = 64 << 10
)

// Hooks is what a Sanitizer asks of its connection. The functions are called by
// the reading goroutine and must not call back.
type Hooks struct {
	// Reply writes one whole message to the peer.
	Reply func(msg []byte) error

	// Dropped counts a swallowed message.
	Dropped func(DropReason)
}

// Sanitizer is the reading half of one RTMP connection as the library sees it.
// It is used by one goroutine.
type Sanitizer struct {
	src   *bufio.Reader
	lim   Limits
	hooks Hooks

	handshake int // handshake bytes not passed on yet
	started   bool
	err       error // sticky

	published uint32 // message stream being published, 0 before
	connect   ConnectInfo

	streams   map[uint32]*stream
	chunkSize int
	partial   int // bytes held in incomplete messages
	repeats   repeats

	received int64 // bytes taken from the peer, handshake included
	acked    int64 // value of received in the last acknowledgement
	window   int64 // the peer's acknowledgement window

	out     []outgoing // messages for the library
	next    int        // index in out of the message being read
	bodyLen int        // its body bytes
}

// outgoing is one message on its way to the library.
type outgoing struct {
	header [16]byte
	head   []byte // rest of header
	body   []byte // rest of body
	size   int    // whole body
}

// New returns a Sanitizer that reads what the peer sends, from the first byte
// of the handshake on, from src.
func New(src *bufio.Reader, lim Limits, hooks Hooks) *Sanitizer {
	return &Sanitizer{
		src:       src,
		lim:       lim,
		hooks:     hooks,
		handshake: handshakeSize,
		streams:   make(map[uint32]*stream),
		chunkSize: 128, // §5.4.1
		window:    defaultWindow,
	}
}

// Published lifts the limits for strangers: media of message stream id is now
// handed on. Call it from the library's callback for publish, that is, on the
// reading goroutine.
func (s *Sanitizer) Published(id uint32) {
	s.published = id
	// Requests larger than the inner buffer pass straight through it.
	s.src = bufio.NewReaderSize(s.src, readBuffer)
}

// Connect returns what the peer said of itself in the connect command. It is
// valid from the library's callback for connect on.
func (s *Sanitizer) Connect() ConnectInfo { return s.connect }

// BodyLen returns the length of the message that the library is handling now,
// in bytes: Read never crosses from one message into the next.
func (s *Sanitizer) BodyLen() int { return s.bodyLen }

// Read implements io.Reader for the library. It returns io.EOF if the peer left
// between two chunks, io.ErrUnexpectedEOF within one, and an error of this
// package when the peer cannot be understood. Errors are final.
func (s *Sanitizer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if n := s.emit(p); n > 0 {
			return n, nil
		}
		if s.err != nil {
			return 0, s.err
		}
		if s.handshake > 0 {
			return s.readHandshake(p)
		}
		if !s.started {
			s.started = true
			var size [4]byte
			binary.BigEndian.PutUint32(size[:], maxChunkSize)
			s.push(csidControl, 0, typeSetChunkSize, 0, size[:])
			continue
		}
		if err := s.readChunk(); err != nil {
			s.err = err
		}
	}
}

func (s *Sanitizer) readHandshake(p []byte) (int, error) {
	n, err := s.src.Read(p[:min(len(p), s.handshake)])
	if n > 0 && s.handshake == handshakeSize && p[0] != 3 {
		s.err = ErrVersion
		return 0, s.err
	}
	s.handshake -= n
	s.received += int64(n)
	if err != nil && s.handshake < handshakeSize {
		err = midChunk(err)
	}
	s.err = err
	return n, err
}

// emit copies what fits into p of the next outgoing message that has bytes left.
func (s *Sanitizer) emit(p []byte) int {
	for ; s.next < len(s.out); s.next++ {
		o := &s.out[s.next]
		if len(o.head)+len(o.body) == 0 {
			continue
		}
		s.bodyLen = o.size
		n := copy(p, o.head)
		o.head = o.head[n:]
		m := copy(p[n:], o.body)
		o.body = o.body[m:]
		return n + m
	}
	s.out, s.next = s.out[:0], 0
	return 0
}

// Chunk streams towards the library, one a kind, whatever the peer uses.
const (
	csidControl byte = 2
	csidCommand byte = 3
	csidAudio   byte = 4
	csidVideo   byte = 6
	csidData    byte = 7
)

// push queues one message for the library as a single chunk with a full header.
// body must stay untouched until it was read.
func (s *Sanitizer) push(csid byte, ts uint32, typ byte, msid uint32, body []byte) {
	s.out = append(s.out, outgoing{body: body, size: len(body)})
	o := &s.out[len(s.out)-1]
	o.head = appendHeader(o.header[:0], csid, ts, typ, msid, len(body))
}

func (s *Sanitizer) drop(r DropReason) {
	if s.hooks.Dropped != nil {
		s.hooks.Dropped(r)
	}
}

func (s *Sanitizer) reply(msg []byte) error {
	if s.hooks.Reply == nil {
		return nil
	}
	return s.hooks.Reply(msg)
}

// took counts n bytes from the peer and acknowledges them when half a window
// has passed (§5.4.3). The library is kept from doing it: it sees other bytes.
func (s *Sanitizer) took(n int) error {
	s.received += int64(n)
	if s.published == 0 && s.received > s.lim.BeforeTotal {
		return ErrUnpublished
	}
	if s.received-s.acked < s.window/2 {
		return nil
	}
	s.acked = s.received
	return s.reply(Ack(uint32(s.received)))
}
