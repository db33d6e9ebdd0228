package worker_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// echoEngine gives every access unit back on each rung of its kind. An access
// unit whose payload begins with "do:" makes it do what is written there, each
// time or, with a file to mark it, once.
type echoEngine struct{ eaten [][]byte }

func (e *echoEngine) Open(spec transcode.Spec, out transcode.Output) (transcode.Encoding, error) {
	switch spec.Encoder {
	case "impossible":
		return nil, fmt.Errorf("%w: no such codec", transcode.ErrSpec)
	case "broken":
		return nil, errors.New("no device")
	}
	return &echoEncoding{engine: e, spec: spec, out: out}, nil
}

type echoEncoding struct {
	engine *echoEngine
	spec   transcode.Spec
	out    transcode.Output
	count  int
}

func (e *echoEncoding) Tracks() []media.Track {
	var out []media.Track
	for _, r := range e.spec.Video {
		out = append(out, media.Track{
			ID: r.Track, Codec: media.CodecH264, Timescale: media.TimescaleVideo, Rendition: r.Rendition, Encoded: true,
			Video: media.VideoFormat{ParameterSets: [][]byte{{0x67}, {0x68}}, Width: r.Width, Height: r.Height},
		})
	}
	for _, r := range e.spec.Audio {
		out = append(out, media.Track{
			ID: r.Track, Codec: media.CodecAAC, Timescale: 48000, Rendition: r.Rendition, Encoded: true,
			Audio: media.AudioFormat{Config: []byte{0x11, 0x90}, ObjectType: 2, SampleRate: 48000, Channels: 2, FrameSamples: 1024},
		})
	}
	return out
}

func (e *echoEncoding) Write(au *media.AccessUnit, _ time.Time) error {
	e.count++
	if err := e.obey(au.Payload[0]); err != nil {
		return err
	}
	if au.Track == media.AudioTrackID {
		for _, r := range e.spec.Audio {
			if media.Timescale(48000).Duration(au.PTS) >= e.spec.Start {
				e.give(r.Track, au)
			}
		}
		return nil
	}
	for _, r := range e.spec.Video {
		if media.TimescaleVideo.Duration(au.PTS) >= e.spec.Start {
			e.give(r.Track, au)
		}
	}
	return nil
}

func (e *echoEncoding) give(track media.TrackID, au *media.AccessUnit) {
	e.out.AccessUnit(&media.AccessUnit{
		Track: track, PTS: au.PTS, DTS: au.DTS, RandomAccess: au.RandomAccess, Payload: au.Payload,
	})
}

// obey does what a payload says: "do:WHAT" or "do:WHAT:FILE".
func (e *echoEncoding) obey(payload []byte) error {
	if !bytes.HasPrefix(payload, []byte("do:")) {
		return nil
	}
	what, file, once := strings.Cut(string(payload[3:]), ":")
	if once {
		if _, err := os.Stat(file); err == nil {
			return nil
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			return err
		}
	}
	switch what {
	case "exit":
		syscall.Exit(3)
	case "segv":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSEGV)
		<-make(chan int)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		<-make(chan int)
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	case "panic":
		panic("the engine is broken")
	case "fail":
		return errors.New("cannot go on")
	case "junk":
		_, _ = os.Stdout.Write(bytes.Repeat([]byte("junk"), 1000))
	case "eat":
		for range 30 {
			b := make([]byte, 10<<20)
			for k := 0; k < len(b); k += 4096 {
				b[k] = 1
			}
			e.engine.eaten = append(e.engine.eaten, b)
		}
	case "lines":
		for k := range 50 {
			_, _ = fmt.Fprintf(os.Stderr, "line %d\x1b[2J %s\n", k, strings.Repeat("x", 3000))
		}
	}
	return nil
}

func (e *echoEncoding) SetEffort(transcode.Effort) {}
func (e *echoEncoding) Drain() error               { return nil }
func (e *echoEncoding) Close()                     {}
func (e *echoEncoding) Stats() transcode.Stats     { return transcode.Stats{Decoded: 1} }
