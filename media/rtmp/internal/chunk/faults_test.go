package chunk_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"testing"

	"github.com/lectern/lectern/media/rtmp/internal/chunk"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
)

// The faults of the library that a peer can reach, one test a fault, numbered
// F1 to F20 as in the project's list. Faults of the listener, the deadlines and
// the callbacks are tested in package rtmp.

// connectWith is a connect whose object holds one more field of raw AMF0.
func connectWith(key string, raw []byte) msg {
	return command("connect", 1, rtmptest.Object{"app": "live", key: raw})
}

func fields(t *testing.T, s session) rtmptest.Object {
	t.Helper()
	if len(s.msgs) != 1 {
		t.Fatalf("%d messages, want connect alone (err %v)", len(s.msgs), s.err)
	}
	args, err := rtmptest.Decode(s.msgs[0].Body)
	if err != nil || len(args) != 3 || args[0] != "connect" {
		t.Fatalf("library gets %v, %v", args, err)
	}
	return args[2].(rtmptest.Object)
}

func TestF1ArrayBomb(t *testing.T) {
	bomb := binary.BigEndian.AppendUint32([]byte{0x0a}, math.MaxInt32)
	got := run(t, false, one(connectWith("x", bomb)))
	wantErr(t, got, chunk.ErrAMF)
	wantMessages(t, got)

	// The same as ECMA array, and as an array whose count just fits the bytes.
	wantErr(t, run(t, false, one(connectWith("x", binary.BigEndian.AppendUint32([]byte{0x08}, math.MaxUint32)))), chunk.ErrAMF)
	many := append(binary.BigEndian.AppendUint32([]byte{0x0a}, 2500), bytes.Repeat([]byte{5}, 2500)...)
	wantErr(t, run(t, false, one(connectWith("x", many))), chunk.ErrAMF)
	few := append(binary.BigEndian.AppendUint32([]byte{0x0a}, 3), 5, 5, 5)
	if o := fields(t, run(t, false, one(connectWith("x", few)))); len(o) != 1 || o["app"] != "live" {
		t.Errorf("library gets %v", o)
	}
}

func TestF2NestedObjects(t *testing.T) {
	nested := bytes.Repeat([]byte{0x03, 0, 1, 'a'}, 10_000) // 40 kB of {a:{a:{…
	wantErr(t, run(t, false, one(connectWith("x", nested))), chunk.ErrAMF)
	arrays := bytes.Repeat([]byte{0x0a, 0, 0, 0, 1}, 10_000)
	wantErr(t, run(t, false, one(connectWith("x", arrays))), chunk.ErrAMF)

	// 16 MiB are not even read.
	head := rtmptest.AppendMessage(nil, msg{Type: 20, Body: make([]byte, 1<<24-1)}, rtmptest.Format{CSID: 6})[:4096]
	got := run(t, false, head)
	var tooLong *chunk.SizeError
	if !errors.As(got.err, &tooLong) || tooLong.Length != 1<<24-1 {
		t.Errorf("err = %v, want a SizeError", got.err)
	}

	// A publisher that nests its metadata keeps publishing.
	meta := append(rtmptest.Encode("@setDataFrame", "onMetaData"), nested...)
	got = run(t, true, append(one(msg{Type: 18, Stream: 1, Body: meta}), one(video(5, 1))...))
	wantMessages(t, got, video(5, 1))
	if got.drops[chunk.DropMalformed] != 1 {
		t.Errorf("drops = %v", got.drops)
	}
}

func TestF3ExtendedTimestamps(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 50)
	for _, base := range []uint32{0xfffffe, 0xffffff, 0x1000000, 0x12345678, math.MaxUint32 - 1, math.MaxUint32} {
		for _, size := range []int{0, 128, 499} { // one chunk, four, and one byte in the last
			for _, repeat := range []bool{true, false} {
				for first := range byte(4) {
					name := fmt.Sprintf("ts %#x chunk %d repeat %t fmt %d", base, size, repeat, first)
					t.Run(name, func(t *testing.T) {
						var in []byte
						if size == 0 {
							in = rtmptest.AppendMessage(in, msg{Type: 1, Body: []byte{0, 1, 0, 0}}, rtmptest.Format{CSID: 2})
						} else {
							in = rtmptest.AppendMessage(in, msg{Type: 1, Body: binary.BigEndian.AppendUint32(nil, uint32(size))}, rtmptest.Format{CSID: 2})
						}
						f := rtmptest.Format{CSID: 6, Size: size, Repeat: repeat}
						add := func(format byte, ts uint32) {
							f.Type = format
							in = rtmptest.AppendMessage(in, msg{Type: 9, Stream: 1, Timestamp: ts, Body: body}, f)
						}
						want := []uint32{base}
						switch first {
						case 0: // absolute
							add(0, base)
						case 3: // the delta before, again
							add(0, 0)
							add(2, base)
							add(3, base)
							want = []uint32{0, base, base + base}
						default: // from base by a delta of base: wraps for the large ones
							add(0, 0)
							add(first, base)
							want = []uint32{0, base}
						}
						add(2, 40) // the stream is still in step
						want = append(want, want[len(want)-1]+40)
						got := run(t, true, in)
						wantErr(t, got, io.EOF)
						if len(got.msgs) != len(want) {
							t.Fatalf("%d messages, want %d", len(got.msgs), len(want))
						}
						for i, m := range got.msgs {
							if m.Timestamp != want[i] || !bytes.Equal(m.Body, body) {
								t.Errorf("message %d: ts %d with %d bytes, want ts %d", i, m.Timestamp, len(m.Body), want[i])
							}
						}
					})
				}
			}
		}
	}
}

// A sender that leaves the extended timestamp out, stops after a short last
// chunk, and waits for an answer must not be waited for.
func TestF3ShortLastChunkIsNotWaitedFor(t *testing.T) {
	m := command("createStream", 2, nil)
	m.Timestamp = 0x2000000
	for len(m.Body) < 128+2 {
		m.Body = append(m.Body, 'x') // arguments nobody reads
	}
	in := make([]byte, 3073)
	in[0] = 3
	in = rtmptest.AppendMessage(in, m, rtmptest.Format{CSID: 3, Size: 128})
	pr, pw := io.Pipe()
	var sender sync.WaitGroup
	sender.Go(func() { _, _ = pw.Write(in) }) // and the pipe stays open
	if got := readOne(t, pr); !bytes.Contains(got, []byte("createStream")) {
		t.Errorf("library gets % x", got)
	}
	sender.Wait()
}

// The last byte of a message may be what a repeated timestamp begins with. A
// sender that has left timestamps out before is not waited for even then.
func TestF3LastByteLikeATimestamp(t *testing.T) {
	in := make([]byte, 3073)
	in[0] = 3
	for _, pad := range []byte{'x', 2} { // 2 is the timestamp's first byte
		m := command("createStream", 2, nil)
		m.Timestamp = 0x2000000
		for len(m.Body) < 128+1 {
			m.Body = append(m.Body, pad)
		}
		in = rtmptest.AppendMessage(in, m, rtmptest.Format{CSID: 3, Size: 128})
	}
	pr, pw := io.Pipe()
	var sender sync.WaitGroup
	sender.Go(func() { _, _ = pw.Write(in) }) // and the pipe stays open
	s := chunk.New(bufio.NewReader(pr), chunk.DefaultLimits(), chunk.Hooks{})
	got := make([]byte, 3073+16+2*(12+4+len(command("createStream", 2, nil).Body)))
	if _, err := io.ReadFull(s, got); err != nil || bytes.Count(got, []byte("createStream")) != 2 {
		t.Errorf("library gets % x, %v", got[3073:], err)
	}
	sender.Wait()
}

func TestF4MessageAndMemoryLimits(t *testing.T) {
	var tooLong *chunk.SizeError
	for _, tc := range []struct {
		name      string
		published bool
		typ       byte
		length    int
		ok        bool
	}{
		{"stranger 64 KiB", false, 9, 64 << 10, true},
		{"stranger more", false, 9, 64<<10 + 1, false},
		{"video 8 MiB", true, 9, 8 << 20, true},
		{"video more", true, 9, 8<<20 + 1, false},
		{"audio 256 KiB", true, 8, 256 << 10, true},
		{"audio more", true, 8, 256<<10 + 1, false},
		{"data 64 KiB", true, 18, 64 << 10, true},
		{"data more", true, 18, 64<<10 + 1, false},
		{"unknown more", true, 99, 64<<10 + 1, false},
		{"16 MiB", true, 9, 1<<24 - 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := one(msg{Type: 1, Body: []byte{0, 0xff, 0xff, 0xff}})
			in = rtmptest.AppendMessage(in, msg{Type: tc.typ, Stream: 1, Body: make([]byte, tc.length)}, rtmptest.Format{CSID: 6})
			got := run(t, tc.published, in)
			if errors.As(got.err, &tooLong) == tc.ok {
				t.Errorf("err = %v", got.err)
			}
		})
	}

	t.Run("chunk streams", func(t *testing.T) {
		var in []byte
		for i := range 17 {
			in = rtmptest.AppendMessage(in, video(0, 1), rtmptest.Format{CSID: uint32(2 + 1000*i)})
		}
		wantErr(t, run(t, true, in), chunk.ErrChunkStreams)
	})
	t.Run("partial messages of a publisher", func(t *testing.T) {
		var in []byte
		in = append(in, one(msg{Type: 1, Body: []byte{0, 0x7f, 0xff, 0xff}})...)
		part := rtmptest.AppendMessage(nil, msg{Type: 9, Stream: 1, Body: make([]byte, 8<<20)},
			rtmptest.Format{CSID: 10, Size: 8<<20 - 1})[:12+8<<20-1] // an 8 MiB video of which a byte is missing
		in = append(in, part...)
		part[0] = 11 // and another on the next chunk stream
		in = append(in, part...)
		wantErr(t, run(t, true, in), chunk.ErrPartial)
	})
	t.Run("stranger in all", func(t *testing.T) {
		in := bytes.Repeat(one(msg{Type: 9, Stream: 1, Body: make([]byte, 60<<10)}), 5)
		wantErr(t, run(t, false, in), chunk.ErrUnpublished)
	})
}

func TestF7WindowAckSize(t *testing.T) {
	set := func(v uint32) []byte { return one(msg{Type: 5, Body: binary.BigEndian.AppendUint32(nil, v)}) }
	frames := bytes.Repeat(one(video(0, make([]byte, 1000)...)), 200) // 200 kB and headers
	for _, tc := range []struct {
		name   string
		window []byte
		acks   int
	}{
		{"default", nil, 0},
		{"0", set(0), 0},
		{"1", set(1), 0},
		{"negative", set(0x80000000), 0},
		{"64 KiB", set(64 << 10), 6},
		{"short", one(msg{Type: 5, Body: []byte{0}}), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := append(tc.window, frames...)
			got := run(t, true, in)
			if len(got.msgs) != 200 || len(got.replies) != tc.acks {
				t.Fatalf("%d messages and %d acks, want 200 and %d", len(got.msgs), len(got.replies), tc.acks)
			}
			for _, a := range got.replies {
				if n := binary.BigEndian.Uint32(a.Body); a.Type != 3 || n < 32<<10 || int(n) > 3073+len(in) {
					t.Errorf("ack of type %d for %d bytes of %d", a.Type, n, 3073+len(in))
				}
			}
		})
	}
}

// Case 20: the same, of the ingest list.
func TestF8EmptyMessages(t *testing.T) {
	in := append(one(video(1)), one(msg{Type: 8, Stream: 1})...)
	in = append(in, one(msg{Type: 20})...)
	in = append(in, one(video(2, 7))...)
	got := run(t, true, in)
	wantMessages(t, got, video(2, 7))
	if got.drops[chunk.DropEmpty] != 3 {
		t.Errorf("drops = %v", got.drops)
	}
}

func TestF9AMF3(t *testing.T) {
	cmd := command("createStream", 2, nil)
	meta := rtmptest.Encode("@setDataFrame", "onMetaData", rtmptest.Object{"width": 1280})
	amf3 := func(typ byte, body []byte) []byte { return one(msg{Type: typ, Stream: 1, Body: body}) }

	got := run(t, true, append(amf3(17, append([]byte{0}, cmd.Body...)), amf3(17, cmd.Body)...))
	wantMessages(t, got, cmd, cmd)

	got = run(t, true, append(amf3(15, append([]byte{0}, meta...)), amf3(15, meta)...))
	data := msg{Type: 18, Stream: 1, Body: meta}
	wantMessages(t, got, data, data)

	// Real AMF3 inside.
	wantErr(t, run(t, false, amf3(17, []byte{0x11, 0x0a, 0x0b})), chunk.ErrAMF)
	got = run(t, true, append(amf3(17, []byte{0x11, 0x0a, 0x0b}), one(video(1, 1))...))
	wantMessages(t, got, video(1, 1))
}

func TestF10AggregateAndUnknownTypes(t *testing.T) {
	tag := func(typ byte, ts uint32, body ...byte) []byte {
		b := []byte{typ, 0, 0, byte(len(body)), byte(ts >> 16), byte(ts >> 8), byte(ts), byte(ts >> 24), 0, 0, 0}
		b = append(b, body...)
		return binary.BigEndian.AppendUint32(b, uint32(len(b)))
	}
	agg := tag(9, 0x01000000, 1)
	agg = append(agg, tag(8, 0x01000014, 2)...)
	agg = append(agg, tag(9, 0x01000028, 3)...)
	agg = append(agg, tag(77, 0x01000028, 3)...)
	m := msg{Type: 22, Stream: 1, Timestamp: math.MaxUint32 - 9, Body: agg[:len(agg)-4]} // last back pointer missing
	got := run(t, true, one(m))
	wantMessages(t, got,
		video(math.MaxUint32-9, 1),
		msg{Type: 8, Stream: 1, Timestamp: 10, Body: []byte{2}},
		video(30, 3))

	for _, cut := range []int{1, 10, 11, 12, 16, 17} { // torn anywhere: what is whole counts
		m.Body = agg[:cut]
		got = run(t, true, one(m))
		wantErr(t, got, io.EOF)
		if want := 0; cut >= 12 {
			want = 1
			if len(got.msgs) != want {
				t.Errorf("cut at %d: %d messages, want %d", cut, len(got.msgs), want)
			}
		}
	}

	var in []byte
	for _, typ := range []byte{0, 7, 10, 16, 19, 21, 23, 255} {
		in = append(in, one(msg{Type: typ, Stream: 1, Body: []byte{1, 2, 3, 4}})...)
	}
	in = append(in, one(video(9, 9))...)
	got = run(t, true, in)
	wantMessages(t, got, video(9, 9))
	if got.drops[chunk.DropUnknownType] != 8 {
		t.Errorf("drops = %v", got.drops)
	}
}
