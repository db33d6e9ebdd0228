package paramset_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// Parameter sets as libx264 and libx265 wrote them.
const (
	sps1080      = "6742c028da01e0089f970110000003001000000303c0f1832a"
	pps1080      = "68ce0fc8"
	sps720       = "6764001facd9405005bb0e1000003e90000ea600f1831960"
	pps720       = "68ef8fcb"
	spsFields    = "674d401ef405a126c084000003000400000300c87c50aa80"
	sps10bit     = "676e001ea6cd940a02ff970110000003001000000303c0f162d960"
	sps422       = "677a001ebcd940a02ff89c0440000003004000000f03c58b6580"
	sps444       = "67f4001e919b281405ff138088000003000800000301e078b16cb0"
	spsGray      = "6764000df2d02833f1b80b64000003000400000300f03c50aa80"
	spsPortrait  = "6764001facd9417051e5f011000003000100000300780f183196"
	spsLargest   = "6742c033da004000486c044000000300400000030283c60ca8"
	spsTooLarge  = "6742c03cda00404048ec044000000300400000030283c2010a80"
	vpsMain      = "40010c01ffff016000000300900000030000030078959409"
	spsMain      = "420101016000000300900000030000030078a003c0801107cb965654a4c2f0168080000003008000000f04"
	ppsHEVC      = "4401c073c189"
	vpsMain10    = "40010c01ffff02200000030090000003000003003f959409"
	spsMain10    = "42010102200000030090000003000003003fa005020171f2b6595952930bc05a020000030002000003003210"
	vpsMain422   = "40010c01ffff0408000003009d0800000300003f959409"
	spsMain422   = "4201010408000003009d0800000300003fb005220171cf3e595952930bc05a020000030002000003003210"
	sliceIDR     = "65888404"
	sliceHEVCIDR = "2801af"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatalf("bad hex in test: %v", err)
	}
	return b
}

// wantVideo is what of a VideoFormat a test compares.
type wantVideo struct {
	width, height, sarWidth, sarHeight int
	rate                               float64
	profile, level, depth, chroma      int
	interlaced                         bool
}

func compareVideo(t *testing.T, got media.Track, want wantVideo) {
	t.Helper()
	v := got.Video
	have := wantVideo{v.Width, v.Height, v.SARWidth, v.SARHeight, math.Round(v.FrameRate*1000) / 1000, v.Profile, v.Level, v.BitDepth, v.ChromaFormat, v.Interlaced}
	if have != want {
		t.Errorf("format = %+v, want %+v", have, want)
	}
	if got.ID != media.VideoTrackID || got.Timescale != media.TimescaleVideo {
		t.Errorf("track = id %d timescale %d, want %d and %d", got.ID, got.Timescale, media.VideoTrackID, media.TimescaleVideo)
	}
}

func TestH264(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, sps string
		want      wantVideo
	}{
		{"1080p cropped from 1088 rows", sps1080, wantVideo{1920, 1080, 1, 1, 30, 66, 40, 8, 1, false}},
		{"case 27: 29.97 frames a second, case 39: sample aspect ratio 4:3", sps720, wantVideo{1280, 720, 4, 3, 29.97, 100, 31, 8, 1, false}},
		{"case 38: interlaced", spsFields, wantVideo{720, 576, 12, 11, 25, 77, 30, 8, 1, true}},
		{"case 37: 10 bit", sps10bit, wantVideo{640, 360, 1, 1, 30, 110, 30, 10, 1, false}},
		{"case 37: 4:2:2", sps422, wantVideo{640, 360, 1, 1, 30, 122, 30, 8, 2, false}},
		{"case 37: 4:4:4", sps444, wantVideo{640, 360, 1, 1, 30, 244, 30, 8, 3, false}},
		{"monochrome", spsGray, wantVideo{320, 180, 1, 1, 30, 100, 13, 8, 0, false}},
		{"case 39: portrait at 60", spsPortrait, wantVideo{360, 640, 1, 1, 60, 100, 31, 8, 1, false}},
		{"case 40: largest", spsLargest, wantVideo{4096, 2304, 1, 1, 5, 66, 51, 8, 1, false}},
		{"VUI cut short", sps1080[:len(sps1080)-12], wantVideo{1920, 1080, 1, 1, 0, 66, 40, 8, 1, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			sps, pps := unhex(t, tt.sps), unhex(t, pps1080)
			got, err := paramset.H264(sps, pps)
			if err != nil {
				t.Fatalf("H264: %v", err)
			}
			compareVideo(t, got, tt.want)
			if got.Codec != media.CodecH264 || !bytes.Equal(got.Video.ParameterSets[0], sps) || !bytes.Equal(got.Video.ParameterSets[1], pps) {
				t.Errorf("codec %v, parameter sets %x", got.Codec, got.Video.ParameterSets)
			}
			clear(sps)
			if got.Video.ParameterSets[0][0] == 0 {
				t.Error("the track shares memory with the argument")
			}
		})
	}
}

func TestHEVC(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, vps, sps string
		want           wantVideo
	}{
		{"main 1080p", vpsMain, spsMain, wantVideo{1920, 1080, 1, 1, 30, 1, 120, 8, 1, false}},
		{"case 37: main 10", vpsMain10, spsMain10, wantVideo{640, 360, 1, 1, 25, 2, 63, 10, 1, false}},
		{"case 37: 4:2:2 cropped in chroma units", vpsMain422, spsMain422, wantVideo{644, 362, 1, 1, 25, 4, 63, 8, 2, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := paramset.HEVC(unhex(t, tt.vps), unhex(t, tt.sps), unhex(t, ppsHEVC))
			if err != nil {
				t.Fatalf("HEVC: %v", err)
			}
			compareVideo(t, got, tt.want)
			if got.Codec != media.CodecHEVC || len(got.Video.ParameterSets) != 3 {
				t.Errorf("codec %v with %d parameter sets, want HEVC with 3", got.Codec, len(got.Video.ParameterSets))
			}
		})
	}
}

func TestVideoRefused(t *testing.T) {
	t.Parallel()
	huge := spsWithMacroblocks(1<<31, 1<<31)
	wraps := spsWithMacroblocks(0, 0) // -1 as coded: the width wraps to 0 in 32 bits
	tests := []struct {
		name    string
		make    func() (media.Track, error)
		refused bool // a *media.RefusalError, else ErrMalformed
	}{
		{"case 40: beyond the largest size", func() (media.Track, error) { return paramset.H264(unhex(t, spsTooLarge), unhex(t, pps1080)) }, true},
		{"hostile width", func() (media.Track, error) { return paramset.H264(huge, unhex(t, pps1080)) }, true},
		{"width that wraps", func() (media.Track, error) { return paramset.H264(wraps, unhex(t, pps1080)) }, true},
		{"no bytes", func() (media.Track, error) { return paramset.H264(nil, nil) }, false},
		{"PPS for SPS", func() (media.Track, error) { return paramset.H264(unhex(t, pps1080), unhex(t, pps1080)) }, false},
		{"SPS for PPS", func() (media.Track, error) { return paramset.H264(unhex(t, sps1080), unhex(t, sps1080)) }, false},
		{"SPS of 9 kB", func() (media.Track, error) {
			return paramset.H264(append(unhex(t, sps1080), make([]byte, 9000)...), unhex(t, pps1080))
		}, false},
		{"HEVC without VPS", func() (media.Track, error) { return paramset.HEVC(nil, unhex(t, spsMain), unhex(t, ppsHEVC)) }, false},
		{"HEVC SPS of 15 bytes", func() (media.Track, error) {
			return paramset.HEVC(unhex(t, vpsMain), unhex(t, spsMain)[:15], unhex(t, ppsHEVC))
		}, false},
		{"HEVC SPS cut in half", func() (media.Track, error) {
			return paramset.HEVC(unhex(t, vpsMain), unhex(t, spsMain)[:20], unhex(t, ppsHEVC))
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.make()
			var refusal *media.RefusalError
			if got := errors.As(err, &refusal); got != tt.refused {
				t.Errorf("error %v, want a refusal: %v", err, tt.refused)
			}
			if !tt.refused && !errors.Is(err, paramset.ErrMalformed) {
				t.Errorf("error %v, want ErrMalformed", err)
			}
			if refusal != nil && (refusal.Code != "picture_size" || refusal.Text == "") {
				t.Errorf("refusal = %+v", *refusal)
			}
		})
	}
}

// spsWithMacroblocks returns a Baseline SPS of width x height macroblocks; 0
// stands for the largest code, 2^32-1 before one is added.
func spsWithMacroblocks(width, height uint64) []byte {
	w := bitWriter{}
	w.write(66, 8)
	w.write(0, 8)
	w.write(30, 8)
	w.golomb(0)   // seq_parameter_set_id
	w.golomb(0)   // log2_max_frame_num_minus4
	w.golomb(2)   // pic_order_cnt_type
	w.golomb(1)   // max_num_ref_frames
	w.write(0, 1) // gaps
	w.golomb(uint64(uint32(width - 1)))
	w.golomb(uint64(uint32(height - 1)))
	w.write(1, 1) // frame_mbs_only_flag
	w.write(0, 3) // direct_8x8, cropping, VUI
	w.write(1, 1) // stop bit
	return append([]byte{0x67}, escape(w.bytes())...)
}

// bitWriter writes bits, most significant first.
type bitWriter struct {
	bits []byte
}

func (w *bitWriter) write(v uint64, n int) {
	for i := n - 1; i >= 0; i-- {
		w.bits = append(w.bits, byte(v>>i&1))
	}
}

func (w *bitWriter) golomb(v uint64) {
	n := 0
	for (v+1)>>n > 1 {
		n++
	}
	w.write(0, n)
	w.write(v+1, n+1)
}

func (w *bitWriter) bytes() []byte {
	out := make([]byte, (len(w.bits)+7)/8)
	for i, b := range w.bits {
		out[i/8] |= b << (7 - i%8)
	}
	return out
}

// escape inserts emulation prevention bytes (ITU-T H.264 §7.3.1).
func escape(b []byte) []byte {
	var out []byte
	zeros := 0
	for _, c := range b {
		if zeros == 2 && c <= 3 {
			out = append(out, 3)
			zeros = 0
		}
		if zeros++; c != 0 {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}

func TestAAC(t *testing.T) {
	t.Parallel()
	type want struct{ objectType, rate, channels, samples int }
	tests := []struct {
		name, config string
		want         want
	}{
		{"LC 48 kHz stereo", "1190", want{2, 48000, 2, 1024}},
		{"case 41: LC 44.1 kHz mono", "1208", want{2, 44100, 1, 1024}},
		{"LC 44.1 kHz stereo, libavcodec's extension without SBR", "121056e500", want{2, 44100, 2, 1024}},
		{"case 41: LC 5.1", "11b0", want{2, 48000, 6, 1024}},
		{"case 41: LC 8 kHz mono", "1588", want{2, 8000, 1, 1024}},
		{"LC of 960 samples", "1194", want{2, 48000, 2, 960}},
		{"case 18: explicit SBR 24 to 48 kHz", "2b118800", want{5, 48000, 2, 2048}},
		{"case 18: explicit PS 22.05 to 44.1 kHz", "eb8a0800", want{29, 44100, 2, 2048}},
		{"case 18: backward compatible SBR", "139056e5a0", want{5, 44100, 2, 2048}},
		{"backward compatible SBR cut short", "139056e5", want{2, 22050, 2, 1024}},
		{"explicit rate of 24 bits", "1780" + "5dc010", want{2, 48000, 2, 1024}},
		{"Main profile", "0990", want{1, 48000, 2, 1024}},
		{"enhanced low delay", "f8e65000", want{39, 48000, 2, 480}},
		{"case 41: 6.1 in a program config element", "118004c848002000c4400d4c61766335392e33372e31303056e500", want{2, 48000, 7, 1024}},
		{"case 41: quad in a program config element", "118004c4040021100d4c61766335392e33372e31303056e500", want{2, 48000, 4, 1024}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := unhex(t, tt.config)
			got, err := paramset.AAC(config)
			if err != nil {
				t.Fatalf("AAC: %v", err)
			}
			a := got.Audio
			if have := (want{a.ObjectType, a.SampleRate, a.Channels, a.FrameSamples}); have != tt.want {
				t.Errorf("format = %+v, want %+v", have, tt.want)
			}
			if got.ID != media.AudioTrackID || got.Codec != media.CodecAAC || int(got.Timescale) != a.SampleRate || !bytes.Equal(a.Config, config) {
				t.Errorf("track = %+v", got)
			}
		})
	}
}

func TestAACMalformed(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"no bytes":                     "",
		"one byte":                     "11",
		"reserved rate":                "1690",
		"no channels":                  "1180",
		"reserved layout":              "11c8",
		"rate of 1 Hz":                 "178000" + "0090",
		"extension below the core":     "2b0e0800",
		"program config cut short":     "118004c8",
		"nothing but escape codes":     "ffffffff",
		"config of two thousand bytes": "1190" + string(bytes.Repeat([]byte("00"), 2000)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := paramset.AAC(unhex(t, config)); !errors.Is(err, paramset.ErrMalformed) {
				t.Errorf("AAC = %+v, %v, want ErrMalformed", got.Audio, err)
			}
		})
	}
}

func TestSplitAnnexB(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, stream string
		want         []string
	}{
		{"four byte start codes", "0000000109f0" + "0000000165aabb", []string{"09f0", "65aabb"}},
		{"three byte start codes", "00000109f0" + "00000165aabb", []string{"09f0", "65aabb"}},
		{"trailing zeros", "0000000165aabb0000" + "00000165cc000000", []string{"65aabb", "65cc"}},
		{"empty unit", "000001" + "000001" + "65", []string{"65"}},
		{"leading bytes", "aabb" + "00000165", []string{"65"}},
		{"nothing behind", "000001", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := paramset.SplitAnnexB(nil, unhex(t, tt.stream))
			if err != nil {
				t.Fatalf("SplitAnnexB: %v", err)
			}
			var have []string
			for _, u := range got {
				have = append(have, hex.EncodeToString(u))
			}
			if !slices.Equal(have, tt.want) {
				t.Errorf("units = %v, want %v", have, tt.want)
			}
		})
	}
	for name, stream := range map[string][]byte{
		"no start code":  {1, 2, 3},
		"too many units": bytes.Repeat([]byte{0, 0, 1, 0x65}, paramset.MaxUnits+1),
	} {
		if _, err := paramset.SplitAnnexB(nil, stream); !errors.Is(err, paramset.ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", name, err)
		}
	}
}

func TestPictureSift(t *testing.T) {
	t.Parallel()
	bigSEI := "06" + hex.EncodeToString(bytes.Repeat([]byte{1}, 40<<10))
	tests := []struct {
		name    string
		codec   media.Codec
		units   []string
		keep    int
		sets    int
		coded   bool
		random  bool
		dropped paramset.Dropped
	}{
		{"case 21: hygiene", media.CodecH264, []string{"09f0", "0601", sps1080, pps1080, sliceIDR, "0cff", "0a"}, 2, 2, true, true, paramset.Dropped{Padding: 3}},
		{"case 20: empty unit", media.CodecH264, []string{"", "4101"}, 1, 0, true, false, paramset.Dropped{Empty: 1}},
		{"case 21: SEI beyond 64 KiB", media.CodecH264, []string{bigSEI, bigSEI, "4101"}, 2, 0, true, false, paramset.Dropped{SEI: 1}},
		{"forbidden bit and unspecified type", media.CodecH264, []string{"e501", "1801", "0001", "4101"}, 1, 0, true, false, paramset.Dropped{Invalid: 3}},
		{"parameter sets alone", media.CodecH264, []string{sps1080, pps1080}, 0, 2, false, false, paramset.Dropped{}},
		{"HEVC hygiene", media.CodecHEVC, []string{"460150", vpsMain, spsMain, ppsHEVC, "4e0105", sliceHEVCIDR, "4c01ff", "4801", "4a01"}, 2, 3, true, true, paramset.Dropped{Padding: 4}},
		{"case 23: HEVC CRA is random access", media.CodecHEVC, []string{"2a01"}, 1, 0, true, true, paramset.Dropped{}},
		{"HEVC trailing picture", media.CodecHEVC, []string{"0201"}, 1, 0, true, false, paramset.Dropped{}},
		{"HEVC RASL picture", media.CodecHEVC, []string{"1201"}, 1, 0, true, false, paramset.Dropped{}},
		{"HEVC unit of one byte", media.CodecHEVC, []string{"02"}, 0, 0, false, false, paramset.Dropped{Invalid: 1}},
		{"neither", media.CodecAV1, []string{"0201"}, 0, 0, false, false, paramset.Dropped{Invalid: 1}},
	}
	var p paramset.Picture // reused: nothing of one access unit may stick to the next
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var units [][]byte
			for _, u := range tt.units {
				units = append(units, unhex(t, u))
			}
			p.Sift(tt.codec, units)
			if len(p.Units) != tt.keep || len(p.Sets) != tt.sets || p.Coded != tt.coded || p.RandomAccess != tt.random || p.Dropped != tt.dropped {
				t.Errorf("Sift: %d units, %d sets, coded %v, random access %v, dropped %+v; want %+v", len(p.Units), len(p.Sets), p.Coded, p.RandomAccess, p.Dropped, tt)
			}
			if want := tt.name == "HEVC RASL picture"; p.Skipped != want {
				t.Errorf("Skipped = %v, want %v", p.Skipped, want)
			}
			if c := paramset.Clone(p.Units); !slices.EqualFunc(c, p.Units, bytes.Equal) {
				t.Errorf("Clone = %x, want %x", c, p.Units)
			}
		})
	}
}
