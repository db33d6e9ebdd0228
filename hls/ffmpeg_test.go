package hls_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// FFmpeg must read and decode every rendition: the section and the segments
// joined, as a player with Media Source Extensions appends them.
func TestFFmpegReadsRenditions(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  mediatest.Config
	}{
		{"H.264", mediatest.Config{}},
		{"H.264 with B pictures and sets in band", mediatest.Config{BFrames: true, InBand: true}},
		{"HEVC", mediatest.Config{Codec: media.CodecHEVC}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClass()
			c.publish(mediatest.New(t, tc.cfg), media.DiscontinuityStart, 8*time.Second)
			l := newMemoryLog()
			run(t, hls.DefaultConfig(), l, c.items, true, nil)
			for name, r := range l.renditions {
				file := filepath.Join(t.TempDir(), name+".mp4")
				whole := bytes.Clone(r.inits[0].Data)
				for _, s := range r.segments {
					whole = append(whole, r.bytes(s.MSN)...)
				}
				if err := os.WriteFile(file, whole, 0o600); err != nil {
					t.Fatal(err)
				}
				probe(t, file, name, tc.cfg)
			}
		})
	}
}

func probe(t *testing.T, file, name string, cfg mediatest.Config) {
	t.Helper()
	out := command(t, "ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_packets", "-of", "json", file)
	var got struct {
		Streams []struct {
			CodecName    string `json:"codec_name"`
			CodecTag     string `json:"codec_tag_string"`
			Frames       string `json:"nb_read_frames"`
			Width        int    `json:"width"`
			FrameRate    string `json:"avg_frame_rate"`
			SampleRate   string `json:"sample_rate"`
			ChannelCount int    `json:"channels"`
		} `json:"streams"`
		Packets []struct {
			DTS   int64  `json:"dts"`
			PTS   int64  `json:"pts"`
			Flags string `json:"flags"`
		} `json:"packets"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Streams) != 1 {
		t.Fatalf("%s: %d streams", name, len(got.Streams))
	}
	s := got.Streams[0]
	frames, err := strconv.Atoi(s.Frames)
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for i, p := range got.Packets {
		if i > 0 && p.DTS <= got.Packets[i-1].DTS {
			t.Errorf("%s: packet %d has dts %d after %d", name, i, p.DTS, got.Packets[i-1].DTS)
		}
		if p.Flags[0] == 'K' {
			keys++
		}
	}
	switch {
	case name == "audio": // and perhaps silence for as long as the last picture stands
		if s.CodecName != "aac" || s.SampleRate != "48000" || s.ChannelCount != 2 || frames < 375 || frames > 376 {
			t.Errorf("audio: %+v", s)
		}
	case s.Width != 64 || frames != 240 || keys != 4:
		t.Errorf("video: %+v with %d keyframes", s, keys)
	case cfg.Codec == media.CodecHEVC && s.CodecTag != "hvc1", cfg.Codec != media.CodecHEVC && s.CodecTag != "avc1":
		t.Errorf("video: %+v", s)
	}
	// Decoding says nothing when all is well.
	if noise := command(t, "ffmpeg", "-v", "error", "-xerror", "-i", file, "-f", "null", "-"); len(noise) > 0 {
		t.Errorf("%s: %s", name, noise)
	}
}

func command(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return out
}
