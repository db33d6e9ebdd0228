package playlist_test

import (
	"testing"

	"github.com/lectern/lectern/hls/playlist"
)

func FuzzParseName(f *testing.F) {
	for _, s := range []string{"init-0-k3x9.mp4", "s17-k3x9.m4s", "p17.3-k3x9.m4s", "s007-a.m4s", "p1-a.m4s", "s-1-a.m4s", "x", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := playlist.ParseName(s)
		if ok && n.String() != s {
			t.Fatalf("%q parsed as %+v, which is %q", s, n, n)
		}
		if !ok && n != (playlist.Name{}) {
			t.Fatalf("%q refused, but %+v returned", s, n)
		}
	})
}
