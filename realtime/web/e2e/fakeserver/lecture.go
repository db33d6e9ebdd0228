package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const lectureSeconds = 60

// slide is what the lecture shows: text, so that a screenshot says something, and
// a clock that moves.
const slide = "drawbox=x=0:y=0:w=iw:h=ih:color=0xf4f1ea:t=fill," +
	"drawbox=x=0:y=0:w=18:h=ih:color=0x14606b:t=fill," +
	"drawtext=font=Sans:text='Lecture 4':x=72:y=64:fontsize=26:fontcolor=0x14606b," +
	"drawtext=font=Sans:text='How plants store light':x=72:y=104:fontsize=52:fontcolor=0x1b2430," +
	"drawtext=font=Sans:text='1.  Chlorophyll takes up red and blue':x=72:y=220:fontsize=30:fontcolor=0x36404d," +
	"drawtext=font=Sans:text='2.  Water is split, oxygen leaves':x=72:y=280:fontsize=30:fontcolor=0x36404d," +
	"drawtext=font=Sans:text='3.  Carbon is bound in the Calvin cycle':x=72:y=340:fontsize=30:fontcolor=0x36404d," +
	"drawtext=font=Mono:text='%{pts\\:hms}':x=w-tw-48:y=h-80:fontsize=30:fontcolor=0x566070," +
	"drawbox=x=72:y=430:w=520:h=6:color=0xd9d2c4:t=fill"

// lecture is an encoded talk: video (v, and smaller m and l) and audio (a, and o
// for bad links) in segments of about a second.
type lecture struct {
	folder       string
	video, audio []time.Duration
}

// loadLecture encodes the talk unless folder already has it, whole.
func loadLecture(ctx context.Context, folder string) (*lecture, error) {
	if _, err := os.Stat(filepath.Join(folder, "a.m3u8")); err != nil {
		if err := encodeInto(ctx, folder); err != nil {
			return nil, err
		}
	}
	video, err := durations(filepath.Join(folder, "v.m3u8"))
	if err != nil {
		return nil, err
	}
	audio, err := durations(filepath.Join(folder, "a.m3u8"))
	if err != nil {
		return nil, err
	}
	n := min(len(video), len(audio))
	if n < lectureSeconds/2 {
		return nil, fmt.Errorf("lecture in %s has only %d segments", folder, n)
	}
	return &lecture{folder: folder, video: video[:n], audio: audio[:n]}, nil
}

// encodeInto makes folder appear when everything is in it.
func encodeInto(ctx context.Context, folder string) error {
	draft, err := os.MkdirTemp(filepath.Dir(folder), filepath.Base(folder)+"-")
	if err != nil {
		return fmt.Errorf("make folder for the lecture: %w", err)
	}
	defer func() { _ = os.RemoveAll(draft) }()
	if err = encode(ctx, draft); err != nil {
		return err
	}
	if err = os.Rename(draft, folder); err != nil {
		if _, serr := os.Stat(filepath.Join(folder, "a.m3u8")); serr != nil {
			return fmt.Errorf("put the lecture in its place: %w", err)
		}
	}
	return nil
}

func encode(ctx context.Context, folder string) error {
	length := strconv.Itoa(lectureSeconds)
	args := []string{
		"-nostdin", "-v", "error", "-y",
		"-f", "lavfi", "-i", "color=size=960x540:rate=15:duration=" + length + "," + slide,
		"-f", "lavfi", "-i", "sine=frequency=330:beep_factor=4:sample_rate=48000:duration=" + length,
	}
	video := []string{"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "15", "-sc_threshold", "0", "-bf", "0"}
	args = append(args, "-filter_complex", "[0:v]split=3[v][b][c];[b]scale=640:360[m];[c]scale=320:180[l]")
	for _, track := range [][]string{
		append([]string{"v", "-map", "[v]"}, video...),
		append([]string{"m", "-map", "[m]"}, video...),
		append([]string{"l", "-map", "[l]"}, video...),
		{"a", "-map", "1:a", "-c:a", "aac", "-b:a", "48k"},
		{"o", "-map", "1:a", "-c:a", "aac", "-b:a", "24k"},
	} {
		args = append(args, track[1:]...)
		args = append(args,
			"-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4",
			"-hls_fmp4_init_filename", track[0]+"-init.mp4",
			"-hls_segment_filename", filepath.Join(folder, track[0]+"%d.m4s"),
			filepath.Join(folder, track[0]+".m3u8"))
	}
	args = append(args, "-map", "0:v", "-frames:v", "1", "-s", "320x180", "-update", "1", filepath.Join(folder, "thumbnail.jpg"))
	out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("encode lecture: %w: %s", err, out)
	}
	return nil
}

// durations reads the EXTINF values of a playlist.
func durations(name string) ([]time.Duration, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var all []time.Duration
	for line := range strings.Lines(string(text)) {
		value, ok := strings.CutPrefix(line, "#EXTINF:")
		if !ok {
			continue
		}
		seconds, err := strconv.ParseFloat(strings.TrimRight(value, ",\r\n"), 64)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, time.Duration(seconds*float64(time.Second)))
	}
	return all, nil
}
