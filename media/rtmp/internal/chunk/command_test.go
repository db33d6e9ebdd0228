package chunk_test

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"testing"

	"github.com/lectern/lectern/media/rtmp/internal/chunk"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
)

// readOne returns the first message of a session that goes on.
func readOne(t *testing.T, r io.Reader) []byte {
	t.Helper()
	s := chunk.New(bufio.NewReader(r), chunk.DefaultLimits(), chunk.Hooks{})
	if _, err := io.ReadFull(s, make([]byte, 3073+16)); err != nil { // handshake, Set Chunk Size
		t.Fatal(err)
	}
	p := make([]byte, 4096)
	n, err := s.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	return p[:n]
}

func TestCommandsAreRebuilt(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []byte
		want []byte // nil: the library does not see it
		err  error
	}{
		{"createStream with an object", rtmptest.Encode("createStream", 2, rtmptest.Object{"a": 1}), rtmptest.Encode("createStream", 2, nil), nil},
		{"publish", rtmptest.Encode("publish", 5, nil, "key?a=b", "record"), rtmptest.Encode("publish", 5, nil, "key?a=b", "live"), nil},
		{"publish without type", rtmptest.Encode("publish", 5, nil, "key"), rtmptest.Encode("publish", 5, nil, "key", "live"), nil},
		{"publish without name", rtmptest.Encode("publish", 5, nil), rtmptest.Encode("publish", 5, nil, "", "live"), nil},
		{"publish of a number", rtmptest.Encode("publish", 5, nil, 12), rtmptest.Encode("publish", 5, nil, "", "live"), nil},
		{"publish, not UTF-8", rtmptest.Encode("publish", 5, nil, "a\xffb"), rtmptest.Encode("publish", 5, nil, "a\uFFFDb", "live"), nil},
		{"transaction NaN", rtmptest.Encode("createStream", math.NaN(), nil), rtmptest.Encode("createStream", 0, nil), nil},
		{"no transaction", rtmptest.Encode("createStream"), rtmptest.Encode("createStream", 0, nil), nil},
		{"deleteStream", rtmptest.Encode("deleteStream", 7, nil, 1.5), rtmptest.Encode("deleteStream", 7, nil, 1), nil},
		{"deleteStream of -1", rtmptest.Encode("deleteStream", 7, nil, -1), rtmptest.Encode("deleteStream", 7, nil, 0), nil},
		{"play", rtmptest.Encode("play", 4, nil, "x", -2000), rtmptest.Encode("play", 4, nil, "x", 0), nil},
		{"connect without object", rtmptest.Encode("connect", 1), rtmptest.Encode("connect", 1, rtmptest.Object{}), nil},
		{"connect with null", rtmptest.Encode("connect", 1, nil), rtmptest.Encode("connect", 1, rtmptest.Object{}), nil},
		{"unknown", rtmptest.Encode("_checkbw", 3, nil), nil, nil},
		{"a result", rtmptest.Encode("_result", 99, nil), nil, nil},
		{"no name", rtmptest.Encode(1, 2), nil, chunk.ErrAMF},
		{"torn string", []byte{2, 0, 9, 'p'}, nil, chunk.ErrAMF},
		{"torn object", append(rtmptest.Encode("connect", 1), 3, 0, 3, 'a'), nil, chunk.ErrAMF},
		{"object end out of place", append(rtmptest.Encode("createStream", 1), 9), rtmptest.Encode("createStream", 1, nil), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := run(t, false, one(msg{Type: 20, Body: tc.in}))
			if tc.err == nil {
				tc.err = io.EOF
			}
			wantErr(t, got, tc.err)
			if tc.want == nil {
				wantMessages(t, got)
				return
			}
			wantMessages(t, got, msg{Type: 20, Body: tc.want})
		})
	}
}

func TestSecondPublishIsRefused(t *testing.T) {
	in := append(one(msg{Type: 20, Stream: 1, Body: rtmptest.Encode("publish", 5, nil, "k")}), one(video(1, 1))...)
	got := run(t, true, in)
	wantMessages(t, got, video(1, 1))
	if len(got.replies) != 1 || !bytes.Contains(got.replies[0].Body, []byte(chunk.CodeBadName)) {
		t.Errorf("replies = %+v, want BadName", got.replies)
	}
}

func TestBadChunkStreams(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []byte
		want error
	}{
		{"fmt 3 without header", []byte{0xc6, 1, 2, 3}, chunk.ErrNoHeader},
		{"fmt 2 without header", []byte{0x86, 1, 2, 3}, chunk.ErrNoHeader},
		{"chunk size 0", one(msg{Type: 1, Body: []byte{0, 0, 0, 0}}), chunk.ErrChunkSize},
		{"chunk size negative", one(msg{Type: 1, Body: []byte{0x80, 0, 0, 1}}), chunk.ErrChunkSize},
		{"chunk size torn", one(msg{Type: 1, Body: []byte{1}}), chunk.ErrChunkSize},
		{"cut in header", one(video(1, 1))[:5], io.ErrUnexpectedEOF},
		{"cut in payload", one(video(1, 1, 2))[:13], io.ErrUnexpectedEOF},
		{"cut in basic header", []byte{1, 7}, io.ErrUnexpectedEOF},
		{"cut between", one(video(1, 1)), io.EOF},
	} {
		t.Run(tc.name, func(t *testing.T) { wantErr(t, run(t, true, tc.in), tc.want) })
	}
}

func TestFreshChunkStreamWithFmt1(t *testing.T) {
	in := rtmptest.AppendMessage(nil, msg{Type: 4, Body: []byte{0, 6, 0, 0, 0, 9}}, rtmptest.Format{CSID: 2, Type: 1})
	if got := run(t, false, in); len(got.replies) != 1 {
		t.Errorf("librtmp's ping got %d replies, err %v", len(got.replies), got.err)
	}
}

func TestChunkSizeOfTheLibraryIsAnnouncedOnce(t *testing.T) {
	in := append(one(msg{Type: 1, Body: []byte{0, 0, 0, 1}}), rtmptest.AppendMessage(nil, video(3, 1, 2, 3), rtmptest.Format{CSID: 70, Size: 1})...)
	in = append(in, rtmptest.AppendMessage(nil, video(4, 4, 5, 6), rtmptest.Format{CSID: 65599, Size: 1})...)
	wantMessages(t, run(t, true, in), video(3, 1, 2, 3), video(4, 4, 5, 6))
}
