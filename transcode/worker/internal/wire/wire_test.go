package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

func unit() wire.Unit {
	return wire.Unit{
		Run: 9, Received: time.Unix(1700000000, 123),
		AccessUnit: &media.AccessUnit{
			Track: 3, PTS: 12345, DTS: -1, RandomAccess: true, Payload: [][]byte{{0x67}, []byte("slice"), {0}},
		},
	}
}

// frames are one of each kind, with what must come out.
func frames(tb testing.TB) map[wire.Kind]struct {
	frame []byte
	parse func(body []byte) (any, error)
	want  any
} {
	tb.Helper()
	type entry = struct {
		frame []byte
		parse func(body []byte) (any, error)
		want  any
	}
	type pair struct{ a, b any }
	must := func(b []byte, err error) []byte {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	spec := transcode.Spec{Start: time.Second, Encoder: "libx264", Video: []transcode.VideoRung{{Track: 4, CRF: 22.5}}}
	tracks := []media.Track{{ID: 4, Codec: media.CodecH264, Video: media.VideoFormat{ParameterSets: [][]byte{{1, 2}}}}}
	stats := transcode.Stats{Decoded: 5, Rungs: []transcode.RungStats{{Track: 4, Lag: time.Second}}}
	effort := transcode.Effort{Fast: true, Off: []media.TrackID{4, 5}}
	stopped := transcode.Stopped{Track: 4, At: -77}
	picture := transcode.Thumbnail{PTS: time.Minute, Width: 320, Height: 180, JPEG: []byte{0xff, 0xd8, 1, 2}}
	loudness := transcode.Loudness{PTS: time.Minute, Duration: time.Second, ShortTerm: -18.5, Peak: math.Inf(-1), Clipped: 3}
	clamped := loudness
	clamped.Peak = -200
	return map[wire.Kind]entry{
		wire.KindHello: {must(wire.AppendHello(nil, "build 1")), func(b []byte) (any, error) { return wire.ParseHello(b) }, "build 1"},
		wire.KindOpen: {must(wire.AppendOpen(nil, 1, spec)), func(b []byte) (any, error) {
			run, s, err := wire.ParseOpen(b)
			return pair{run, s}, err
		}, pair{uint32(1), spec}},
		wire.KindUnit: {must(wire.AppendUnit(nil, unit())), func(b []byte) (any, error) {
			u, err := wire.ParseUnit(b)
			return u, err
		}, unit()},
		wire.KindEffort: {must(wire.AppendEffort(nil, 2, effort)), func(b []byte) (any, error) {
			run, e, err := wire.ParseEffort(b)
			return pair{run, e}, err
		}, pair{uint32(2), effort}},
		wire.KindDrain: {must(wire.AppendDrain(nil, 3)), func(b []byte) (any, error) { return wire.ParseRun(wire.KindDrain, b) }, uint32(3)},
		wire.KindOpened: {must(wire.AppendOpened(nil, 4, tracks)), func(b []byte) (any, error) {
			run, tr, err := wire.ParseOpened(b)
			return pair{run, tr}, err
		}, pair{uint32(4), tracks}},
		wire.KindStopped: {must(wire.AppendStopped(nil, 5, stopped)), func(b []byte) (any, error) {
			run, s, err := wire.ParseStopped(b)
			return pair{run, s}, err
		}, pair{uint32(5), stopped}},
		wire.KindDrained: {must(wire.AppendDrained(nil, 6)), func(b []byte) (any, error) { return wire.ParseRun(wire.KindDrained, b) }, uint32(6)},
		wire.KindThumbnail: {must(wire.AppendThumbnail(nil, 7, picture)), func(b []byte) (any, error) {
			run, p, err := wire.ParseThumbnail(b)
			return pair{run, p}, err
		}, pair{uint32(7), picture}},
		wire.KindLoudness: {must(wire.AppendLoudness(nil, 8, loudness)), func(b []byte) (any, error) {
			run, l, err := wire.ParseLoudness(b)
			return pair{run, l}, err
		}, pair{uint32(8), clamped}},
		wire.KindStats: {must(wire.AppendStats(nil, 9, stats)), func(b []byte) (any, error) {
			run, s, err := wire.ParseStats(b)
			return pair{run, s}, err
		}, pair{uint32(9), stats}},
		wire.KindFailed: {must(wire.AppendFailed(nil, 10, true, "no\x1bway")), func(b []byte) (any, error) {
			run, spec, text, err := wire.ParseFailed(b)
			return pair{pair{run, spec}, text}, err
		}, pair{pair{uint32(10), true}, "no way"}},
	}
}

// reader returns one that takes kind k.
func reader(k wire.Kind, b []byte) *wire.Reader {
	if k > wire.KindDrain {
		return wire.NewWorkerReader(bytes.NewReader(b))
	}
	return wire.NewServerReader(bytes.NewReader(b))
}

func TestRoundTrip(t *testing.T) {
	for kind, f := range frames(t) {
		t.Run(kind.String(), func(t *testing.T) {
			r := reader(kind, append(bytes.Clone(f.frame), f.frame...))
			for range 2 {
				k, body, err := r.Next()
				if err != nil || k != kind {
					t.Fatalf("%v, %v", k, err)
				}
				got, err := f.parse(body)
				if err != nil || !reflect.DeepEqual(got, f.want) {
					t.Errorf("%+v, %v; want %+v", got, err, f.want)
				}
			}
			if _, _, err := r.Next(); !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("at the end: %v", err)
			}
			for n := 1; n < len(f.frame); n++ {
				if _, _, err := reader(kind, f.frame[:n]).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("after %d bytes: %v", n, err)
				}
			}
			if kind == wire.KindHello || kind == wire.KindUnit {
				return // they go both ways
			}
			other := wire.NewServerReader(bytes.NewReader(f.frame))
			if kind <= wire.KindDrain {
				other = wire.NewWorkerReader(bytes.NewReader(f.frame))
			}
			if _, _, err := other.Next(); !errors.Is(err, wire.ErrFrame) {
				t.Errorf("the wrong side took it: %v", err)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	b, err := wire.AppendHello(nil, "b")
	if err != nil {
		t.Fatal(err)
	}
	body := b[5:]
	body[len(body)-2]++
	if _, err := wire.ParseHello(body); !errors.Is(err, wire.ErrVersion) {
		t.Errorf("err = %v", err)
	}
	if _, err := wire.ParseHello([]byte("SSH-2.0-OpenSSH")); !errors.Is(err, wire.ErrFrame) {
		t.Errorf("err = %v", err)
	}
}

func TestUnsendable(t *testing.T) {
	change := func(f func(*media.AccessUnit)) wire.Unit {
		u := unit()
		f(u.AccessUnit)
		return u
	}
	for name, u := range map[string]wire.Unit{
		"empty":      change(func(au *media.AccessUnit) { au.Payload = nil }),
		"empty part": change(func(au *media.AccessUnit) { au.Payload[1] = nil }),
		"too many":   change(func(au *media.AccessUnit) { au.Payload = make([][]byte, 5000) }),
		"too large":  change(func(au *media.AccessUnit) { au.Payload = [][]byte{make([]byte, wire.MaxUnitBytes)} }),
		"late dts":   change(func(au *media.AccessUnit) { au.DTS = au.PTS + 1 }),
		"wild pts":   change(func(au *media.AccessUnit) { au.PTS = math.MaxInt64 }),
		"wild dts":   change(func(au *media.AccessUnit) { au.DTS = math.MinInt64 }),
	} {
		if b, err := wire.AppendUnit([]byte("x"), u); !errors.Is(err, wire.ErrUnsendable) || string(b) != "x" {
			t.Errorf("%s: %d bytes, %v", name, len(b), err)
		}
		if err := wire.CheckUnit(u.AccessUnit); !errors.Is(err, wire.ErrUnsendable) {
			t.Errorf("%s: check says %v", name, err)
		}
	}
	if _, err := wire.AppendHello(nil, strings.Repeat("x", 1<<20)); !errors.Is(err, wire.ErrUnsendable) {
		t.Errorf("a long build: %v", err)
	}
	if _, err := wire.AppendEffort(nil, 1, transcode.Effort{MaxFrameRate: math.Inf(1)}); !errors.Is(err, wire.ErrUnsendable) {
		t.Errorf("an endless rate: %v", err)
	}
	for name, p := range map[string]transcode.Thumbnail{
		"no JPEG":  {Width: 1, Height: 1, JPEG: []byte("GIF89a")},
		"no size":  {JPEG: []byte{0xff, 0xd8}},
		"too long": {Width: 1, Height: 1, JPEG: append([]byte{0xff, 0xd8}, make([]byte, 1<<20)...)},
	} {
		if _, err := wire.AppendThumbnail(nil, 1, p); !errors.Is(err, wire.ErrUnsendable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b, err := wire.AppendFailed(nil, 1, false, strings.Repeat("x", 1<<20)); err != nil || len(b) > 5000 {
		t.Errorf("a long text: %d bytes, %v", len(b), err)
	}
}

func TestHostileFrames(t *testing.T) {
	long := func(k wire.Kind, n uint32) []byte {
		return append(binary.BigEndian.AppendUint32(nil, n), byte(k))
	}
	for name, b := range map[string][]byte{
		"no kind":        {0, 0, 0, 0, byte(wire.KindStats)},
		"unknown kind":   long(200, 5),
		"kind 0":         long(0, 5),
		"4 GiB unit":     long(wire.KindUnit, math.MaxUint32),
		"long unit":      long(wire.KindUnit, wire.MaxUnitBytes+2),
		"long stats":     long(wire.KindStats, 1<<20),
		"long thumbnail": long(wire.KindThumbnail, 2<<20),
		"long drained":   long(wire.KindDrained, 5000),
	} {
		if _, _, err := wire.NewWorkerReader(bytes.NewReader(b)).Next(); !errors.Is(err, wire.ErrFrame) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good, err := wire.AppendUnit(nil, unit())
	if err != nil {
		t.Fatal(err)
	}
	good = good[5:]
	for name, change := range map[string]func(b []byte) []byte{
		"short":         func(b []byte) []byte { return b[:20] },
		"no parts":      func(b []byte) []byte { b[30], b[31] = 0, 0; return b },
		"65535 parts":   func(b []byte) []byte { b[30], b[31] = 255, 255; return b },
		"more parts":    func(b []byte) []byte { b[31] = 9; return b },
		"empty part":    func(b []byte) []byte { b[35] = 0; return b },
		"4 GiB part":    func(b []byte) []byte { b[32] = 255; return b },
		"bytes behind":  func(b []byte) []byte { return append(b, 1) },
		"wild pts":      func(b []byte) []byte { b[12] = 0x7f; return b },
		"dts after pts": func(b []byte) []byte { b[20] = 0; return b },
		"flags":         func(b []byte) []byte { b[29] = 2; return b },
	} {
		if u, err := wire.ParseUnit(change(bytes.Clone(good))); !errors.Is(err, wire.ErrFrame) || u.AccessUnit != nil {
			t.Errorf("%s: %+v, %v", name, u, err)
		}
	}
}

// One allocation for the payload, one for the list of its parts, one for the
// access unit.
func TestUnitAllocations(t *testing.T) {
	frame, err := wire.AppendUnit(nil, unit())
	if err != nil {
		t.Fatal(err)
	}
	src := bytes.NewReader(bytes.Repeat(frame, 1000))
	r := wire.NewWorkerReader(src)
	if n := testing.AllocsPerRun(500, func() {
		_, body, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if _, err = wire.ParseUnit(body); err != nil {
			t.Fatal(err)
		}
	}); n > 3 {
		t.Errorf("%v allocations a unit", n)
	}
}
