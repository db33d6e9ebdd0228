package timeline_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/timeline"
)

// player makes a hostile publisher from a script: each byte is a few samples or
// one misfortune. The promises are checked by sink at each access unit, and by
// play after each sample.
type player struct {
	*rig
	src   *mediatest.Source
	lists [][]media.Track
	bias  [3]time.Duration // by track: added to its timestamps
	begun bool
	end   time.Duration
}

func newPlayer(tb testing.TB) *player {
	tb.Helper()
	p := &player{rig: newRig(tb, timeline.Position{}), src: mediatest.New(tb, mediatest.Config{GOP: 12, BFrames: true, Start: 20 * time.Hour})}
	both := p.src.Tracks()
	mono := mediatest.New(tb, mediatest.Config{SampleRate: 44100, Large: true}).Tracks()
	p.lists = [][]media.Track{both, both[:1], both[1:], {both[1], both[0]}, mono, {both[0], mono[1]}}
	p.lists[5][1].ID = audioID
	return p
}

var steps = []time.Duration{
	time.Millisecond, 40 * time.Millisecond, 300 * time.Millisecond, 501 * time.Millisecond, time.Second,
	3 * time.Second, 5 * time.Second, time.Minute, 100 * time.Hour, -time.Millisecond, -30 * time.Millisecond,
	-499 * time.Millisecond, -700 * time.Millisecond, -2 * time.Second, -6 * time.Second, -1000 * time.Hour,
}

func (p *player) play(tb testing.TB, script []byte) {
	tb.Helper()
	for _, b := range script {
		arg := int(b >> 3)
		switch b & 7 {
		case 0, 1:
			for range arg + 1 {
				p.write(tb, p.src.Next())
			}
		case 2:
			p.src.Jump(steps[arg%len(steps)])
		case 3:
			p.bias[1+arg%2] += steps[arg/2]
		case 4:
			if p.begun {
				p.SetTracks(p.lists[arg%len(p.lists)])
			}
		case 5:
			p.End()
			p.begun = false
			if samples, bytes := p.Held(); samples != 0 || bytes != 0 {
				tb.Fatalf("%d samples with %d bytes are held after the end", samples, bytes)
			}
			if arg > 3 {
				p.Begin(p.lists[arg%len(p.lists)])
				p.begun = true
			}
		case 6:
			p.clock.Advance(steps[arg%len(steps)] / 4)
		case 7:
			s := p.src.Next()
			s.DTS += steps[arg%len(steps)]
			if arg >= len(steps) {
				s.PTS += steps[arg%len(steps)]
			}
			p.write(tb, s)
		}
		if pos := p.Position(); pos.Media < p.end {
			tb.Fatalf("position goes back from %s to %s", p.end, pos.Media)
		} else if !p.begun {
			p.end = pos.Media // while a run is on the air its end is an estimate
		}
	}
	p.End()
	if samples, bytes := p.Held(); samples != 0 || bytes != 0 {
		tb.Fatalf("%d samples with %d bytes are held after the end", samples, bytes)
	}
}

func (p *player) write(tb testing.TB, s media.Sample) {
	tb.Helper()
	if !p.begun {
		p.Begin(p.lists[0])
		p.begun = true
	}
	s.DTS += p.bias[s.Track]
	s.PTS += p.bias[s.Track]
	p.clock.Advance(13 * time.Millisecond)
	p.Write(s)
	if samples, bytes := p.Held(); samples > timeline.MaxHeldSamples || bytes > timeline.MaxHeldBytes {
		tb.Fatalf("%d samples with %d bytes are held", samples, bytes)
	}
}

func TestRandomPublishers(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			script := make([]byte, 400)
			calm := 2 + rnd.IntN(20) // samples between misfortunes
			for i := range script {
				script[i] = byte(rnd.UintN(256))
				if rnd.IntN(calm) != 0 {
					script[i] &^= 7
				}
			}
			newPlayer(t).play(t, script)
		})
	}
}

// A publisher whose luck returns is on the air again: after any script, ten good
// seconds of a new publication come through whole.
func TestRecoversFromAnything(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		script := make([]byte, 200)
		for i := range script {
			script[i] = byte(rnd.UintN(256))
		}
		p := newPlayer(t)
		p.play(t, script)
		before := len(p.sink.units)
		src := mediatest.New(t, mediatest.Config{})
		p.Begin(src.Tracks())
		samples := src.Take(10 * time.Second)
		p.feed(samples)
		p.End()
		if got := len(p.sink.units) - before; got != len(samples) {
			t.Errorf("seed %d: %d of %d", seed, got, len(samples))
		}
	}
}

func FuzzTimeline(f *testing.F) {
	f.Add([]byte{0xf8, 0xf8, 0x42, 0xf8})                         // a jump
	f.Add([]byte{0xf8, 0xf8, 0x43, 0xf8, 0xf8, 0xf8, 0xf8})       // a lone jump
	f.Add([]byte{0xf8, 0x0c, 0xf8, 0x14, 0xf8, 0x04, 0xf8})       // tracks change
	f.Add([]byte{0xf8, 0x25, 0xf8, 0x3e, 0x05, 0xf8})             // reconnects
	f.Add([]byte{0xf8, 0x3f, 0xf8, 0x47, 0x47, 0x47, 0xff, 0xf8}) // wild samples
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 400 {
			script = script[:400]
		}
		newPlayer(t).play(t, script)
	})
}
