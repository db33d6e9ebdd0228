package api

import (
	"strings"
	"testing"
)

// No text of a person begins as a formula does.
func FuzzHarmless(f *testing.F) {
	for _, s := range []string{"", "Ann", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "'=1", "＝1", "a=1", "\u00a0=1", "\xff=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := harmless(s)
		if strings.TrimPrefix(got, "'") != s && got != s {
			t.Errorf("%q became %q", s, got)
		}
		if begin := strings.TrimLeft(got, " \u00a0\u3000"); begin != "" && strings.ContainsAny(begin[:1], "=+-@\t\r\n") {
			t.Errorf("%q became %q", s, got)
		}
	})
}
