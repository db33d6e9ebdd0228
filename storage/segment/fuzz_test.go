package segment_test

import (
	"bytes"
	"regexp"
	"slices"
	"testing"

	"github.com/lectern/lectern/storage/segment"
)

func FuzzIndex(f *testing.F) {
	f.Add([]byte("deadbeef {}\n"))
	f.Add(segment.Line(`{"epoch":"abc"}`))
	f.Add(append(segment.Line(`{"segment":{"rendition":"source","msn":3,"gap":true}}`), "torn"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		end, damaged := segment.DecodeIndex(data)
		if end < 0 || end > len(data) || damaged < 0 {
			t.Fatalf("end = %d of %d, %d damaged", end, len(data), damaged)
		}
		// What is kept decodes to the same again, with nothing torn.
		again, same := segment.DecodeIndex(data[:end])
		if again != end || same != damaged {
			t.Fatalf("second pass: end %d, damaged %d; first: %d, %d", again, same, end, damaged)
		}
	})
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte("deadbeef {}\n"))
	f.Add(append(segment.Line(`{"head":{"init":1}}`), segment.Line(`{"part":{"d":5,"n":7,"c":9}}`)...))
	f.Add(segment.Line(`{"segment":{"rendition":"source","msn":3,"gap":true}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sizes := segment.JournalSizes(data)
		for _, n := range sizes {
			if n <= 0 {
				t.Fatalf("a part of %d bytes", n)
			}
		}
		// What is appended behind a damaged line changes nothing.
		torn := append(bytes.Clone(data), "torn\n"...)
		torn = append(torn, segment.Line(`{"part":{"d":5,"n":7}}`)...)
		if again := segment.JournalSizes(torn); !slices.Equal(again, sizes) {
			t.Fatalf("sizes %v, then %v", sizes, again)
		}
	})
}

// Only names that a Log has made are touched.
func FuzzMediaName(f *testing.F) {
	for _, s := range []string{"s1.m4s", "s12-abc.m4s.tmp", "init-0-x9.mp4.journal", "init-00-x.mp4", "s1-A.m4s", "s1-.m4s", "index"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if segment.IsMediaName(s) && !regexp.MustCompile(`^(s[0-9]+(-[a-z0-9]+)?\.m4s|init-[0-9]+(-[a-z0-9]+)?\.mp4)(\.tmp|\.journal|\.new)?$`).MatchString(s) {
			t.Fatalf("%q is taken for a media file", s)
		}
	})
}
