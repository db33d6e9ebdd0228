package chunk_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/lectern/lectern/media/rtmp/internal/chunk"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
)

// Faults F11 to F18; see faults_test.go.

func TestF11UserControl(t *testing.T) {
	var in []byte
	for _, event := range []byte{0, 1, 3, 5, 7, 26, 31, 32, 255} {
		in = append(in, one(msg{Type: 4, Body: []byte{0, event, 0, 0, 0, 1}})...)
	}
	in = append(in, one(msg{Type: 4, Body: []byte{0}})...)
	in = append(in, one(msg{Type: 4, Body: []byte{0, 6, 1, 2, 3, 4}})...) // ping
	in = append(in, one(video(9, 9))...)
	got := run(t, true, in)
	wantMessages(t, got, video(9, 9))
	if len(got.replies) != 1 || !bytes.Equal(got.replies[0].Body, []byte{0, 7, 1, 2, 3, 4}) {
		t.Errorf("replies = %v, want one ping response", got.replies)
	}
}

func TestF12OddConnectValues(t *testing.T) {
	long := append(binary.BigEndian.AppendUint32([]byte{0x0c}, 3), "abc"...)
	typed := append([]byte{0x10, 0, 1, 'T', 0, 1, 'k', 5}, 0, 0, 9)
	for name, raw := range map[string][]byte{
		"undefined": {6}, "long string": long, "typed object": typed, "date": append([]byte{0x0b}, make([]byte, 10)...),
		"xml": append([]byte{0x0f}, long[1:]...), "reference": {7, 0, 1}, "unsupported": {0x0d},
		"ecma array": append([]byte{8, 0, 0, 0, 0, 0, 1, 'k', 5}, 0, 0, 9),
	} {
		t.Run(name, func(t *testing.T) {
			if o := fields(t, run(t, false, one(connectWith("pageUrl", raw)))); len(o) != 1 || o["app"] != "live" {
				t.Errorf("library gets %v, want app alone", o)
			}
		})
	}
	// A typed object or ECMA array in place of the command object.
	body := append(rtmptest.Encode("connect", 1), 0x10, 0, 1, 'T')
	body = append(body, "\x00\x03app\x02\x00\x04live\x00\x00\x09"...)
	if o := fields(t, run(t, false, one(msg{Type: 20, Body: body}))); o["app"] != "live" {
		t.Errorf("library gets %v", o)
	}
	// A long string where a string belongs.
	if o := fields(t, run(t, false, one(connectWith("tcUrl", long)))); o["tcUrl"] != "abc" {
		t.Errorf("library gets %v", o)
	}
}

func TestF13ConnectFieldTypes(t *testing.T) {
	got := run(t, false, one(command("connect", 1, rtmptest.Object{
		"app": "live", "fpad": 1, "capabilities": true, "audioCodecs": 3575.9, "videoCodecs": "252",
		"videoFunction": math.NaN(), "objectEncoding": 3, "flashVer": 7, "type": nil, "tcUrl": rtmptest.Object{"a": 1},
		"swfUrl": "http://x", "capsEx": 5, "fourCcList": []any{"hvc1", "av01", 3, "far too long"},
	})))
	want := rtmptest.Object{"app": "live", "fpad": true, "capabilities": 1.0, "audioCodecs": 3575.0, "objectEncoding": 0.0}
	o := fields(t, got)
	if fmt.Sprint(o) != fmt.Sprint(want) {
		t.Errorf("library gets %v\nwant %v", o, want)
	}
	if c := got.connect; c.App != "live" || c.CapsEx != 5 || strings.Join(c.FourCCs, " ") != "hvc1 av01" {
		t.Errorf("connect info = %+v", c)
	}
	for _, v := range []float64{math.Inf(1), math.Inf(-1), -1, 1e300} {
		o := fields(t, run(t, false, one(connectWith("audioCodecs", rtmptest.Encode(v)))))
		if n, ok := o["audioCodecs"].(float64); ok && (n < 0 || n > math.MaxInt32) {
			t.Errorf("audioCodecs %v reaches the library as %v", v, n)
		}
	}
}

func TestF14Abort(t *testing.T) {
	whole := rtmptest.AppendMessage(nil, video(1, make([]byte, 300)...), rtmptest.Format{CSID: 6, Size: 128})
	part := whole[:12+128+1+128] // two of three chunks
	abort := one(msg{Type: 2, Body: []byte{0, 0, 0, 6}})
	abort[0] = 2 // on its own chunk stream
	next := one(video(2, 5))
	for _, tc := range []struct {
		name string
		in   []byte
	}{
		{"abort, fmt 0", append(append(bytes.Clone(part), abort...), next...)},
		{"no abort, fmt 0", append(bytes.Clone(part), next...)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := run(t, true, tc.in)
			wantMessages(t, got, video(2, 5))
			if got.drops[chunk.DropAborted] != 1 {
				t.Errorf("drops = %v", got.drops)
			}
		})
	}
	// Abort of nothing, of an unknown stream, and cut short.
	in := append(bytes.Clone(abort), one(msg{Type: 2, Body: []byte{0, 0, 9, 9}})...)
	in = append(in, one(msg{Type: 2, Body: []byte{0}})...)
	wantMessages(t, run(t, true, append(in, next...)), video(2, 5))
}

func TestF15UnknownMessageStream(t *testing.T) {
	m := video(1, 1)
	m.Stream = 7
	got := run(t, true, append(one(m), one(video(2, 2))...))
	wantMessages(t, got, video(2, 2))
	if got.drops[chunk.DropUnknownStream] != 1 {
		t.Errorf("drops = %v", got.drops)
	}
	if got := run(t, false, one(video(2, 2))); len(got.msgs) != 0 || got.drops[chunk.DropUnknownStream] != 1 {
		t.Errorf("media before publish: %v, drops %v", got.msgs, got.drops)
	}
}

func TestF16FMLECommandsAreAnswered(t *testing.T) {
	in := append(one(command("releaseStream", 2, nil, "k")), one(command("FCPublish", 3, nil, "k"))...)
	in = append(in, one(command("FCUnpublish", 6, nil, "k"))...)
	in = append(in, one(command("FCPublish", 0, nil))...) // no transaction, no name
	got := run(t, false, in)
	var names []string
	for _, r := range got.replies {
		args, err := rtmptest.Decode(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprintf("%v %v", args[0], args[1]))
	}
	want := "[_result 2 _result 3 onFCPublish 0 _result 6 onFCUnpublish 0 onFCPublish 0]"
	if fmt.Sprint(names) != want {
		t.Errorf("replies = %v\nwant %s", names, want)
	}
	wantMessages(t, got, command("releaseStream", 2, nil, "k"), command("FCPublish", 3, nil, "k"),
		command("FCUnpublish", 6, nil, "k"), command("FCPublish", 0, nil, ""))
}

func TestF18FirstDelta(t *testing.T) {
	for _, tc := range []struct {
		name  string
		first uint32
		want  uint32 // timestamp of a fmt-3 message that follows
	}{
		{"as FFmpeg means it", 23, 46},
		{"as librtmp means it", 5_000_000, 5_000_000},
		{"extended", 0x2000000, 0x2000000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := one(video(tc.first, 1))
			in = rtmptest.AppendMessage(in, video(tc.first, 2), rtmptest.Format{CSID: 6, Type: 3, Repeat: true})
			wantMessages(t, run(t, true, in), video(tc.first, 1), video(tc.want, 2))
		})
	}
}
