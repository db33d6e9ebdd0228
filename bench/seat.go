package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lectern/lectern/realtime"
)

// seat is one person in a room. It speaks WebSocket (RFC 6455) by itself, and looks
// at no more of what it gets than it needs, so that many take little of the machine
// that the server is on.
type seat struct {
	grant  string
	sample bool // measures delays

	conn net.Conn // of the last connect
	in   *bufio.Reader
	said int

	writing sync.Mutex // held while a frame is written

	connected, recovered atomic.Bool
	messages, refused    atomic.Int64 // chat messages that came; errors
	polls                atomic.Int64 // that were opened
	asked                atomic.Int64 // when it was told of the last one, in Unix nanoseconds
	spoke                atomic.Int64 // when it said the message that is not acknowledged, in Unix nanoseconds
	answers              chan string  // of commands but messages; nil if nobody waits for them
	tally                atomic.Pointer[string]

	// What it says when it comes back. Owned by read, and by connect while none runs.
	epoch string
	seq   string

	mu     sync.Mutex // guards the fields below
	delays []time.Duration
	acks   []time.Duration
	closed int // the code of the last close frame
}

// connect opens the socket and says hello.
func (s *seat) connect(ctx context.Context, addr, class string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	s.conn, s.in = conn, bufio.NewReaderSize(conn, 4<<10)
	s.recovered.Store(false)
	if _, err = fmt.Fprintf(conn, "GET /ws/%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", class, addr, realtime.Subprotocol); err != nil {
		return fmt.Errorf("ask for a socket: %w", err)
	}
	res, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return fmt.Errorf("ask for a socket: %w", err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("ask for a socket: %s", res.Status)
	}
	position := ""
	if s.epoch != "" {
		position = `,"epoch":"` + s.epoch + `","seq":` + s.seq
	}
	return s.write(1, `{"v":1,"type":"hello","id":"hello-00001","data":{"grant":"`+s.grant+`"`+position+`}}`)
}

// closedWith returns the code that the server closed the connection with, 0 if it has
// not said one.
func (s *seat) closedWith() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// hangUp ends the connection without a word.
func (s *seat) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

func (s *seat) there() bool { return s.connected.Load() }

// say writes a message that tells when it was written, with words behind that.
func (s *seat) say(words string) error {
	s.said++
	now := time.Now().UnixNano()
	s.spoke.Store(now)
	return s.command("chat.send", fmt.Sprintf("message-%05d", s.said), fmt.Sprintf(`{"text":"t%d%s"}`, now, words))
}

// command writes a command. The same id again is the same command.
func (s *seat) command(kind, id, data string) error {
	return s.write(1, `{"v":1,"type":"`+kind+`","id":"`+id+`","data":`+data+`}`)
}

// write writes one frame, with a mask that changes nothing (§5.3).
func (s *seat) write(opcode byte, text string) error {
	frame := []byte{0x80 | opcode, 0x80 | byte(min(len(text), 126))}
	if len(text) > 125 {
		frame = binary.BigEndian.AppendUint16(frame, uint16(len(text))) //nolint:gosec // a grant and some more
	}
	frame = append(frame, 0, 0, 0, 0)
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := s.conn.Write(append(frame, text...)); err != nil {
		return fmt.Errorf("say something: %w", err)
	}
	return nil
}

// read takes what comes until the connection ends.
func (s *seat) read() {
	defer s.connected.Store(false)
	if s.answers != nil {
		defer close(s.answers)
	}
	var payload []byte
	for {
		opcode, size, err := s.header()
		if err != nil {
			return
		}
		if cap(payload) < size {
			payload = make([]byte, size)
		}
		payload = payload[:size]
		if _, err = io.ReadFull(s.in, payload); err != nil {
			return
		}
		switch opcode {
		case 1:
			s.take(payload)
		case 8:
			if len(payload) >= 2 {
				s.mu.Lock()
				s.closed = int(binary.BigEndian.Uint16(payload))
				s.mu.Unlock()
			}
			return
		case 9:
			if s.write(10, string(payload)) != nil {
				return
			}
		}
	}
}

// header reads the beginning of a frame (§5.2).
func (s *seat) header() (opcode byte, size int, err error) {
	var b [8]byte
	if _, err = io.ReadFull(s.in, b[:2]); err != nil {
		return 0, 0, err
	}
	if b[0]&0xf0 != 0x80 {
		return 0, 0, errors.New("frame in parts, or compressed")
	}
	opcode, size = b[0]&0xf, int(b[1])
	switch size {
	case 126:
		_, err = io.ReadFull(s.in, b[:2])
		size = int(binary.BigEndian.Uint16(b[:]))
	case 127:
		_, err = io.ReadFull(s.in, b[:8])
		size = int(binary.BigEndian.Uint32(b[4:])) // never more than 4 GiB
	}
	return opcode, size, err
}

// take counts what a frame holds. Its events stand in lines.
func (s *seat) take(frame []byte) {
	now := time.Now().UnixNano()
	const message, text = `"type":"chat.message"`, `"text":"t`
	if n := bytes.Count(frame, []byte(message)); n > 0 {
		last := frame[bytes.LastIndex(frame, []byte(message)):]
		_, last, _ = bytes.Cut(last, []byte(`"seq":`))
		s.seq = digits(last)
		s.messages.Add(int64(n))
	}
	if s.sample {
		s.mu.Lock()
		for rest := frame; ; {
			_, after, found := bytes.Cut(rest, []byte(text))
			if !found {
				break
			}
			if at, err := strconv.ParseInt(digits(after), 10, 64); err == nil {
				s.delays = append(s.delays, time.Duration(now-at))
			}
			rest = after
		}
		s.mu.Unlock()
	}
	if bytes.Contains(frame, []byte(`"type":"error"`)) {
		s.refused.Add(1)
	}
	if bytes.Contains(frame, []byte(`"re":`)) {
		s.hear(frame, now)
	}
	if s.answers != nil {
		s.follow(frame, now)
	}
	if bytes.Contains(frame, []byte(`"type":"welcome"`)) {
		if _, after, found := bytes.Cut(frame, []byte(`"epoch":"`)); found {
			epoch, _, _ := bytes.Cut(after, []byte(`"`))
			s.epoch = string(epoch)
		}
		if s.seq == "" {
			s.seq = "0"
		}
		s.recovered.Store(bytes.Contains(frame, []byte(`"recovered":true`)))
		s.connected.Store(true)
	}
}

// hear takes the answers in a frame.
func (s *seat) hear(frame []byte, now int64) {
	for line := range bytes.Lines(frame) {
		switch {
		case bytes.Contains(line, []byte(`"re":"message-`)):
			if at := s.spoke.Swap(0); at != 0 {
				s.mu.Lock()
				s.acks = append(s.acks, time.Duration(now-at))
				s.mu.Unlock()
			}
		case s.answers != nil && bytes.Contains(line, []byte(`"re":`)):
			s.answers <- string(line) // one command waits at a time
		}
	}
}

// follow takes what a frame tells of polls.
func (s *seat) follow(frame []byte, now int64) {
	if n := bytes.Count(frame, []byte(`"type":"poll.opened"`)); n > 0 {
		s.asked.Store(now)
		s.polls.Add(int64(n))
	}
	if i := bytes.LastIndex(frame, []byte(`"type":"tally"`)); i >= 0 {
		line, _, _ := bytes.Cut(frame[i:], []byte("\n"))
		tally := string(line)
		s.tally.Store(&tally)
	}
}

// digits returns the number that b begins with.
func digits(b []byte) string {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return string(b[:n])
}

// takeDelays returns, since the last call, how long messages took to come, and to be
// acknowledged.
func (s *seat) takeDelays() (delays, acks []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delays, acks = s.delays, s.acks
	s.delays, s.acks = nil, nil
	return delays, acks
}
