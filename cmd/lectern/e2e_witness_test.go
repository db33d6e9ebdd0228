//go:build e2e

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/Eyevinn/mp4ff/avc"
	"github.com/Eyevinn/mp4ff/mp4"

	"github.com/lectern/lectern/realtime/api"
)

// witnessed are renditions of every kind: passed through, encoded, and both sounds.
var witnessed = []string{"source", "180p", "audio", "audio-only"}

// TestWitnesses lets programs that are not ours read a class, while it is live and
// when it is over. None of them may complain, and each must find as much as every
// other.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir(), "LECTERN_TRANSCODE_LADDER="+strings.Join(witnessed, ","),
		"LECTERN_HLS_SEGMENT_DURATION=2s", "LECTERN_HLS_PART_DURATION=400ms",
		"LECTERN_HLS_WINDOW=1h") // who is slow may fall behind
	s := source{video: "testsrc2=s=480x270:r=25", audio: tone, codec: []string{"-g", "50", "-keyint_min", "50"}}.withDefaults()
	// 15 s are no whole number of segments, so that both tracks end in the same one.
	file := s.record(t, "lesson.mp4", 15)
	classes := map[string]api.Class{}
	for _, id := range []string{"live", "over"} {
		c, err := srv.api.Create(t.Context(), api.CreateClass{ID: id, Title: id})
		if err != nil {
			t.Fatal(err)
		}
		classes[id] = c
	}
	live, over := classes["live"], classes["over"]
	endless := start(t, s.replay(file, live))
	lesson := s.replay(file, over)
	lesson.Args = slices.DeleteFunc(lesson.Args, func(arg string) bool { return arg == "-stream_loop" || arg == "-1" })
	once := start(t, lesson)
	until(t, func() string { return srv.published(t, endless, live, 0, 3) })

	var wg sync.WaitGroup
	wg.Go(func() { // more than the live list has: it must load it again
		if pictures, samples := gstreamer(t, live.Playback.HLS, 250); pictures < 250 || samples == 0 {
			t.Errorf("GStreamer, live: %d pictures and %d samples of sound of %s, want 250 pictures at least", pictures, samples, live.Playback.HLS)
		}
	})
	wg.Go(func() {
		for stream, n := range ffmpegFrames(t, live.Playback.HLS, "-map", "0:v:0", "-map", "0:a:0", "-t", "6") {
			if want := []int{6 * 25, 6*48000/1024 + 1}[stream]; n < want-1 || n > want+1 {
				t.Errorf("ffmpeg, live: %d frames in stream %d of 6 s of %s, want about %d", n, stream, live.Playback.HLS, want)
			}
		}
	})
	wg.Wait()
	endless.kill()

	<-once.done
	if said := once.stderr.String(); said != "" {
		t.Fatalf("the encoder says %s", said)
	}
	if _, err := srv.api.End(t.Context(), over.ID); err != nil {
		t.Fatal(err)
	}
	until(t, func() string {
		if code, body := get(t, over.Playback.HLS); code != http.StatusOK || !strings.Contains(body, "/recording.m3u8") {
			return fmt.Sprintf("%s: %d %s", over.Playback.HLS, code, body)
		}
		return ""
	})
	srv.readRecording(t, over, 15)
}

// readRecording lets the witnesses read all of an ended class that was live without
// a break for so many seconds.
func (s *server) readRecording(t *testing.T, c api.Class, seconds int) {
	t.Helper()
	found := map[string]int{} // samples, as mp4ff has counted
	whole := true
	for _, name := range witnessed {
		playlist := strings.Replace(c.Playback.HLS, "index.m3u8", name+"/recording.m3u8", 1)
		segments := readPlaylist(t, playlist)
		complete := !slices.ContainsFunc(segments, func(l listed) bool { return l.gap })
		whole = whole && complete
		if !complete && (name != "180p" || s.skipped(t) == 0) { // the encoder may be too slow on this machine
			t.Errorf("%s has gaps", playlist)
		}
		file, samples := boxes(t, segments)
		found[name] = samples
		if n := shakaPackager(t, file); n != samples {
			t.Errorf("shaka-packager writes %d samples of %s, mp4ff reads %d", n, playlist, samples)
		}
		if !complete {
			continue // ffmpeg knows no EXT-X-GAP
		}
		if n := ffmpegFrames(t, playlist)[0]; n != samples {
			t.Errorf("ffmpeg decodes %d frames of %s, mp4ff reads %d samples", n, playlist, samples)
		}
	}
	t.Logf("samples: %v", found)
	if pictures, sound := found["source"], found["audio"]; pictures != 25*seconds || sound < 48000*seconds/1024-1 || sound > 48000*seconds/1024+3 || found["audio-only"] != sound {
		t.Errorf("samples in %d s: %v", seconds, found)
	}
	if found["180p"] != found["source"] && s.skipped(t) == 0 {
		t.Errorf("not as many pictures in all renditions: %v", found)
	}
	address := c.Playback.HLS
	if whole {
		probeAll(t, address, len(witnessed))
	} else {
		address = strings.Replace(address, "index.m3u8", "source/recording.m3u8", 1)
	}
	pictures, sound := gstreamer(t, address, 0)
	if pictures > found["source"] || pictures < min(found["source"], found["180p"]) {
		t.Errorf("GStreamer decodes %d pictures of %s, mp4ff reads %v", pictures, address, found)
	}
	if most := 1024 * found["audio"]; whole && (sound > most || sound < most-2*1024) { // decoders may swallow the first frame
		t.Errorf("GStreamer decodes %d samples of sound of %s, want %d", sound, address, most)
	}
}

// consult runs a program that must end well, and returns what it printed and what
// it complained of.
func consult(t *testing.T, name string, args ...string) (stdout, complaints string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Errorf("%s %s: %v\n%s%s", filepath.Base(name), strings.Join(args, " "), errors.Join(err, ctx.Err()), tail(out.String()), tail(said.String()))
	}
	return out.String(), said.String()
}

// tail is the end of what a program said.
func tail(s string) string { return s[max(0, len(s)-2000):] }

// gstreamer decodes pictures and sound of a presentation, until it has enough
// pictures or, if that is 0, to the end. It returns how many pictures and samples of
// sound came out.
func gstreamer(t *testing.T, address string, enough int) (pictures, samples int) {
	t.Helper()
	const side = 16 // of a picture in the file: a byte a pixel
	dir := t.TempDir()
	video, audio := filepath.Join(dir, "video"), filepath.Join(dir, "audio")
	args := []string{
		"-q", "uridecodebin3", "uri=" + address, "name=d",
		"d.", "!", "video/x-raw", "!", "queue", "!", "videoconvert", "!", "videoscale", "!",
		fmt.Sprintf("video/x-raw,format=GRAY8,width=%d,height=%d", side, side), "!", "filesink", "buffer-mode=unbuffered", "location=" + video,
	}
	if !strings.Contains(address, "/source/") {
		args = append(args, "d.", "!", "audio/x-raw", "!", "queue", "!", "audioconvert", "!",
			"audio/x-raw,format=S16LE,channels=1", "!", "filesink", "buffer-mode=unbuffered", "location="+audio)
	}
	size := func(file string) int {
		info, err := os.Stat(file)
		if err != nil {
			return 0
		}
		return int(info.Size())
	}
	cmd := exec.Command("gst-launch-1.0", args...)
	var out bytes.Buffer
	cmd.Stdout = &out
	p := start(t, cmd)
	interrupted := false
	until(t, func() string {
		select {
		case <-p.done:
			return ""
		default:
		}
		pictures, samples = size(video)/side/side, size(audio)/2
		if enough > 0 && pictures >= enough && samples > 0 && !interrupted {
			interrupted = true
			_ = cmd.Process.Signal(os.Interrupt)
		}
		return fmt.Sprintf("GStreamer has %d pictures, %d samples of sound of %s", pictures, samples, address)
	})
	said := out.String() + p.stderr.String()
	bad := func(word string) bool { return strings.Contains(said, word) }
	if bad("ERROR") || bad("WARN") || bad("CRITICAL") || !interrupted && !cmd.ProcessState.Success() {
		t.Errorf("GStreamer reads %s: %v\n%s", address, cmd.ProcessState, tail(said))
	}
	return size(video) / side / side, size(audio) / 2
}

// ffmpegFrames decodes a presentation and returns how many frames each of its
// streams has. Their times must rise.
func ffmpegFrames(t *testing.T, address string, more ...string) map[int]int {
	t.Helper()
	args := slices.Concat([]string{"-v", "error", "-xerror", "-nostdin", "-i", address}, more,
		[]string{"-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framecrc", "-"})
	out, said := consult(t, "ffmpeg", args...)
	if said != "" {
		t.Errorf("ffmpeg reads %s:\n%s", address, tail(said))
	}
	frames, last := map[int]int{}, map[int]int{}
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var stream, dts, pts int
		if _, err := fmt.Sscanf(line, "%d, %d, %d,", &stream, &dts, &pts); err != nil {
			t.Fatalf("framecrc: %q: %v", line, err)
		}
		if frames[stream] > 0 && pts <= last[stream] {
			t.Errorf("%s: stream %d has a frame at %d after %d", address, stream, pts, last[stream])
		}
		frames[stream]++
		last[stream] = pts
	}
	if len(frames) == 0 {
		t.Errorf("ffmpeg decodes nothing of %s", address)
	}
	return frames
}

// shakaPackager repackages an initialization section and what follows it, and
// returns how many samples it took over.
func shakaPackager(t *testing.T, file string) int {
	t.Helper()
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	// Not by npm's name for it: that swallows the exit status.
	program := "../../realtime/web/e2e/node_modules/shaka-packager/bin/packager-linux-" + arch
	repackaged := file + ".shaka.mp4"
	_, said := consult(t, program, "in="+file+",stream=0,output="+repackaged)
	for line := range strings.Lines(said) {
		if !strings.HasPrefix(line, "I") && !strings.Contains(line, "EditList") && !strings.Contains(line, "Adjusting timestamps by") {
			// HLS has no use for edit lists: all renditions lie on one timeline.
			t.Errorf("shaka-packager reads %s: %s", file, line)
		}
	}
	f, err := mp4.ReadMP4File(repackaged)
	if err != nil {
		t.Fatalf("shaka-packager wrote of %s: %v", file, err)
	}
	samples := 0
	for _, s := range f.Segments {
		for _, fragment := range s.Fragments {
			samples += int(fragment.Moof.Traf.Trun.SampleCount())
		}
	}
	return samples
}

// boxes reads the segments of a recording with mp4ff. It returns a file of all of
// them, whose name has that of the rendition, and how many samples they have.
func boxes(t *testing.T, segments []listed) (file string, samples int) {
	t.Helper()
	if len(segments) == 0 {
		t.Fatal("no segments")
	}
	var all bytes.Buffer
	var init *mp4.File
	var from string
	next := uint64(0) // decode time
	for i, seg := range segments {
		if seg.init != from {
			from = seg.init
			section := download(t, from)
			init = readInit(t, from, []byte(section))
			all.WriteString(section)
		}
		if seg.gap {
			continue
		}
		media := download(t, seg.uri)
		all.WriteString(media)
		n, end := readBoxes(t, seg, init, []byte(media), next, i == 0 || seg.discontinuity || segments[i-1].gap)
		samples, next = samples+n, end
	}
	parts := strings.Split(segments[0].uri, "/")
	return writeFile(t, t.TempDir(), parts[len(parts)-2]+".mp4", all.Bytes()), samples
}

// readInit reads an initialization section (RFC 8216bis §3.1.2).
func readInit(t *testing.T, from string, data []byte) *mp4.File {
	t.Helper()
	f := parseBoxes(t, from, data)
	if f.Ftyp == nil || f.Moov == nil || f.Moov.Mvex == nil || f.Moov.Mvex.Trex == nil || len(f.Moov.Traks) != 1 || f.Mdat != nil {
		t.Fatalf("%s is no initialization section of one track", from)
	}
	later := []string{"iso6", "iso7", "iso8", "iso9", "isoa", "isob", "isoc"}
	if !slices.ContainsFunc(append(f.Ftyp.CompatibleBrands(), f.Ftyp.MajorBrand()), func(b string) bool { return slices.Contains(later, b) }) {
		t.Errorf("%s has the brands %s %v, none of them iso6 or later", from, f.Ftyp.MajorBrand(), f.Ftyp.CompatibleBrands())
	}
	if f.Moov.Mvhd.Duration != 0 || f.Moov.Trak.Tkhd.Duration != 0 {
		t.Errorf("%s has the durations %d and %d", from, f.Moov.Mvhd.Duration, f.Moov.Trak.Tkhd.Duration)
	}
	if x := f.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX; x != nil {
		sps, err := avc.ParseSPSNALUnit(x.AvcC.SPSnalus[0], true)
		if err != nil || sps.Width != uint(x.Width) || sps.Height != uint(x.Height) {
			t.Errorf("%s is %dx%d, its SPS %+v, %v", from, x.Width, x.Height, sps, err)
		}
	}
	return f
}

// readBoxes reads a segment: every fragment continues the one before, the first
// from time on, or later if fresh; the first sample is a random access point. It
// returns how many samples there are, and where they end.
func readBoxes(t *testing.T, seg listed, init *mp4.File, data []byte, time uint64, fresh bool) (samples int, end uint64) {
	t.Helper()
	f := parseBoxes(t, seg.uri, data)
	if f.Moov != nil || len(f.Segments) == 0 {
		t.Fatalf("%s has no media, or more", seg.uri)
	}
	video := init.Moov.Trak.Mdia.Minf.Stbl.Stsd.AvcX != nil
	for _, s := range f.Segments {
		for i, fragment := range s.Fragments {
			where := fmt.Sprintf("%s, fragment %d", seg.uri, i)
			if fragment.Moof == nil || fragment.Mdat == nil || len(fragment.Moof.Trafs) != 1 || fragment.Moof.Traf.Tfdt == nil {
				t.Fatalf("%s: not one moof with one traf, its tfdt and mdat", where)
			}
			got := fragment.Moof.Traf.Tfdt.BaseMediaDecodeTime()
			if got < time || !fresh && got != time {
				t.Errorf("%s: tfdt %d after samples until %d", where, got, time)
			}
			time, fresh = got, false
			full, err := fragment.GetFullSamples(init.Moov.Mvex.Trex)
			if err != nil || len(full) == 0 {
				t.Fatalf("%s: %d samples, %v", where, len(full), err)
			}
			size := 0
			for _, sample := range full {
				size += len(sample.Data)
				if samples == 0 && !sample.IsSync() {
					t.Errorf("%s: the first sample is no random access point", where)
				}
				if video {
					if _, err := avc.GetNalusFromSample(sample.Data); err != nil || avc.IsIDRSample(sample.Data) != sample.IsSync() {
						t.Errorf("%s: sample %d: NAL units %v, sync %v, %v", where, samples, avc.FindNaluTypes(sample.Data), sample.IsSync(), err)
					}
				}
				time += uint64(sample.Dur)
				samples++
			}
			if size != len(fragment.Mdat.Data) {
				t.Errorf("%s: samples of %d bytes in an mdat of %d", where, size, len(fragment.Mdat.Data))
			}
		}
	}
	return samples, time
}

// parseBoxes reads a file. Written again it must be the same: so every box was
// understood.
func parseBoxes(t *testing.T, from string, data []byte) *mp4.File {
	t.Helper()
	f, err := mp4.DecodeFile(bytes.NewReader(data), mp4.WithEncodeMode(mp4.EncModeBoxTree))
	if err != nil {
		t.Fatalf("mp4ff reads %s: %v", from, err)
	}
	var again bytes.Buffer
	if err := f.Encode(&again); err != nil || !bytes.Equal(again.Bytes(), data) {
		t.Errorf("mp4ff writes %s as %d bytes, not the same %d, %v", from, again.Len(), len(data), err)
	}
	return f
}
