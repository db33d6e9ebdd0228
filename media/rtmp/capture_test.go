package rtmp_test

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

var update = flag.Bool("update", false, "record the captures anew with the ffmpeg program")

// captures are the seeds of the sanitizer's fuzz target: what a publisher sent
// from C0 to the end.
const captures = "internal/chunk/testdata/captures"

// record passes one connection on to addr and returns what the client sent.
func record(t *testing.T, addr string, push func(addr string)) []byte {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	var sent bytes.Buffer
	var both sync.WaitGroup
	both.Go(func() {
		client, err := l.Accept()
		if err != nil {
			t.Error(err)
			return
		}
		server, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		both.Go(func() { _, _ = io.Copy(client, server); _ = client.Close() })
		_, _ = io.Copy(server, io.TeeReader(client, &sent))
		_ = server.Close()
	})
	push(l.Addr().String())
	both.Wait()
	return sent.Bytes()
}

func TestCaptures(t *testing.T) {
	ff := func(t *testing.T, more ...string) func(string) {
		t.Helper()
		return func(addr string) {
			cmd := ffmpeg(t, "2", "rtmp://"+addr+"/live/"+goodKey)
			cmd.Args = append(cmd.Args[:len(cmd.Args)-3], append(more, cmd.Args[len(cmd.Args)-3:]...)...)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("ffmpeg: %v\n%s", err, out)
			}
		}
	}
	hevc := func(addr string) {
		c, err := rtmptest.Push(t.Context(), addr, goodKey)
		if err != nil {
			t.Fatal(err)
		}
		src := mediatest.New(t, mediatest.Config{Codec: media.CodecHEVC, Round: time.Millisecond})
		if err := errors.Join(c.WriteMetadata(rtmptest.Object{"videocodecid": 1752589105, "width": 64, "height": 36}),
			c.WriteHeaders(0, src.Tracks()), c.WriteSamples(src.Tracks(), src.Take(3*time.Second)...), c.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name    string
		push    func(addr string)
		codec   media.Codec
		samples int
	}{
		{"ffmpeg", ff(t, "-b:v", "64k", "-b:a", "32k"), media.CodecH264, 130},
		{"ffmpeg-5h", ff(t, "-b:v", "64k", "-b:a", "32k", "-output_ts_offset", "16776.9"), media.CodecH264, 130},
		{"enhanced-hevc", hevc, media.CodecHEVC, 200},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(captures, tc.name+".rtmp")
			if *update {
				b := record(t, start(t).addr, tc.push)
				if err := os.WriteFile(file, b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			r := start(t)
			c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			var answers sync.WaitGroup
			answers.Go(func() { _, _ = io.Copy(io.Discard, c) })
			if _, err := c.Write(b); err != nil {
				t.Fatal(err)
			}
			p := r.publication()
			r.ended(p, stream.CloseClean)
			_ = c.Close()
			answers.Wait()
			if len(p.Samples()) < tc.samples || len(tracksOf(p)) != 2 || tracksOf(p)[0].Codec != tc.codec {
				t.Errorf("%d samples of %d tracks", len(p.Samples()), len(tracksOf(p)))
			}
		})
	}
}
