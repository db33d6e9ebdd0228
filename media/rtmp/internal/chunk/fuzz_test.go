package chunk_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/lectern/lectern/media/rtmp/internal/chunk"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
)

// FuzzSanitizer feeds what a peer sends from C0 on. Whatever it is, the library
// gets nothing but whole messages of the kinds it handles, commands it can
// decode, and less than came in.
func FuzzSanitizer(f *testing.F) {
	files, err := filepath.Glob("testdata/captures/*.rtmp")
	if err != nil || len(files) < 3 {
		f.Fatalf("%d captures, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[3073:], true)
		f.Add(b[3073:], false)
		f.Add(b[3073:min(len(b), 12_000)], true) // short ones mutate faster
	}
	f.Add(one(connectWith("x", []byte{0x0a, 0x7f, 0xff, 0xff, 0xff})), false)
	f.Add(one(connectWith("x", bytes.Repeat([]byte{3, 0, 1, 'a'}, 20))), false)
	f.Add(rtmptest.AppendMessage(nil, msg{Type: 9, Stream: 1, Timestamp: 0xffffffff, Body: make([]byte, 300)},
		rtmptest.Format{CSID: 400, Size: 128, Repeat: true}), true)
	f.Add(one(msg{Type: 22, Stream: 1, Body: []byte{9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 12}}), true)

	f.Fuzz(func(t *testing.T, in []byte, published bool) {
		hello := make([]byte, 3073)
		hello[0] = 3
		replied := 0
		s := chunk.New(bufio.NewReader(io.MultiReader(bytes.NewReader(hello), bytes.NewReader(in))), chunk.DefaultLimits(),
			chunk.Hooks{Reply: func(m []byte) error { replied += len(m); return nil }})
		if _, err := io.ReadFull(s, hello); err != nil {
			t.Fatal(err)
		}
		if published {
			s.Published(1)
		}
		raw, err := io.ReadAll(s)
		if _, again := s.Read(make([]byte, 1)); again == nil || err != nil && !errors.Is(again, err) {
			t.Fatalf("errors are not final: %v, then %v", err, again)
		}
		// A chunk of one byte may hold a command of 12; the connect object only
		// shrinks, other commands grow by a null and a type at most.
		if len(raw) > 16+64*len(in)+64 || replied > 1024+200*len(in) {
			t.Fatalf("%d bytes in, %d out, %d replied", len(in), len(raw), replied)
		}
		for i, m := range strict(t, raw) {
			switch {
			case i == 0 && m.Type == 1:
			case m.Type == 8 || m.Type == 9 || m.Type == 18:
				if !published || m.Stream != 1 {
					t.Fatalf("media of stream %d (published %t)", m.Stream, published)
				}
			case m.Type == 20:
				checkCommand(t, m.Body)
			default:
				t.Fatalf("library gets type %d", m.Type)
			}
		}
	})
}

func checkCommand(t *testing.T, body []byte) {
	t.Helper()
	args, err := rtmptest.Decode(body)
	if err != nil || len(args) < 3 {
		t.Fatalf("library gets % x: %v, %v", body, args, err)
	}
	name, _ := args[0].(string)
	known := []string{
		"connect", "createStream", "deleteStream", "closeStream", "releaseStream",
		"FCPublish", "FCUnpublish", "publish", "play",
	}
	if !slices.Contains(known, name) {
		t.Fatalf("library gets command %q", name)
	}
	if o, ok := args[2].(rtmptest.Object); ok != (name == "connect") || len(o) > 9 {
		t.Fatalf("library gets %v", args)
	}
}

// FuzzRechunk cuts one message in every way a sender may and expects it whole.
func FuzzRechunk(f *testing.F) {
	f.Add([]byte("hello, world"), uint32(0), uint16(3), uint16(5), true)
	f.Add(make([]byte, 1000), uint32(0xffffff), uint16(128), uint16(300), true)
	f.Add(make([]byte, 1000), uint32(0xffffffff), uint16(999), uint16(64), false)
	f.Fuzz(func(t *testing.T, body []byte, ts uint32, size, csid uint16, repeat bool) {
		if len(body) == 0 || len(body) > 64<<10 || size == 0 || csid < 3 {
			return
		}
		format := rtmptest.Format{CSID: uint32(csid), Size: int(size), Repeat: repeat}
		m := msg{Type: 9, Stream: 1, Timestamp: ts, Body: body}
		in := rtmptest.AppendMessage(nil, msg{Type: 1, Body: []byte{0, 0, byte(size >> 8), byte(size)}}, rtmptest.Format{CSID: 2})
		in = rtmptest.AppendMessage(in, m, format)
		if !repeat && ts >= 0xffffff && bytes.Contains(body, []byte{byte(ts >> 24), byte(ts >> 16), byte(ts >> 8), byte(ts)}) {
			return // indistinguishable from a repeated timestamp
		}
		got := run(t, true, in)
		wantMessages(t, got, m)
	})
}
