package rtmp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

// generatorEnv and sessionEnv make the test binary a generator that writes the
// bytes of a file to an address. It is a process of its own, so that its CPU
// time does not count.
const (
	generatorEnv = "RTMP_TEST_GENERATOR"
	sessionEnv   = "RTMP_TEST_SESSION"
)

func TestMain(m *testing.M) {
	if addr := os.Getenv(generatorEnv); addr != "" {
		if err := generate(addr, os.Getenv(sessionEnv)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1) //nolint:forbidigo // the main of the generator's process
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// generate returns once the server has taken all and closed the connection.
func generate(addr, file string) error {
	session, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return fmt.Errorf("connection is a %T", conn)
	}
	var answers sync.WaitGroup
	answers.Go(func() { _, _ = io.Copy(io.Discard, c) })
	if _, err = c.Write(session); err != nil {
		return err
	}
	err = c.CloseWrite()
	answers.Wait()
	return err
}

// buildSession returns what an encoder sends for seconds of 1080p-like video of
// 6 Mbit/s at 30 fps with a keyframe each 2 s, and AAC.
func buildSession(tb testing.TB, key string, seconds, chunkSize int) []byte {
	tb.Helper()
	b := append([]byte{3}, make([]byte, 3072)...)
	add := func(m rtmptest.Message, csid uint32) {
		b = rtmptest.AppendMessage(b, m, rtmptest.Format{CSID: csid, Size: chunkSize, Repeat: true})
	}
	command := func(stream uint32, values ...any) {
		add(rtmptest.Message{Type: 20, Stream: stream, Body: rtmptest.Encode(values...)}, 3)
	}
	b = rtmptest.AppendMessage(b, rtmptest.Message{Type: 1, Body: []byte{0, byte(chunkSize >> 16), byte(chunkSize >> 8), byte(chunkSize)}},
		rtmptest.Format{CSID: 2})
	command(0, "connect", 1, rtmptest.Object{"app": "live"})
	command(0, "createStream", 2, nil)
	command(1, "publish", 3, nil, key, "live")
	src := mediatest.New(tb, mediatest.Config{Round: time.Millisecond})
	tag := func(ts uint32, body []byte, video bool) {
		if video {
			add(rtmptest.Message{Timestamp: ts, Type: 9, Stream: 1, Body: body}, 6)
		} else {
			add(rtmptest.Message{Timestamp: ts, Type: 8, Stream: 1, Body: body}, 4)
		}
	}
	for _, t := range src.Tracks() {
		body, video := rtmptest.Header(t)
		tag(0, body, video)
	}
	// The small pictures are padded to the size of real ones: 150 kB for a
	// keyframe, 22.4 kB for the other 59 of its 2 s.
	for _, s := range src.Take(time.Duration(seconds) * time.Second) {
		if i := len(s.Payload) - 1; s.Track == media.VideoTrackID {
			size := 22_400
			if s.RandomAccess {
				size = 150_000
			}
			s.Payload[i] = append(bytes.Clone(s.Payload[i]), bytes.Repeat([]byte{0x5a}, size)...)
		}
		tag(rtmptest.Tag(src.Tracks(), s))
	}
	command(0, "deleteStream", 4, nil, 1)
	return b
}

// BenchmarkIngest sends 60 s of video over loopback TCP through the whole
// server into the hub, without readers. The metric cpu-ms/Mbit is user and
// system time of this process, which is the server alone: the generator is
// another process that writes prebuilt bytes as fast as they are taken.
//
// At full speed one read of the socket takes in many messages. A publisher in
// real time wakes the server for each, which costs several times as much a Mbit:
// the figure compares versions, it does not say how many publishers fit.
func BenchmarkIngest(b *testing.B) {
	for _, size := range []int{64 << 10, 128} {
		b.Run(fmt.Sprintf("chunk=%d", size), func(b *testing.B) {
			cfg := stream.DefaultConfig()
			cfg.MaxBitrate, cfg.MaxAhead = 0, 0 // faster than real time
			hub := newHub(b, cfg)
			hub.Open("algebra", stream.Position{})
			r := start(b, func(_ *rtmp.Config, d *rtmp.Deps) { d.Hub = ingesttest.StreamHub(hub) })
			session := buildSession(b, goodKey, 60, size)
			file := filepath.Join(b.TempDir(), "session")
			if err := os.WriteFile(file, session, 0o600); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(session)))
			b.ReportAllocs()
			before, n := cpuTime(b), 0
			for ; b.Loop(); n++ {
				cmd := exec.CommandContext(b.Context(), os.Args[0])
				cmd.Env = append(os.Environ(), generatorEnv+"="+r.addr, sessionEnv+"="+file)
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("generator: %v\n%s", err, out)
				}
			}
			used := cpuTime(b) - before
			r.closed("clean", float64(n))
			mbit := float64(n) * float64(len(session)) * 8 / 1e6
			b.ReportMetric(float64(used)/float64(time.Millisecond)/mbit, "cpu-ms/Mbit")
		})
	}
}

// cpuTime returns the user and system time of this process so far.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
