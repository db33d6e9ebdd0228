package ffmpeg

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
)

// Frames of fields are found by what they say of themselves, and each becomes one
// whole picture at its own time.
func TestDeinterlacer(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=96x64:r=50",
		"-vf", "format=yuv420p,interlace", "-frames:v", "10", "-flags", "+ildct+ilme", "-c:v", "libx264",
		"-x264-params", "aud=1:bframes=0:tff=1:sliced-threads=0", "-f", "h264", "-")
	stream, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var o objects
	d, err := newDecoder(&o, media.Track{Codec: media.CodecH264, Video: media.VideoFormat{Width: 96, Height: 64}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	fields := deinterlacer{objects: &o}
	var in, out []int64
	whole := func(f *astiav.Frame) error {
		if interlaced(f) {
			t.Errorf("the picture at %d still has fields", f.Pts())
		}
		out = append(out, f.Pts())
		return nil
	}
	decoded := func(f *astiav.Frame) error {
		if !interlaced(f) {
			t.Errorf("the source's picture at %d has no fields", f.Pts())
		}
		in = append(in, f.Pts())
		return fields.push(f, whole)
	}
	for n, part := range bytes.Split(stream, []byte{0, 0, 0, 1, 9})[1:] {
		au := &media.AccessUnit{PTS: int64(n) * 3600, DTS: int64(n) * 3600, Payload: splitAnnexB(append([]byte{0, 0, 1, 9}, part...))}
		if _, err = d.decode(au, decoded); err != nil {
			t.Fatal(err)
		}
	}
	if _, err = d.decode(nil, decoded); err != nil {
		t.Fatal(err)
	}
	if err = fields.flush(whole); err != nil {
		t.Fatal(err)
	}
	if len(in) != 10 || len(out) != len(in) {
		t.Fatalf("%d pictures in, %d out, want 10", len(in), len(out))
	}
	for i := range in {
		if in[i] != out[i] {
			t.Errorf("picture %d at %d, want %d", i, out[i], in[i])
		}
	}
	d.close()
	fields.close()
	if n := o.live.Load(); n != 0 {
		t.Errorf("%d C objects are left", n)
	}
}
