package ffmpeg

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"testing"
	"time"

	"github.com/asticode/go-astiav"
)

// drawn returns a picture that a source of libavfilter draws, such as
// "testsrc=size=320x180". It is freed at the end of the test.
func drawn(tb testing.TB, source string) *astiav.Frame {
	tb.Helper()
	astiav.SetLogLevel(astiav.LogLevelFatal)
	var live objects
	g, err := newGraph(&live, graphSpec{chain: source, sink: "buffersink"})
	if err != nil {
		tb.Fatalf("graph: %v", err)
	}
	defer g.release()
	f, err := newFrame(&live)
	if err != nil {
		tb.Fatalf("frame: %v", err)
	}
	tb.Cleanup(f.release)
	if ok, err := g.pull(f.raw); err != nil || !ok {
		tb.Fatalf("draw %s: %t, %v", source, ok, err)
	}
	return f.raw
}

// newThumbnailRig returns a thumbnailer that is closed at the end of the test, when
// nothing of it may be left.
func newThumbnailRig(tb testing.TB, every time.Duration, width int) (*thumbnailer, *soundRecorder) {
	tb.Helper()
	var live objects
	out := newSoundRecorder()
	th := newThumbnailer(&live, every, width, out)
	tb.Cleanup(func() {
		th.close()
		if n := live.live.Load(); n != 0 {
			tb.Errorf("%d objects are left after close", n)
		}
	})
	return th, out
}

func decodeJPEG(tb testing.TB, b []byte) image.Image {
	tb.Helper()
	img, err := jpeg.Decode(bytes.NewReader(b))
	if err != nil {
		tb.Fatalf("decode thumbnail of %d bytes: %v", len(b), err)
	}
	return img
}

func TestThumbnailSizes(t *testing.T) {
	for _, tc := range []struct {
		name         string
		source       string
		width        int
		wantW, wantH int
		pixels       string
		sar          astiav.Rational
	}{
		{"16:9", "testsrc=size=1280x720", 320, 320, 180, "yuv420p", astiav.NewRational(1, 1)},
		{"odd height", "testsrc=size=854x480", 320, 320, 180, "yuv420p", astiav.NewRational(1, 1)},
		{"portrait", "testsrc=size=720x1280", 320, 320, 568, "yuv420p", astiav.NewRational(1, 1)},
		{"anamorphic PAL", "testsrc=size=720x576", 320, 320, 180, "yuv420p", astiav.NewRational(64, 45)},
		{"wild shape", "testsrc=size=64x64", 320, 320, 1280, "yuv420p", astiav.NewRational(1, 1000)},
		{"wilder shape", "testsrc=size=64x64", 320, 320, 2, "yuv420p", astiav.NewRational(60000, 1)},
		{"10 bit 4:2:2", "testsrc=size=640x360", 320, 320, 180, "yuv422p10le", astiav.NewRational(1, 1)},
		{"full range", "testsrc=size=640x360", 320, 320, 180, "yuvj420p", astiav.NewRational(1, 1)},
		{"odd width wanted", "testsrc=size=640x360", 321, 320, 180, "yuv420p", astiav.NewRational(1, 1)},
		{"enlarged", "testsrc=size=64x36", 320, 320, 180, "yuv420p", astiav.NewRational(1, 1)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			th, out := newThumbnailRig(t, 10*time.Second, tc.width)
			f := drawn(t, tc.source+",format="+tc.pixels)
			f.SetSampleAspectRatio(tc.sar)
			before := fmt.Sprint(f.Width(), f.Height(), f.PixelFormat(), f.Pts(), f.PictureType())
			if err := th.offer(f, 3*time.Second); err != nil {
				t.Fatalf("offer: %v", err)
			}
			if after := fmt.Sprint(f.Width(), f.Height(), f.PixelFormat(), f.Pts(), f.PictureType()); after != before {
				t.Errorf("the frame has become %s, was %s", after, before)
			}
			if len(out.thumbnails) != 1 {
				t.Fatalf("made %d thumbnails, want 1", len(out.thumbnails))
			}
			got := out.thumbnails[0]
			img := decodeJPEG(t, got.JPEG)
			if got.PTS != 3*time.Second || got.Width != tc.wantW || got.Height != tc.wantH {
				t.Errorf("thumbnail of %dx%d at %s, want %dx%d at 3s", got.Width, got.Height, got.PTS, tc.wantW, tc.wantH)
			}
			if size := img.Bounds().Size(); size != image.Pt(got.Width, got.Height) {
				t.Errorf("the JPEG is of %s", size)
			}
		})
	}
}

// TestThumbnailColours tells mixed up planes and ranges of levels.
func TestThumbnailColours(t *testing.T) {
	for _, tc := range []struct {
		name    string
		r, g, b uint32
	}{{"red", 255, 0, 0}, {"lime", 0, 255, 0}, {"blue", 0, 0, 255}, {"white", 255, 255, 255}, {"black", 0, 0, 0}} {
		for _, pixels := range []string{"yuv420p", "yuvj420p"} {
			t.Run(tc.name+" "+pixels, func(t *testing.T) {
				th, out := newThumbnailRig(t, time.Second, 160)
				if err := th.offer(drawn(t, "color=c="+tc.name+":size=320x180,format="+pixels), 0); err != nil {
					t.Fatalf("offer: %v", err)
				}
				r, g, b, _ := decodeJPEG(t, out.thumbnails[0].JPEG).At(80, 45).RGBA()
				for _, c := range [][2]uint32{{r >> 8, tc.r}, {g >> 8, tc.g}, {b >> 8, tc.b}} {
					if max(c[0], c[1])-min(c[0], c[1]) > 12 {
						t.Errorf("colour = %d, %d, %d", r>>8, g>>8, b>>8)
						break
					}
				}
			})
		}
	}
}

func TestThumbnailTimes(t *testing.T) {
	th, out := newThumbnailRig(t, 10*time.Second, 160)
	f := drawn(t, "testsrc=size=320x180,format=yuv420p")
	for _, s := range []float64{4, 6, 8, 13.95, 16, 23.8, 26, 60, 5} {
		if err := th.offer(f, time.Duration(s*float64(time.Second))); err != nil {
			t.Fatalf("offer: %v", err)
		}
	}
	var got []float64
	for _, th := range out.thumbnails {
		got = append(got, th.PTS.Seconds())
	}
	// The last is after a step back of the clock.
	if want := []float64{4, 13.95, 26, 60, 5}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("thumbnails at %v, want %v", got, want)
	}
}

// TestThumbnailChanges gives pictures whose size and format change, and some
// without a picture.
func TestThumbnailChanges(t *testing.T) {
	th, out := newThumbnailRig(t, time.Second, 160)
	at := time.Duration(0)
	empty := astiav.AllocFrame()
	defer empty.Free()
	for i := range 12 {
		source := []string{"testsrc=size=320x180,format=yuv420p", "testsrc=size=180x320,format=yuv420p", "testsrc=size=320x180,format=yuv444p"}[i%3]
		at += time.Second
		if err := th.offer(drawn(t, source), at); err != nil {
			t.Fatalf("offer %s: %v", source, err)
		}
		at += time.Second
		if err := th.offer(empty, at); err == nil {
			t.Fatal("an empty frame is no error")
		}
	}
	if len(out.thumbnails) != 12 {
		t.Fatalf("made %d thumbnails, want 12", len(out.thumbnails))
	}
	for _, th := range out.thumbnails {
		decodeJPEG(t, th.JPEG)
	}
}

func TestThumbnailOff(t *testing.T) {
	th, out := newThumbnailRig(t, 0, 320)
	if err := th.offer(drawn(t, "testsrc=size=320x180,format=yuv420p"), 0); err != nil || len(out.thumbnails) != 0 {
		t.Errorf("made %d thumbnails, error %v, want none", len(out.thumbnails), err)
	}
}
