package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// follows fails tb unless items are what a reader may see: a Discontinuity first,
// after every loss a Discontinuity, and after each the lead's random access point
// before anything else that a decoder could not use.
func follows(tb testing.TB, items []stream.Item) {
	tb.Helper()
	var lead media.TrackID
	opening, interrupted := false, false
	last := map[media.TrackID]int64{}
	for i, item := range items {
		if d := item.Discontinuity; d != nil {
			if item.AccessUnit != nil {
				tb.Fatalf("item %d has both fields", i)
			}
			lead = d.Tracks[0].ID
			opening, interrupted = true, false
			continue
		}
		if interrupted {
			tb.Fatalf("item %d: something after the publication's end", i)
		}
		if item.Interrupted {
			interrupted = true
			continue
		}
		au := item.AccessUnit
		if lead == 0 {
			tb.Fatalf("item %d: access unit before any discontinuity", i)
		}
		if before, ok := last[au.Track]; ok && au.DTS <= before {
			tb.Fatalf("item %d: dts %d after %d", i, au.DTS, before)
		}
		last[au.Track] = au.DTS
		if opening && au.Track == lead {
			if !au.RandomAccess {
				tb.Fatalf("item %d: run opens without a random access point", i)
			}
			opening = false
		}
	}
}

func reasons(items []stream.Item) string {
	var out []string
	for _, item := range items {
		if item.Discontinuity != nil {
			out = append(out, item.Discontinuity.Reason.String())
		}
	}
	return "[" + strings.Join(out, " ") + "]"
}

func units(items []stream.Item) int {
	n := 0
	for _, item := range items {
		if item.AccessUnit != nil {
			n++
		}
	}
	return n
}

// The end of a publication is an item of its own, once and in its place.
func TestReaderIsToldOfTheEnd(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	early := r.stream.AddReader("hls", 1<<20)
	src := mediatest.New(t, mediatest.Config{})
	for range 2 {
		p := r.publish(src)
		r.push(p, src, 3*time.Second)
		p.Close(stream.CloseDropped)
		p.Close(stream.CloseClean)
	}
	late := r.stream.AddReader("hls", 1<<20)
	items, _ := drain(t, early)
	follows(t, items)
	told := 0
	for i, item := range items {
		if item.Interrupted {
			told++
			if item.AccessUnit != nil || item.Discontinuity != nil || i == 0 {
				t.Errorf("item %d is %+v", i, item)
			}
		}
	}
	if told != 2 || !items[len(items)-1].Interrupted {
		t.Errorf("told of %d ends, the last item is %+v", told, items[len(items)-1])
	}
	if items, _ := drain(t, late); len(items) != 0 {
		t.Errorf("a reader that came afterwards got %d items", len(items))
	}
}

func TestReaderGetsAll(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	reader := r.stream.AddReader("hls", 1<<20)
	src := mediatest.New(t, mediatest.Config{BFrames: true})
	p := r.publish(src)
	r.push(p, src, 10*time.Second)
	p.Close(stream.CloseClean)
	items, ended := drain(t, reader)
	follows(t, items)
	if got := reasons(items); got != "[start]" || ended {
		t.Errorf("discontinuities %s, ended %v", got, ended)
	}
	if n := units(items); n != 300+469 {
		t.Errorf("%d access units", n)
	}
	r.stream.End(stream.CloseClassEnded)
	if _, err := reader.Next(t.Context()); !errors.Is(err, stream.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

func TestReaderComesLate(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	src := mediatest.New(t, mediatest.Config{GOP: 60})
	p := r.publish(src)
	r.push(p, src, 3*time.Second)
	reader := r.stream.AddReader("hls", 1<<20)
	r.push(p, src, 3*time.Second)
	p.Close(stream.CloseDropped)
	items, _ := drain(t, reader)
	follows(t, items)
	if got := reasons(items); got != "[start]" {
		t.Errorf("discontinuities %s", got)
	}
	if au := items[1].AccessUnit; au.Track != media.VideoTrackID || au.DTS != 4*90000 {
		t.Errorf("starts with track %d at %d", au.Track, au.DTS)
	}
	if n := r.counter("lectern_stream_access_units_dropped_total"); n != 0 {
		t.Errorf("%v counted as dropped", n)
	}

	// While nobody publishes, the first thing seen is still the start.
	waiting := r.stream.AddReader("hls", 1<<20)
	again := mediatest.New(t, mediatest.Config{})
	p = r.publish(again)
	r.push(p, again, 2*time.Second)
	p.Close(stream.CloseDropped)
	items, _ = drain(t, waiting)
	follows(t, items)
	if got := reasons(items); got != "[start]" {
		t.Errorf("discontinuities %s", got)
	}
	items, _ = drain(t, reader)
	if got := reasons(items); got != "[reconnect]" {
		t.Errorf("discontinuities of the other reader %s", got)
	}
}

func TestSlowReader(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	slow := r.stream.AddReader("transcode", 40_000)
	fast := r.stream.AddReader("hls", 1<<20)
	src := mediatest.New(t, mediatest.Config{GOP: 60})
	p := r.publish(src)

	r.push(p, src, 500*time.Millisecond)
	before, _ := drain(t, slow)
	r.push(p, src, 10*time.Second) // 256 bytes and more for each of 77 a second
	p.Close(stream.CloseClean)
	after, _ := drain(t, slow)
	follows(t, append(before, after...))
	if got := reasons(after); got != "[lost]" {
		t.Errorf("discontinuities %s", got)
	}
	if after[0].Discontinuity == nil || len(after[0].Discontinuity.Tracks) != 2 {
		t.Errorf("starts with %+v", after[0])
	}
	all, _ := drain(t, fast)
	lost := r.counter("lectern_stream_access_units_dropped_total", "transcode")
	if want := units(all) - units(before) - units(after); want == 0 || lost != float64(want) {
		t.Errorf("%v counted as dropped, %d missing", lost, want)
	}
	if n := r.counter("lectern_stream_access_units_dropped_total", "hls"); n != 0 {
		t.Errorf("the fast reader lost %v", n)
	}
}

// A reader that never came to its first item must not be told that it lost some.
func TestOverflowBeforeFirstItem(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	reader := r.stream.AddReader("hls", 30_000)
	src := mediatest.New(t, mediatest.Config{GOP: 30})
	p := r.publish(src)
	r.push(p, src, 10*time.Second)
	items, _ := drain(t, reader)
	r.push(p, src, 1100*time.Millisecond) // in case it was about to skip
	more, _ := drain(t, reader)
	items = append(items, more...)
	follows(t, items)
	if got := reasons(items); got != "[start]" {
		t.Errorf("discontinuities %s", got)
	}
}

// An access unit larger than the queue is lost, and nothing else happens.
func TestAccessUnitLargerThanQueue(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	reader := r.stream.AddReader("hls", 10_000)
	src := mediatest.New(t, mediatest.Config{NoAudio: true, GOP: 2})
	p := r.publish(src)
	r.push(p, src, 100*time.Millisecond)
	big := src.Next()
	big.Payload = append(big.Payload, make([]byte, 20_000))
	if err := p.Write(big); err != nil {
		t.Fatal(err)
	}
	r.push(p, src, 300*time.Millisecond)
	items, _ := drain(t, reader)
	follows(t, items)
	if units(items) == 0 {
		t.Error("reader got nothing more")
	}
}

func TestNextEndsWithContext(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	reader := r.stream.AddReader("hls", 1<<20)
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	if _, err := reader.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r.stream.RemoveReader(reader)
	r.stream.RemoveReader(reader)
	if _, err := reader.Next(t.Context()); !errors.Is(err, stream.ErrEnded) {
		t.Errorf("after removal: %v", err)
	}
}

// Readers that take items at random moments, against what one with an endless
// queue gets: the same access units, minus runs that a discontinuity announces.
func TestReaderShadow(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			r := newRig(t, stream.Config{}, nil)
			shadow := r.stream.AddReader("recorder", 1<<30)
			reader := r.stream.AddReader("hls", 5_000+rnd.IntN(60_000))
			var got []stream.Item
			for range 3 {
				src := mediatest.New(t, mediatest.Config{GOP: 10 + rnd.IntN(90), BFrames: rnd.IntN(2) == 0})
				p := r.publish(src)
				for range 20 {
					r.push(p, src, time.Duration(rnd.IntN(600))*time.Millisecond)
					if rnd.IntN(3) == 0 {
						items, _ := drain(t, reader)
						got = append(got, items...)
					}
				}
				p.Close(stream.CloseDropped)
			}
			rest, _ := drain(t, reader)
			got = append(got, rest...)
			follows(t, got)
			all, _ := drain(t, shadow)
			place := map[*media.AccessUnit]int{}
			for _, item := range all {
				if item.AccessUnit != nil {
					place[item.AccessUnit] = len(place)
				}
			}
			broken, last := true, -1
			for i, item := range got {
				if item.AccessUnit == nil {
					broken = broken || item.Discontinuity != nil
					continue
				}
				at, ok := place[item.AccessUnit]
				if !ok || at <= last || !broken && at != last+1 {
					t.Fatalf("item %d: place %d after %d, known %v, announced %v", i, at, last, ok, broken)
				}
				broken, last = false, at
			}
		})
	}
}
