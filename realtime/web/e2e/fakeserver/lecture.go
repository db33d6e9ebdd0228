package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// lectureSeconds is how long the talk is before it begins again: a whole number of
// frames of video and of audio.
const lectureSeconds = 64

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

// frameTicks is the length of a frame in the time scale of its track: 8192/8 for
// video, a frame of AAC for audio.
const frameTicks = 1024

// lecture is an encoded talk: video (v, and smaller m and l) and audio (a, and o
// for bad links).
type lecture struct {
	folder string
	tracks map[string]*track
}

// track is one rendition of the talk.
type track struct {
	timescale int64
	init      []byte
	frames    [][]byte // each a moof and an mdat
}

// frame returns the number of the first frame that begins at d or later.
func (t *track) frame(d time.Duration) int {
	ticks := int64(d/time.Millisecond) * t.timescale
	return int((ticks + frameTicks*1000 - 1) / (frameTicks * 1000))
}

// length is how long the frames from from up to, but without, to are.
func (t *track) length(from, to int) time.Duration {
	return time.Duration(int64(to-from) * frameTicks * int64(time.Second) / t.timescale)
}

// media returns the frames from from up to, but without, to. The talk is endless:
// after its last frame comes the first, and media time goes on.
func (t *track) media(from, to int) []byte {
	var out []byte
	for k := from; k < to; k++ {
		at := len(out)
		out = append(out, t.frames[k%len(t.frames)]...)
		if i := bytes.Index(out[at:], []byte("tfdt")); i >= 0 {
			binary.BigEndian.PutUint64(out[at+i+8:], uint64(k)*frameTicks)
		}
	}
	return out
}

// loadLecture encodes the talk unless folder already has it, whole.
func loadLecture(ctx context.Context, folder string) (*lecture, error) {
	if _, err := os.Stat(folder); err != nil {
		if err = encodeInto(ctx, folder); err != nil {
			return nil, err
		}
	}
	talk := &lecture{folder: folder, tracks: map[string]*track{}}
	for name, scale := range map[string]int64{"v": 8192, "m": 8192, "l": 8192, "a": 48000, "o": 48000} {
		file, err := os.ReadFile(filepath.Join(folder, name+".mp4"))
		if err != nil {
			return nil, err
		}
		t, err := readTrack(file)
		if err != nil {
			return nil, fmt.Errorf("read %s.mp4: %w", name, err)
		}
		t.timescale = scale
		n := int(lectureSeconds * scale / frameTicks)
		if len(t.frames) < n {
			return nil, fmt.Errorf("%s.mp4 has only %d frames", name, len(t.frames))
		}
		t.frames = t.frames[:n]
		talk.tracks[name] = t
	}
	return talk, nil
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
		if _, serr := os.Stat(folder); serr != nil {
			return fmt.Errorf("put the lecture in its place: %w", err)
		}
	}
	return nil
}

func encode(ctx context.Context, folder string) error {
	length := strconv.Itoa(lectureSeconds)
	args := []string{
		"-nostdin", "-v", "error", "-y",
		"-f", "lavfi", "-i", "color=size=960x540:rate=8:duration=" + length + "," + slide,
		"-f", "lavfi", "-i", "sine=frequency=330:beep_factor=4:sample_rate=48000:duration=" + length,
	}
	video := []string{
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "8", "-keyint_min", "8",
		"-sc_threshold", "0", "-bf", "0", "-video_track_timescale", "8192",
	}
	args = append(args, "-filter_complex", "[0:v]split=3[v][b][c];[b]scale=640:360[m];[c]scale=320:180[l]")
	for _, track := range [][]string{
		append([]string{"v", "-map", "[v]"}, video...),
		append([]string{"m", "-map", "[m]"}, video...),
		append([]string{"l", "-map", "[l]"}, video...),
		{"a", "-map", "1:a", "-c:a", "aac", "-b:a", "48k"},
		{"o", "-map", "1:a", "-c:a", "aac", "-b:a", "24k"},
	} {
		args = append(args, track[1:]...)
		args = append(args, "-f", "mp4", "-use_editlist", "0", "-movflags", "empty_moov+default_base_moof+frag_every_frame",
			"-brand", "iso6", filepath.Join(folder, track[0]+".mp4"))
	}
	args = append(args, "-map", "0:v", "-frames:v", "1", "-s", "320x180", "-update", "1", filepath.Join(folder, "thumbnail.jpg"))
	out, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("encode lecture: %w: %s", err, out)
	}
	return nil
}

// readTrack takes a file of one fragment a frame apart.
func readTrack(file []byte) (*track, error) {
	t := &track{}
	for len(file) > 0 {
		if len(file) < 8 {
			return nil, errors.New("torn box header")
		}
		size := int(binary.BigEndian.Uint32(file))
		if size < 8 || size > len(file) {
			return nil, fmt.Errorf("box of %d bytes in %d", size, len(file))
		}
		box := file[:size]
		file = file[size:]
		switch string(box[4:8]) {
		case "ftyp", "moov":
			t.init = append(t.init, box...)
		case "moof":
			t.frames = append(t.frames, slices.Clone(box))
		case "mdat":
			if len(t.frames) == 0 {
				return nil, errors.New("mdat before moof")
			}
			last := len(t.frames) - 1
			t.frames[last] = append(t.frames[last], box...)
		}
	}
	return t, nil
}
