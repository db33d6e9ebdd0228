package chunk_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/lectern/lectern/media/rtmp/internal/chunk"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
)

// msg is a message as the library gets it.
type msg = rtmptest.Message

// session feeds bytes to a Sanitizer and keeps what comes of them.
type session struct {
	msgs    []msg
	replies []msg
	drops   map[chunk.DropReason]int
	err     error // of Read; io.EOF after all was read
	connect chunk.ConnectInfo
}

// strict reads what the library would and fails on anything but whole messages
// in single fmt-0 chunks.
func strict(tb testing.TB, b []byte) []msg {
	tb.Helper()
	var out []msg
	for len(b) > 0 {
		if len(b) < 12 || b[0] < 2 || b[0] > 63 {
			tb.Fatalf("library gets % x: not a fmt-0 chunk", b[:min(12, len(b))])
		}
		ts := uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		n := int(b[4])<<16 | int(b[5])<<8 | int(b[6])
		m := msg{Type: b[7], Stream: binary.LittleEndian.Uint32(b[8:])}
		b = b[12:]
		if ts == 0xffffff {
			ts, b = binary.BigEndian.Uint32(b), b[4:]
		}
		m.Timestamp = ts
		if n == 0 || n > len(b) {
			tb.Fatalf("library gets a chunk of %d bytes with %d left", n, len(b))
		}
		m.Body, b = b[:n:n], b[n:]
		out = append(out, m)
	}
	return out
}

// run reads input, which is what the peer sends after the handshake, as the
// publisher of message stream 1, or as a stranger.
func run(tb testing.TB, published bool, input []byte) session {
	tb.Helper()
	out := session{drops: map[chunk.DropReason]int{}}
	var replies bytes.Buffer
	hello := make([]byte, 3073)
	hello[0] = 3
	s := chunk.New(bufio.NewReader(io.MultiReader(bytes.NewReader(hello), bytes.NewReader(input))),
		chunk.DefaultLimits(), chunk.Hooks{
			Reply:   func(m []byte) error { replies.Write(m); return nil },
			Dropped: func(r chunk.DropReason) { out.drops[r]++ },
		})
	got := make([]byte, 3073)
	if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, hello) {
		tb.Fatalf("handshake: %v", err)
	}
	if published {
		s.Published(1)
	}
	var raw bytes.Buffer
	_, out.err = io.Copy(&raw, s)
	if out.err == nil {
		out.err = io.EOF
	}
	out.connect = s.Connect()
	out.msgs = strict(tb, raw.Bytes())
	if len(out.msgs) > 0 {
		if out.msgs[0].Type != 1 || !bytes.Equal(out.msgs[0].Body, []byte{0, 0xff, 0xff, 0xff}) {
			tb.Fatalf("first message is %+v, not Set Chunk Size", out.msgs[0])
		}
		out.msgs = out.msgs[1:]
	}
	r := rtmptest.NewReader(io.MultiReader(bytes.NewReader(chunk.SetChunkSize(64<<10)), &replies))
	if _, err := r.Next(); err != nil {
		tb.Fatal(err)
	}
	for {
		m, err := r.Next()
		if err != nil {
			break
		}
		out.replies = append(out.replies, m)
	}
	return out
}

func video(ts uint32, body ...byte) msg { return msg{Type: 9, Stream: 1, Timestamp: ts, Body: body} }

func command(name string, transaction int, args ...any) msg {
	return msg{Type: 20, Body: append(rtmptest.Encode(name, transaction), rtmptest.Encode(args...)...)}
}

// one is a fmt-0 chunk on chunk stream 6 with the default chunk size.
func one(m msg) []byte {
	return rtmptest.AppendMessage(nil, m, rtmptest.Format{CSID: 6, Size: 128})
}

func wantMessages(t *testing.T, got session, want ...msg) {
	t.Helper()
	if len(got.msgs) != len(want) {
		t.Fatalf("%d messages, want %d: %+v (err %v)", len(got.msgs), len(want), got.msgs, got.err)
	}
	for i, w := range want {
		g := got.msgs[i]
		if g.Type != w.Type || g.Timestamp != w.Timestamp || g.Stream != w.Stream || !bytes.Equal(g.Body, w.Body) {
			t.Errorf("message %d = type %d ts %d stream %d % x\n want type %d ts %d stream %d % x",
				i, g.Type, g.Timestamp, g.Stream, g.Body, w.Type, w.Timestamp, w.Stream, w.Body)
		}
	}
}

func wantErr(t *testing.T, got session, want error) {
	t.Helper()
	if !errors.Is(got.err, want) {
		t.Errorf("err = %v, want %v", got.err, want)
	}
}

func TestHandshake(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, io.EOF},
		{"wrong version", []byte{6, 0, 0}, chunk.ErrVersion},
		{"cut after C0", []byte{3}, io.ErrUnexpectedEOF},
		{"cut in C2", append([]byte{3}, make([]byte, 3000)...), io.ErrUnexpectedEOF},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := chunk.New(bufio.NewReader(bytes.NewReader(tc.in)), chunk.DefaultLimits(), chunk.Hooks{})
			_, err := io.ReadFull(s, make([]byte, 3073))
			if errors.Is(tc.want, io.ErrUnexpectedEOF) || errors.Is(tc.want, io.EOF) {
				// ReadFull makes its own of io.EOF; ask again for the sticky one.
				_, err = s.Read(make([]byte, 1))
			}
			if !errors.Is(err, tc.want) {
				t.Errorf("err = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestReadNeverCrossesMessages(t *testing.T) {
	in := append(make([]byte, 3073), one(video(1, 1, 2, 3))...)
	in = append(in, one(video(2, 4, 5))...)
	in[0] = 3
	s := chunk.New(bufio.NewReader(bytes.NewReader(in)), chunk.DefaultLimits(), chunk.Hooks{})
	if _, err := io.ReadFull(s, make([]byte, 3073)); err != nil {
		t.Fatal(err)
	}
	s.Published(1)
	p := make([]byte, 1<<20)
	for _, want := range []int{4, 3, 2} {
		n, err := s.Read(p[:5])
		for n < 12+want && err == nil {
			var m int
			m, err = s.Read(p[n:])
			n += m
		}
		if n != 12+want || s.BodyLen() != want || err != nil {
			t.Errorf("read %d bytes with body %d (err %v), want %d with %d", n, s.BodyLen(), err, 12+want, want)
		}
	}
}
