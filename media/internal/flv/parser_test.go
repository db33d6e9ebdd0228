package flv_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
	"github.com/lectern/lectern/media/internal/paramset"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatalf("bad hex in test: %v", err)
	}
	return b
}

const (
	fourAVC  = "61766331"
	fourHVC  = "68766331"
	fourAV1  = "61763031"
	fourMP4A = "6d703461"
	fourOpus = "4f707573"
)

// tagTest is a row for a tag parser.
type tagTest struct {
	name, body string
	want       flv.Tag // Body is compared with wantBody
	wantBody   string
	malformed  bool
}

func runTagTests(t *testing.T, parse func([]byte) (flv.Tag, error), tests []tagTest) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(unhex(t, tt.body))
			if errors.Is(err, flv.ErrMalformed) != tt.malformed || (err != nil) != tt.malformed {
				t.Fatalf("error %v, want malformed: %v", err, tt.malformed)
			}
			if body := hex.EncodeToString(got.Body); body != tt.wantBody {
				t.Errorf("body %s, want %s", body, tt.wantBody)
			}
			if got.Name == got.Codec.String() {
				got.Name = "" // rows give a name only where it differs
			}
			if got.Codec != tt.want.Codec || got.Packet != tt.want.Packet || got.CompositionTime != tt.want.CompositionTime ||
				got.NanoOffset != tt.want.NanoOffset || got.OtherTracks != tt.want.OtherTracks || got.Name != tt.want.Name {
				t.Errorf("tag %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestParseVideoTag(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	h264 := func(p flv.Packet) flv.Tag { return flv.Tag{Codec: media.CodecH264, Packet: p} }
	runTagTests(t, flv.ParseVideoTag, []tagTest{
		{name: "sequence header", body: "1700000000aabb", want: h264(flv.PacketHeader), wantBody: "aabb"},
		{name: "composition time", body: "2701000043aa", want: flv.Tag{Codec: media.CodecH264, Packet: flv.PacketFrames, CompositionTime: 67 * ms}, wantBody: "aa"},
		{name: "negative composition time", body: "2701ffffdfaa", want: flv.Tag{Codec: media.CodecH264, Packet: flv.PacketFrames, CompositionTime: -33 * ms}, wantBody: "aa"},
		{name: "end of sequence of two bytes", body: "1702", want: h264(flv.PacketEnd)},
		{name: "command frame", body: "5700", want: h264(flv.PacketOther), wantBody: "00"},
		{name: "HEVC as 12", body: "1c01000000aa", want: flv.Tag{Codec: media.CodecHEVC, Packet: flv.PacketFrames}, wantBody: "aa"},
		{name: "Sorenson", body: "22aabb", want: flv.Tag{Packet: flv.PacketFrames, Name: "Sorenson H.263"}, wantBody: "aabb"},
		{name: "no bytes", malformed: true},
		{name: "cut short", body: "17010000", malformed: true},
		{name: "unknown packet type", body: "1703000000", malformed: true},

		{name: "enhanced sequence start", body: "90" + fourAVC + "aabb", want: h264(flv.PacketHeader), wantBody: "aabb"},
		{name: "enhanced coded frames", body: "a1" + fourHVC + "000010aa", want: flv.Tag{Codec: media.CodecHEVC, Packet: flv.PacketFrames, CompositionTime: 16 * ms}, wantBody: "aa"},
		{name: "enhanced coded frames without composition time", body: "a3" + fourHVC + "aa", want: flv.Tag{Codec: media.CodecHEVC, Packet: flv.PacketFrames}, wantBody: "aa"},
		{name: "AV1 has no composition time", body: "91" + fourAV1 + "12000a", want: flv.Tag{Codec: media.CodecAV1, Packet: flv.PacketFrames}, wantBody: "12000a"},
		{name: "sequence end", body: "92" + fourAVC, want: h264(flv.PacketEnd)},
		{name: "metadata", body: "94" + fourAVC + "02", want: h264(flv.PacketOther), wantBody: "02"},
		{name: "enhanced command", body: "d000", want: flv.Tag{}},
		{name: "nanoseconds", body: "a702" + "0003e8" + "03" + fourAVC + "aa", want: flv.Tag{Codec: media.CodecH264, Packet: flv.PacketFrames, NanoOffset: 1000}, wantBody: "aa"},
		{name: "two modifiers, one unknown", body: "a700" + "ff" + "17" + "02" + "0003e8" + "03" + fourAVC + "aa", want: flv.Tag{Codec: media.CodecH264, Packet: flv.PacketFrames, NanoOffset: 1000}, wantBody: "aa"},
		{name: "modifier of 256 bytes", body: "a7ff" + "00ff" + hex.EncodeToString(make([]byte, 256)) + "13" + fourAVC + "aa", want: h264(flv.PacketFrames), wantBody: "aa"},
		{name: "one track", body: "a6" + "03" + fourAVC + "00" + "aa", want: h264(flv.PacketFrames), wantBody: "aa"},
		{name: "one track that is not 0", body: "a6" + "03" + fourAVC + "05" + "aa", want: flv.Tag{OtherTracks: 1, Name: "this video format"}},
		{name: "many tracks", body: "a6" + "13" + fourAVC + "01" + "000002" + "bbbb" + "00" + "000001" + "aa", want: flv.Tag{Codec: media.CodecH264, Packet: flv.PacketFrames, OtherTracks: 1}, wantBody: "aa"},
		{name: "many tracks, many codecs", body: "a6" + "23" + fourAVC + "00" + "000001" + "aa" + fourAV1 + "01" + "000002" + "bbbb", want: flv.Tag{Codec: media.CodecH264, Packet: flv.PacketFrames, OtherTracks: 1}, wantBody: "aa"},
		{name: "modifier beyond the message", body: "a7ff0fff00", malformed: true},
		{name: "modifiers without end", body: "a700ff7700ff77", malformed: true},
		{name: "FourCC cut short", body: "916176", malformed: true},
		{name: "coded frames cut short", body: "91" + fourAVC + "0000", malformed: true},
		{name: "track beyond the message", body: "a6" + "13" + fourAVC + "00" + "000009" + "aa", malformed: true},
		{name: "multitrack in multitrack", body: "a6" + "16" + fourAVC, malformed: true},
		{name: "unknown enhanced packet type", body: "99" + fourAVC, malformed: true},
	})
}

func TestParseAudioTag(t *testing.T) {
	t.Parallel()
	aac := func(p flv.Packet) flv.Tag { return flv.Tag{Codec: media.CodecAAC, Packet: p} }
	runTagTests(t, flv.ParseAudioTag, []tagTest{
		{name: "AAC header", body: "af001190", want: aac(flv.PacketHeader), wantBody: "1190"},
		{name: "AAC frame", body: "af0121aa", want: aac(flv.PacketFrames), wantBody: "21aa"},
		{name: "MP3", body: "2ffffb", want: flv.Tag{Codec: media.CodecMP3, Packet: flv.PacketFrames}, wantBody: "fffb"},
		{name: "Speex", body: "b6aa", want: flv.Tag{Codec: media.CodecSpeex, Packet: flv.PacketFrames}, wantBody: "aa"},
		{name: "Nellymoser", body: "52aa", want: flv.Tag{Packet: flv.PacketFrames, Name: "Nellymoser"}, wantBody: "aa"},
		{name: "no bytes", malformed: true},
		{name: "AAC without packet type", body: "af", malformed: true},
		{name: "AAC of unknown packet type", body: "af02", malformed: true},
		{name: "enhanced AAC header", body: "90" + fourMP4A + "1190", want: aac(flv.PacketHeader), wantBody: "1190"},
		{name: "enhanced Opus", body: "91" + fourOpus + "fc", want: flv.Tag{Codec: media.CodecOpus, Packet: flv.PacketFrames}, wantBody: "fc"},
		{name: "channel layout", body: "94" + fourOpus + "0102", want: flv.Tag{Codec: media.CodecOpus}, wantBody: "0102"},
		{name: "sequence end", body: "92" + fourMP4A, want: aac(flv.PacketEnd)},
		{name: "multitrack with nanoseconds", body: "9702" + "0f4240" + "05" + "11" + fourMP4A + "00" + "000001" + "aa" + "01" + "000000", want: flv.Tag{Codec: media.CodecAAC, Packet: flv.PacketFrames, NanoOffset: time.Millisecond - 1, OtherTracks: 1}, wantBody: "aa"},
		{name: "unknown enhanced packet type", body: "9e" + fourMP4A, malformed: true},
	})
}

func TestDecoderConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		parse      func([]byte) (flv.DecoderConfig, error)
		size       int // of lengths; 0 means malformed
		sets       []string
	}{
		{"AVC", "0164001fff" + "e1" + "0003" + "676400" + "01" + "0002" + "68ee", flv.ParseAVCConfig, 4, []string{"676400", "68ee"}},
		{"AVC with lengths of 1 byte, 2 PPS and an extension", "0164001ffc" + "e1" + "0001" + "67" + "02" + "0001" + "68" + "0001" + "69" + "fdf8f800", flv.ParseAVCConfig, 1, []string{"67", "68", "69"}},
		{"AVC with lengths of 2 bytes and nothing announced", "0164001ffde000", flv.ParseAVCConfig, 2, nil},
		{"AVC with lengths of 3 bytes", "0164001ffee000", flv.ParseAVCConfig, 0, nil},
		{"AVC of version 2", "0264001fffe000", flv.ParseAVCConfig, 0, nil},
		{"AVC without PPS count", "0164001fffe1000167", flv.ParseAVCConfig, 0, nil},
		{"AVC with SPS beyond the end", "0164001fffe1ffff67", flv.ParseAVCConfig, 0, nil},
		{"HEVC", "01" + hex.EncodeToString(make([]byte, 20)) + "03" + "02" + "20" + "0001" + "0002" + "4001" + "27" + "0001" + "0003" + "4e0105", flv.ParseHEVCConfig, 4, []string{"4001", "4e0105"}},
		{"HEVC with array cut short", "01" + hex.EncodeToString(make([]byte, 20)) + "03" + "01" + "20", flv.ParseHEVCConfig, 0, nil},
		{"HEVC with 65535 units", "01" + hex.EncodeToString(make([]byte, 20)) + "03" + "01" + "20ffff" + hex.EncodeToString(make([]byte, 1000)), flv.ParseHEVCConfig, 0, nil},
		{"HEVC too short", "01", flv.ParseHEVCConfig, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.parse(unhex(t, tt.body))
			if errors.Is(err, flv.ErrMalformed) != (tt.size == 0) {
				t.Fatalf("error %v", err)
			}
			var sets []string
			for _, s := range got.Sets {
				sets = append(sets, hex.EncodeToString(s))
			}
			if got.LengthSize != tt.size || !slices.Equal(sets, tt.sets) {
				t.Errorf("length size %d, sets %v, want %d and %v", got.LengthSize, sets, tt.size, tt.sets)
			}
		})
	}
}

func TestSplitAVCC(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		size       int
		want       []string
		malformed  bool
	}{
		{"lengths of 4 bytes", "0000000265aa0000000141", 4, []string{"65aa", "41"}, false},
		{"lengths of 2 bytes", "000265aa000141", 2, []string{"65aa", "41"}, false},
		{"lengths of 1 byte", "0265aa0141", 1, []string{"65aa", "41"}, false},
		{"empty unit", "00000000000000 0141", 4, []string{"", "41"}, false},
		{"zeros at the end", "0000000141000000", 4, []string{"41"}, false},
		{"case 22: unit beyond the end", "0000000365aa", 4, nil, true},
		{"case 22: largest length", "ffffffff65aa", 4, nil, true},
		{"bytes at the end", "00000001410001", 4, nil, true},
		{"too many units", hex.EncodeToString(make([]byte, paramset.MaxUnits+1)), 1, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := flv.SplitAVCC(nil, unhex(t, string(bytes.ReplaceAll([]byte(tt.body), []byte(" "), nil))), tt.size)
			if errors.Is(err, flv.ErrMalformed) != tt.malformed {
				t.Fatalf("error %v, want malformed: %v", err, tt.malformed)
			}
			if tt.malformed {
				return
			}
			var units []string
			for _, u := range got {
				units = append(units, hex.EncodeToString(u))
			}
			if !slices.Equal(units, tt.want) {
				t.Errorf("units %v, want %v", units, tt.want)
			}
		})
	}
}

func TestStatsDrops(t *testing.T) {
	t.Parallel()
	s := flv.Stats{Empty: 1, Malformed: 2, Damaged: 3, AwaitingHeader: 4, AwaitingKeyframe: 5, WithoutPicture: 6, OtherTracks: 7}
	want := uint64(0)
	for reason, n := range s.Drops() {
		if want++; n != want {
			t.Errorf("%s = %d, want %d", reason, n, want)
		}
	}
	if want != 7 {
		t.Errorf("%d reasons, want 7", want)
	}
}
