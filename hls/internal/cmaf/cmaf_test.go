package cmaf_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	amp4 "github.com/abema/go-mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"github.com/lectern/lectern/hls/internal/cmaf"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

func tracks(tb testing.TB, cfg mediatest.Config) (video, audio media.Track) {
	tb.Helper()
	list := mediatest.New(tb, cfg).Tracks()
	video, _ = media.Find(list, media.KindVideo)
	audio, _ = media.Find(list, media.KindAudio)
	return video, audio
}

func initOf(tb testing.TB, t media.Track) []byte {
	tb.Helper()
	b, err := cmaf.Init(t)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// box finds the payload of the first box with this path.
func box[T any](tb testing.TB, file []byte, path ...string) *T {
	tb.Helper()
	var p amp4.BoxPath
	for _, name := range path {
		p = append(p, amp4.StrToBoxType(name))
	}
	found, err := amp4.ExtractBoxWithPayload(bytes.NewReader(file), nil, p)
	if err != nil || len(found) == 0 {
		tb.Fatalf("box %s: %v", strings.Join(path, "/"), err)
	}
	payload, ok := any(found[0].Payload).(*T)
	if !ok {
		tb.Fatalf("box %s is a %T", strings.Join(path, "/"), found[0].Payload)
	}
	return payload
}

func TestInitStructure(t *testing.T) {
	video, audio := tracks(t, mediatest.Config{})
	hevc, _ := tracks(t, mediatest.Config{Codec: media.CodecHEVC})
	for _, tc := range []struct {
		name  string
		track media.Track
	}{{"H.264", video}, {"HEVC", hevc}, {"AAC", audio}} {
		t.Run(tc.name, func(t *testing.T) {
			file := initOf(t, tc.track)
			if !bytes.Equal(file, initOf(t, tc.track)) {
				t.Error("equal tracks, different bytes")
			}
			ftyp := box[amp4.Ftyp](t, file, "ftyp")
			brands := []string{string(ftyp.MajorBrand[:])}
			for _, b := range ftyp.CompatibleBrands {
				brands = append(brands, string(b.CompatibleBrand[:]))
			}
			for _, want := range []string{"iso6", "cmfc"} {
				if !slices.Contains(brands, want) {
					t.Errorf("brands %v lack %s", brands, want)
				}
			}
			if d := box[amp4.Mvhd](t, file, "moov", "mvhd").DurationV0; d != 0 {
				t.Errorf("mvhd duration %d", d)
			}
			if d := box[amp4.Tkhd](t, file, "moov", "trak", "tkhd").DurationV0; d != 0 {
				t.Errorf("tkhd duration %d", d)
			}
			if id := box[amp4.Trex](t, file, "moov", "mvex", "trex").TrackID; id != cmaf.TrackID {
				t.Errorf("trex track %d", id)
			}
			if n := box[amp4.Stsz](t, file, "moov", "trak", "mdia", "minf", "stbl", "stsz").SampleCount; n != 0 {
				t.Errorf("%d samples in the init section", n)
			}
			if ts := box[amp4.Mdhd](t, file, "moov", "trak", "mdia", "mdhd").Timescale; ts != uint32(tc.track.Timescale) {
				t.Errorf("timescale %d", ts)
			}
			var parsed fmp4.Init
			if err := parsed.Unmarshal(bytes.NewReader(file)); err != nil || len(parsed.Tracks) != 1 {
				t.Fatalf("parse back: %v", err)
			}
			switch c := parsed.Tracks[0].Codec.(type) {
			case *codecs.H264:
				if !bytes.Equal(c.SPS, video.Video.ParameterSets[0]) || !bytes.Equal(c.PPS, video.Video.ParameterSets[1]) {
					t.Error("H.264 parameter sets differ")
				}
			case *codecs.H265:
				sets := hevc.Video.ParameterSets
				if !bytes.Equal(c.VPS, sets[0]) || !bytes.Equal(c.SPS, sets[1]) || !bytes.Equal(c.PPS, sets[2]) {
					t.Error("HEVC parameter sets differ")
				}
			case *codecs.MPEG4Audio:
				if c.Config.SampleRate != 48000 || c.Config.ChannelConfig != 2 || c.Config.Type != mpeg4audio.ObjectTypeAACLC {
					t.Errorf("AAC config %+v", c.Config)
				}
			default:
				t.Errorf("parsed as %T", c)
			}
		})
	}
}

func TestHEVCConfiguration(t *testing.T) {
	hevc, _ := tracks(t, mediatest.Config{Codec: media.CodecHEVC})
	file := initOf(t, hevc)
	c := box[amp4.HvcC](t, file, "moov", "trak", "mdia", "minf", "stbl", "stsd", "hvc1", "hvcC")
	if c.GeneralProfileIdc != 1 || int(c.GeneralLevelIdc) != hevc.Video.Level || c.LengthSizeMinusOne != 3 || c.NumOfNaluArrays != 3 {
		t.Errorf("hvcC %+v", c)
	}
	got, err := cmaf.Codecs(hevc)
	if err != nil || !strings.HasPrefix(got, "hvc1.1.6.L30.") {
		t.Errorf("codecs %q, %v", got, err)
	}
}

// The bits beside lengthSizeMinusOne, which parsers do not tell.
func TestConfigurationBits(t *testing.T) {
	after := func(file []byte, name string) []byte {
		_, record, ok := bytes.Cut(file, []byte(name))
		if !ok {
			t.Fatalf("no %s", name)
		}
		return record
	}
	avc, _ := tracks(t, mediatest.Config{})
	if got := after(initOf(t, avc), "avcC")[4]; got != 0xff { // six reserved bits, all set: ISO/IEC 14496-15 §5.3.3.1
		t.Errorf("avcC has %#x before its parameter sets, want 0xff", got)
	}
	hevc, _ := tracks(t, mediatest.Config{Codec: media.CodecHEVC})
	// sps_max_sub_layers_minus1 and sps_temporal_id_nesting_flag, then lengthSizeMinusOne.
	layers := hevc.Video.ParameterSets[1][2]&15 + 2
	if got := after(initOf(t, hevc), "hvcC")[21]; got != layers<<2|3 {
		t.Errorf("hvcC has %#b before its parameter sets, want %#b", got, layers<<2|3)
	}
}

func TestAspectRatio(t *testing.T) {
	video, _ := tracks(t, mediatest.Config{})
	video.Video.SARWidth, video.Video.SARHeight = 4, 3
	file := initOf(t, video)
	p := box[amp4.PixelAspectRatioBox](t, file, "moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1", "pasp")
	if p.HSpacing != 4 || p.VSpacing != 3 {
		t.Errorf("pasp %d:%d", p.HSpacing, p.VSpacing)
	}
	if w := box[amp4.Tkhd](t, file, "moov", "trak", "tkhd").GetWidthInt(); w != 85 {
		t.Errorf("display width %d of 64 at 4:3", w)
	}
}

func TestCodecs(t *testing.T) {
	video, audio := tracks(t, mediatest.Config{})
	video.Video.ParameterSets = [][]byte{{0x67, 0x64, 0x00, 0x1f, 0xac}, {0x68, 1}}
	he := audio
	he.Audio.ObjectType = 5
	for _, tc := range []struct {
		name  string
		track media.Track
		want  string
	}{
		{"H.264", video, "avc1.64001f"},
		{"AAC-LC", audio, "mp4a.40.2"},
		{"HE-AAC", he, "mp4a.40.5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, err := cmaf.Codecs(tc.track); err != nil || got != tc.want {
				t.Errorf("codecs %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestRefusesUnknownFormats(t *testing.T) {
	for _, tc := range []struct {
		name  string
		track media.Track
	}{
		{"VP8", media.Track{Codec: media.CodecVP8}},
		{"H.264 without SPS", media.Track{Codec: media.CodecH264}},
		{"H.264 without PPS", media.Track{Codec: media.CodecH264, Video: media.VideoFormat{ParameterSets: [][]byte{{0x67, 1, 2, 3}}}}},
		{"H.264 with a short SPS", media.Track{Codec: media.CodecH264, Video: media.VideoFormat{ParameterSets: [][]byte{{0x67}, {0x68}, {}}}}},
		{"HEVC with a short SPS", media.Track{Codec: media.CodecHEVC, Video: media.VideoFormat{ParameterSets: [][]byte{{0x40, 1}, {0x42, 1, 1, 2}, {0x44, 1}}}}},
		{"AAC without configuration", media.Track{Codec: media.CodecAAC}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := cmaf.Init(tc.track); !errors.Is(err, cmaf.ErrFormat) {
				t.Errorf("init: %v", err)
			}
		})
	}
}

func TestFragment(t *testing.T) {
	for _, tc := range []struct {
		name    string
		kind    media.Kind
		samples []cmaf.Sample
	}{
		{"even pictures", media.KindVideo, []cmaf.Sample{
			{Duration: 3000, Sync: true, Payload: [][]byte{{1, 2, 3}, {4}}}, {Duration: 3000, Payload: [][]byte{{5}}},
		}},
		{"uneven pictures out of order", media.KindVideo, []cmaf.Sample{
			{Duration: 3000, CompositionOffset: 3000, Sync: true, Payload: [][]byte{{1}}},
			{Duration: 2999, CompositionOffset: -1, Payload: [][]byte{{2, 2}}},
			{Duration: 1, CompositionOffset: 0, Payload: [][]byte{{3}}},
		}},
		{"sound", media.KindAudio, []cmaf.Sample{
			{Duration: 1024, Sync: true, Payload: [][]byte{{1, 2}}}, {Duration: 1024, Sync: true, Payload: [][]byte{{3}}},
		}},
		{"uneven sound", media.KindAudio, []cmaf.Sample{
			{Duration: 1024, Sync: true, Payload: [][]byte{{1, 2}}}, {Duration: 1000, Sync: true, Payload: [][]byte{{3}}},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const decodeTime = 1 << 40
			b := cmaf.Fragment(tc.kind, 77, decodeTime, tc.samples)
			if cap(b) != len(b) {
				t.Errorf("%d bytes in a buffer of %d", len(b), cap(b))
			}
			tfhd := box[amp4.Tfhd](t, b, "moof", "traf", "tfhd")
			if f := tfhd.GetFlags(); f&0x020000 == 0 || f&1 != 0 {
				t.Errorf("tfhd flags %#x", f)
			}
			if v := box[amp4.Tfdt](t, b, "moof", "traf", "tfdt").GetVersion(); v != 1 {
				t.Errorf("tfdt version %d", v)
			}
			trun := box[amp4.Trun](t, b, "moof", "traf", "trun")
			var parts fmp4.Parts
			if err := parts.Unmarshal(b); err != nil || len(parts) != 1 || len(parts[0].Tracks) != 1 {
				t.Fatalf("parse back: %v", err)
			}
			got := parts[0].Tracks[0]
			if parts[0].SequenceNumber != 77 || got.BaseTime != decodeTime || len(got.Samples) != len(tc.samples) {
				t.Fatalf("sequence %d, time %d, %d samples", parts[0].SequenceNumber, got.BaseTime, len(got.Samples))
			}
			at := int(trun.DataOffset)
			for i, want := range tc.samples {
				g := got.Samples[i]
				var payload []byte
				for _, u := range want.Payload {
					if tc.kind == media.KindVideo {
						payload = append(payload, 0, 0, 0, byte(len(u)))
					}
					payload = append(payload, u...)
				}
				if g.Duration != want.Duration || g.PTSOffset != want.CompositionOffset || g.IsNonSyncSample == want.Sync ||
					!bytes.Equal(g.Payload, payload) || !bytes.Equal(b[at:at+len(payload)], payload) {
					t.Errorf("sample %d is %+v, want %+v", i, g, want)
				}
				at += len(payload)
			}
			if at != len(b) {
				t.Errorf("mdat ends at %d of %d", at, len(b))
			}
		})
	}
}

// FuzzInit checks that no parameter set can break the writer.
func FuzzInit(f *testing.F) {
	hevc, audio := tracks(f, mediatest.Config{Codec: media.CodecHEVC})
	video, _ := tracks(f, mediatest.Config{})
	f.Add(uint8(media.CodecH264), video.Video.ParameterSets[0], video.Video.ParameterSets[1], []byte(nil))
	f.Add(uint8(media.CodecHEVC), hevc.Video.ParameterSets[0], hevc.Video.ParameterSets[1], hevc.Video.ParameterSets[2])
	f.Add(uint8(media.CodecAAC), audio.Audio.Config, []byte(nil), []byte(nil))
	f.Fuzz(func(t *testing.T, codec uint8, a, b, c []byte) {
		track := media.Track{
			Codec: media.Codec(codec), Timescale: 90000,
			Video: media.VideoFormat{ParameterSets: [][]byte{a, b, c}, Width: 64, Height: 36, BitDepth: 8, ChromaFormat: 1},
			Audio: media.AudioFormat{Config: a, SampleRate: 48000, Channels: 2},
		}
		file, err := cmaf.Init(track)
		if err != nil {
			return
		}
		if _, err = cmaf.Codecs(track); err != nil {
			t.Fatalf("init section but no codecs: %v", err)
		}
		// The boxes fill the file exactly, whatever they hold.
		n := uint64(0)
		_, err = amp4.ReadBoxStructure(bytes.NewReader(file), func(h *amp4.ReadHandle) (any, error) {
			n += h.BoxInfo.Size
			return nil, nil
		})
		if err != nil || n != uint64(len(file)) {
			t.Fatalf("boxes take %d of %d bytes: %v", n, len(file), err)
		}
	})
}

// BenchmarkFragment builds half a second of 30 fps video at 4 Mbit/s.
func BenchmarkFragment(b *testing.B) {
	samples := make([]cmaf.Sample, 15)
	for i := range samples {
		samples[i] = cmaf.Sample{Duration: 3000, Sync: i == 0, Payload: [][]byte{make([]byte, 40), make([]byte, 16600)}}
	}
	b.SetBytes(int64(15 * 16648))
	b.ReportAllocs()
	for b.Loop() {
		if len(cmaf.Fragment(media.KindVideo, 1, 1<<33, samples)) == 0 {
			b.Fatal("empty")
		}
	}
}

func TestDisplaySize(t *testing.T) {
	for _, tc := range []struct {
		name          string
		v             media.VideoFormat
		width, height int
	}{
		{"square", media.VideoFormat{Width: 1280, Height: 720, SARWidth: 1, SARHeight: 1}, 1280, 720},
		{"not stated", media.VideoFormat{Width: 641, Height: 361}, 641, 361},
		{"wide", media.VideoFormat{Width: 640, Height: 480, SARWidth: 4, SARHeight: 3}, 854, 480},
		{"PAL", media.VideoFormat{Width: 720, Height: 576, SARWidth: 16, SARHeight: 15}, 768, 576},
		{"HDV", media.VideoFormat{Width: 1440, Height: 1080, SARWidth: 4, SARHeight: 3}, 1920, 1080},
		{"audio", media.VideoFormat{}, 0, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if w, h := cmaf.DisplaySize(tc.v); w != tc.width || h != tc.height {
				t.Errorf("%dx%d, want %dx%d", w, h, tc.width, tc.height)
			}
		})
	}
}
