package ffmpeg_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/ffmpeg"
)

// recorder is an Output that keeps everything. It may be used from any goroutine.
type recorder struct {
	mu       sync.Mutex
	units    map[media.TrackID][]*media.AccessUnit
	stops    map[media.TrackID][]int64
	thumbs   []transcode.Thumbnail
	loudness []transcode.Loudness
	gate     <-chan struct{} // if set, access units wait for it
}

func newRecorder() *recorder {
	return &recorder{units: map[media.TrackID][]*media.AccessUnit{}, stops: map[media.TrackID][]int64{}}
}

func (r *recorder) AccessUnit(au *media.AccessUnit) {
	if r.gate != nil {
		<-r.gate
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.units[au.Track] = append(r.units[au.Track], au)
}

func (r *recorder) Stopped(track media.TrackID, at int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stops[track] = append(r.stops[track], at)
}

func (r *recorder) Thumbnail(t transcode.Thumbnail) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.thumbs = append(r.thumbs, t)
}

func (r *recorder) Loudness(l transcode.Loudness) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loudness = append(r.loudness, l)
}

// of returns what came of a track.
func (r *recorder) of(id media.TrackID) []*media.AccessUnit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*media.AccessUnit(nil), r.units[id]...)
}

func (r *recorder) stopped(id media.TrackID) []int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int64(nil), r.stops[id]...)
}

// keyframes returns the presentation times of a track's IDR pictures.
func (r *recorder) keyframes(id media.TrackID) []int64 {
	var out []int64
	for _, au := range r.of(id) {
		if au.RandomAccess {
			out = append(out, au.PTS)
		}
	}
	return out
}

// rung returns a small rendition.
func rung(id media.TrackID, name string, width, height int) transcode.VideoRung {
	return transcode.VideoRung{
		Track: id, Rendition: name, Width: width, Height: height, CRF: 23, MaxRate: 300_000, Buffer: 600_000, Level: 30,
	}
}

// newEngine returns an engine that must hold no object when the test ends.
func newEngine(tb testing.TB) *ffmpeg.Engine {
	tb.Helper()
	e := ffmpeg.New(ffmpeg.DefaultConfig(), ffmpeg.Deps{Logger: slog.New(slog.DiscardHandler)})
	tb.Cleanup(func() {
		if n := e.Objects(); n != 0 {
			tb.Errorf("%d C objects are left", n)
		}
	})
	return e
}

// open opens an encoding, which is closed with the test.
func open(tb testing.TB, e *ffmpeg.Engine, spec transcode.Spec, out transcode.Output) transcode.Encoding {
	tb.Helper()
	enc, err := e.Open(spec, out)
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	// Before the clean-up of the engine, as those run in reverse.
	tb.Cleanup(enc.Close)
	return enc
}

// unit puts a sample on a class's clock that begins with the publisher's.
func unit(s media.Sample, timescale media.Timescale) *media.AccessUnit {
	return &media.AccessUnit{
		Track: s.Track, PTS: timescale.Ticks(s.PTS), DTS: timescale.Ticks(s.DTS),
		RandomAccess: s.RandomAccess, Payload: s.Payload,
	}
}

// units returns the video access units of the next d of src.
func units(src *mediatest.Source, d time.Duration) []*media.AccessUnit {
	var out []*media.AccessUnit
	for _, s := range src.Take(d) {
		if s.Track == media.VideoTrackID {
			out = append(out, unit(s, media.TimescaleVideo))
		}
	}
	return out
}

// write writes aus as received now.
func write(tb testing.TB, enc transcode.Encoding, aus ...*media.AccessUnit) {
	tb.Helper()
	for _, au := range aus {
		if err := enc.Write(au, time.Now()); err != nil {
			tb.Fatalf("write access unit at %d: %v", au.DTS, err)
		}
	}
}

func drain(tb testing.TB, enc transcode.Encoding) {
	tb.Helper()
	if err := enc.Drain(); err != nil {
		tb.Fatalf("drain: %v", err)
	}
}

// checkTimes fails tb unless the times of a track's access units are as they
// have to be.
func checkTimes(tb testing.TB, aus []*media.AccessUnit) {
	tb.Helper()
	seen := map[int64]bool{}
	for i, au := range aus {
		if au.DTS < 0 || au.PTS < au.DTS {
			tb.Errorf("access unit %d: PTS %d, DTS %d", i, au.PTS, au.DTS)
		}
		if i > 0 && au.DTS <= aus[i-1].DTS {
			tb.Errorf("access unit %d: DTS %d after %d", i, au.DTS, aus[i-1].DTS)
		}
		if seen[au.PTS] {
			tb.Errorf("access unit %d: PTS %d comes twice", i, au.PTS)
		}
		seen[au.PTS] = true
	}
	if len(aus) > 0 && !aus[0].RandomAccess {
		tb.Error("the first access unit is no keyframe")
	}
}

// byteStream returns a track as an elementary stream (ITU-T H.264 annex B).
func byteStream(track media.Track, aus []*media.AccessUnit) []byte {
	var b bytes.Buffer
	for _, au := range aus {
		nals := au.Payload
		if au.RandomAccess {
			nals = append(append([][]byte(nil), track.Video.ParameterSets...), nals...)
		}
		for _, n := range nals {
			b.Write([]byte{0, 0, 0, 1})
			b.Write(n)
		}
	}
	return b.Bytes()
}

// probe has ffprobe decode stream.
func probe(tb testing.TB, stream []byte, args ...string) (stdout, stderr string) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "stream.h264")
	if err := os.WriteFile(path, stream, 0o600); err != nil {
		tb.Fatal(err)
	}
	args = append([]string{"-v", "error", "-f", "h264", "-i", path}, args...)
	cmd := exec.CommandContext(tb.Context(), "ffprobe", args...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		tb.Fatalf("ffprobe: %v\n%s", err, complaints.String())
	}
	return out.String(), complaints.String()
}

// checkDecodes fails tb if FFmpeg finds anything wrong with a track, or another
// number or size of pictures.
func checkDecodes(tb testing.TB, track media.Track, aus []*media.AccessUnit) {
	tb.Helper()
	stream := byteStream(track, aus)
	got, complaints := probe(tb, stream, "-count_frames", "-select_streams", "v",
		"-show_entries", "stream=width,height,sample_aspect_ratio,pix_fmt,nb_read_frames", "-of", "csv=p=0")
	if complaints != "" {
		tb.Errorf("%s: ffprobe complains:\n%s", track.Rendition, complaints)
	}
	want := fmt.Sprintf("%d,%d,1:1,yuv420p,%d\n", track.Video.Width, track.Video.Height, len(aus))
	if got != want {
		tb.Errorf("%s: ffprobe says %q, want %q", track.Rendition, got, want)
	}
}
