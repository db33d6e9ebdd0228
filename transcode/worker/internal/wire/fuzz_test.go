package wire_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// FuzzFromWorker reads what a hostile worker could write, FuzzFromServer the other
// direction: nothing panics, nothing is taken that breaks the bounds, and an access
// unit that is taken comes out of AppendUnit as it went in.
func FuzzFromWorker(f *testing.F) {
	fuzz(f, func(b []byte) *wire.Reader { return wire.NewWorkerReader(bytes.NewReader(b)) })
}

func FuzzFromServer(f *testing.F) {
	fuzz(f, func(b []byte) *wire.Reader { return wire.NewServerReader(bytes.NewReader(b)) })
}

func fuzz(f *testing.F, open func([]byte) *wire.Reader) {
	f.Helper()
	var all []byte
	for _, e := range frames(f) {
		f.Add(e.frame)
		all = append(all, e.frame...)
	}
	f.Add(all)
	f.Add([]byte("hello, world\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := open(b)
		for total := 0; ; {
			kind, body, err := r.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, wire.ErrFrame) {
					t.Fatalf("next: %v", err)
				}
				return
			}
			if total += len(body) + 5; total > len(b) {
				t.Fatalf("%d bytes out of %d", total, len(b))
			}
			check(t, kind, body)
		}
	})
}

func check(t *testing.T, kind wire.Kind, body []byte) {
	t.Helper()
	var err error
	switch kind {
	case wire.KindHello:
		_, err = wire.ParseHello(body)
		if errors.Is(err, wire.ErrVersion) {
			return
		}
	case wire.KindUnit:
		var u wire.Unit
		if u, err = wire.ParseUnit(body); err != nil {
			break
		}
		if len(u.AccessUnit.Payload) == 0 || u.AccessUnit.Size() > len(body) || u.AccessUnit.PTS < u.AccessUnit.DTS {
			t.Fatalf("took %+v", u)
		}
		again, appendErr := wire.AppendUnit(nil, u)
		if appendErr != nil || !bytes.Equal(again[5:], body) {
			t.Fatalf("%x came out as %x, %v", body, again, appendErr)
		}
	case wire.KindOpen:
		_, _, err = wire.ParseOpen(body)
	case wire.KindEffort:
		_, _, err = wire.ParseEffort(body)
	case wire.KindDrain, wire.KindDrained:
		_, err = wire.ParseRun(kind, body)
	case wire.KindOpened:
		_, _, err = wire.ParseOpened(body)
	case wire.KindStopped:
		_, _, err = wire.ParseStopped(body)
	case wire.KindThumbnail:
		_, p, perr := wire.ParseThumbnail(body)
		if err = perr; err == nil && (p.Width < 1 || p.Width > 4096 || len(p.JPEG) < 2) {
			t.Fatalf("took %+v", p)
		}
	case wire.KindLoudness:
		_, l, lerr := wire.ParseLoudness(body)
		if err = lerr; err == nil && (math.IsNaN(l.Peak) || math.Abs(l.ShortTerm) > 200 || l.Clipped < 0) {
			t.Fatalf("took %+v", l)
		}
	case wire.KindStats:
		_, _, err = wire.ParseStats(body)
	case wire.KindFailed:
		_, _, _, err = wire.ParseFailed(body)
	default:
		t.Fatalf("took %s", kind)
	}
	if err != nil && !errors.Is(err, wire.ErrFrame) {
		t.Fatalf("%s: %v", kind, err)
	}
}
