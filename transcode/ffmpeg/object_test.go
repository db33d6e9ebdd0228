package ffmpeg

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/asticode/go-astiav"
)

// Decoders read past the end of a packet: zeros must be there.
func TestPacketIsPadded(t *testing.T) {
	var o objects
	p, err := newPacket(&o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.release()
	for _, chunks := range [][][]byte{{{1, 2, 3}, {4}}, {{9}}, {}} {
		if err = p.fill(5, 3, chunks...); err != nil {
			t.Fatal(err)
		}
		want := bytes.Join(chunks, nil)
		if !bytes.Equal(p.raw.Data(), want) || p.raw.Pts() != 5 || p.raw.Dts() != 3 {
			t.Errorf("packet holds % x at %d, %d, want % x", p.raw.Data(), p.raw.Pts(), p.raw.Dts(), want)
		}
		p.raw.SetSize(len(want) + inputPadding)
		if got := p.raw.Data()[len(want):]; !bytes.Equal(got, make([]byte, inputPadding)) {
			t.Errorf("padding is % x", got)
		}
	}
}

// Each owner frees once, whatever is called how often, and the count is right.
func TestObjectsAreFreedOnce(t *testing.T) {
	var o objects
	p, err := newPacket(&o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newFrame(&o)
	if err != nil {
		t.Fatal(err)
	}
	f.raw.SetWidth(64)
	f.raw.SetHeight(36)
	f.raw.SetPixelFormat(astiav.PixelFormatYuv420P)
	if err = f.raw.AllocBuffer(0); err != nil {
		t.Fatal(err)
	}
	clone, err := f.clone()
	if err != nil {
		t.Fatal(err)
	}
	c, err := newCodec(&o, astiav.FindDecoder(astiav.CodecIDH264))
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGraph(&o, graphSpec{source: "buffer", args: bufferArgs(formatOf(f.raw)), chain: "null", sink: "buffersink"})
	if err != nil {
		t.Fatal(err)
	}
	if n := o.live.Load(); n != 5 {
		t.Errorf("%d objects live, want 5", n)
	}
	for range 2 {
		p.release()
		f.release()
		clone.release()
		c.release()
		g.release()
	}
	if n := o.live.Load(); n != 0 {
		t.Errorf("%d objects live, want 0", n)
	}
}

// FFmpeg leaves options that it does not know in the dictionary and says nothing.
func TestUnknownOptionsAreRefused(t *testing.T) {
	var o objects
	c, err := newCodec(&o, astiav.FindDecoder(astiav.CodecIDH264))
	if err != nil {
		t.Fatal(err)
	}
	defer c.release()
	err = c.open(map[string]string{"threads": "1", "no_such_option": "1", "nor_this": "2"})
	if err == nil || !strings.Contains(err.Error(), "no_such_option, nor_this") {
		t.Errorf("err = %v, want the names of both options", err)
	}
}

func TestGraphErrors(t *testing.T) {
	in := format{width: 64, height: 36, pixels: astiav.PixelFormatYuv420P}
	for _, tc := range []struct {
		name string
		spec graphSpec
	}{
		{"unknown source", graphSpec{source: "nothing", chain: "null", sink: "buffersink"}},
		{"source without a size", graphSpec{source: "buffer", chain: "null", sink: "buffersink"}},
		{"unknown filter", graphSpec{source: "buffer", args: bufferArgs(in), chain: "nothing", sink: "buffersink"}},
		{"nonsense", graphSpec{source: "buffer", args: bufferArgs(in), chain: "scale=-:!,,;[", sink: "buffersink"}},
		{"cannot be configured", graphSpec{source: "buffer", args: bufferArgs(in), chain: "crop=9999:9999", sink: "buffersink"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var o objects
			if _, err := newGraph(&o, tc.spec); err == nil {
				t.Error("no error")
			}
			if n := o.live.Load(); n != 0 {
				t.Errorf("%d objects are left", n)
			}
		})
	}
}

// The picture type of a decoded frame says nothing to an encoder here.
func TestPictureTypeDoesNotLeak(t *testing.T) {
	var o objects
	f, err := newFrame(&o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.release()
	f.raw.SetPictureType(astiav.PictureTypeI)
	c, err := f.clone()
	if err == nil {
		defer c.release()
	}
	// It does survive in FFmpeg: that is why the rung resets it for every picture,
	// which TestKeyframesOnTheGrid proves with sources that have keyframes of their own.
	if err == nil && c.raw.PictureType() != astiav.PictureTypeI {
		t.Error("frames no longer carry the picture type: the rung need not reset it")
	}
}

// go-astiav v0.16.0 formats log lines into 1024 bytes on the stack, and lines of
// FFmpeg carry what the publisher sent.
func TestNoLogCallback(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no source files: %v", err)
	}
	for _, name := range files {
		b, readErr := os.ReadFile(name)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if bytes.Contains(b, []byte("astiav.SetLog"+"Callback")) {
			t.Errorf("%s sets a log callback", name)
		}
	}
}
