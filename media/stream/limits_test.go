package stream_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// Case 24: no keyframes, and case 25: too few are refused with advice; case 26:
// slow pictures are not.
func TestKeyframeInterval(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  mediatest.Config
		skip time.Duration // lost after 2 s
		want string
	}{
		{"2 s", mediatest.Config{GOP: 60}, 0, ""},
		{"4 s", mediatest.Config{GOP: 120}, 0, ""},
		{"4.4 s", mediatest.Config{GOP: 132}, 0, ""},
		{"250 frames", mediatest.Config{GOP: 250}, 0, "lets more than 4 seconds pass"},
		{"1 fps, 4 s", mediatest.Config{FPS: 1, GOP: 4}, 0, ""},
		{"1 fps, 5 s", mediatest.Config{FPS: 1, GOP: 5}, 0, "lets 5 seconds pass"},
		{"4 s with a stall of 3 s", mediatest.Config{GOP: 90}, 3 * time.Second, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, stream.DefaultConfig(), nil)
			src := mediatest.New(t, tc.cfg)
			p := r.publish(src)
			err := mediatest.Push(p, src, r.clock, 2*time.Second)
			src.Skip(tc.skip)
			if err == nil {
				err = mediatest.Push(p, src, r.clock, 20*time.Second)
			}
			if tc.want == "" {
				if err != nil || !isClosed(p.Started()) {
					t.Errorf("refused: %v, started: %t", err, isClosed(p.Started()))
				}
				return
			}
			var refusal *media.RefusalError
			if !errors.As(err, &refusal) || refusal.Code != "keyframe_interval" || !strings.Contains(refusal.Text, tc.want) {
				t.Fatalf("got %v", err)
			}
			if again := p.Write(src.Next()); !errors.As(again, &refusal) {
				t.Errorf("the next write: %v", again)
			}
			// A class must not begin, and be over a minute later, while its
			// teacher looks for the setting.
			p.Close(stream.CloseRefused)
			if isClosed(p.Started()) {
				t.Error("started, though no media can be served")
			}
		})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Case 35: twice the ceiling is warned of, three times it is refused.
func TestBitrateCeiling(t *testing.T) {
	for _, tc := range []struct {
		name   string
		factor float64
		warned bool
		after  time.Duration // refused, 0 for never
	}{
		{"below twice", 1.9, false, 0},
		{"twice", 2.2, true, 0},
		{"three times", 3.2, true, 30 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := stream.DefaultConfig()
			cfg.MaxBitrate = 1_000_000
			r := newRig(t, cfg, nil)
			src := mediatest.New(t, mediatest.Config{NoAudio: true, FPS: 10, GOP: 10})
			p := r.publish(src)
			begun := r.clock.Now()
			var err error
			for range 600 {
				r.clock.Advance(100 * time.Millisecond)
				s := src.Next()
				s.Payload = [][]byte{make([]byte, int(tc.factor*100_000/8))}
				if err = p.Write(s); err != nil {
					break
				}
			}
			if got := r.stream.Status().Warning != ""; got != tc.warned {
				t.Errorf("warned %v", got)
			}
			if rate := r.stream.Status().Bitrate; float64(rate) < tc.factor*0.95e6 || float64(rate) > tc.factor*1.15e6 {
				t.Errorf("bit rate %d", rate)
			}
			if tc.after == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var refusal *media.RefusalError
			if !errors.As(err, &refusal) || refusal.Code != "bitrate" {
				t.Fatalf("got %v", err)
			}
			if d := r.clock.Now().Sub(begun); d < tc.after || d > tc.after+2*time.Second {
				t.Errorf("refused after %s", d)
			}
		})
	}
}

// Case 34: catching up is fine, sending a file as fast as one can is not.
func TestAhead(t *testing.T) {
	r := newRig(t, stream.DefaultConfig(), nil)
	src := mediatest.New(t, mediatest.Config{})
	p := r.publish(src)
	r.push(p, src, 10*time.Second)
	r.clock.Advance(40 * time.Second) // a stall
	for _, s := range src.Take(40 * time.Second) {
		if err := p.Write(s); err != nil {
			t.Fatalf("burst after a stall: %v", err)
		}
	}
	var refusal *media.RefusalError
	for range 70 {
		for _, s := range src.Take(time.Second) {
			if err := p.Write(s); err != nil && !errors.As(err, &refusal) {
				t.Fatal(err)
			}
		}
	}
	if refusal == nil || refusal.Code != "ahead" {
		t.Errorf("refusal %v", refusal)
	}
	p.Close(stream.CloseRefused)

	// Its next try, at the right pace, is not held liable.
	again := mediatest.New(t, mediatest.Config{})
	p = r.publish(again)
	r.push(p, again, 10*time.Second)
}
