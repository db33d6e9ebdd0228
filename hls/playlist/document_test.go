package playlist_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"testing"

	"github.com/lectern/lectern/hls/playlist"
)

func unzip(tb testing.TB, b []byte) []byte {
	tb.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		tb.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// Documents made of a prepared head and a tail are what they would be as one.
func FuzzJoin(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXT-X-VERSION:9\n"), []byte("#EXT-X-ENDLIST\n"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, head, tail []byte) {
		var w playlist.Writer
		h := w.Prefix(head)
		d := w.Join(h, w.Suffix(tail))
		want := slices.Concat(head, tail)
		if !slices.Equal(d.Body, want) {
			t.Fatalf("body %q", d.Body)
		}
		if got := unzip(t, d.Gzip); !slices.Equal(got, want) {
			t.Fatalf("gzip holds %q", got)
		}
		if again := w.Join(w.Prefix(head), w.Suffix(tail)); again.ETag != d.ETag || d.GzipETag == d.ETag {
			t.Errorf("tags %s %s", d.ETag, again.ETag)
		}
		if other := w.Join(h, w.Suffix(append(tail, 'x'))); other.ETag == d.ETag {
			t.Error("another document with the same tag")
		}
	})
}
