package access_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
)

func TestCleanName(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"as it is", "Ada Lovelace", "Ada Lovelace"},
		{"spaces", "  Ada \t\n  L. ", "Ada L."},
		{"control characters", "A\x00d\x1ba", "Ada"},
		{"writing direction", "Ada\u202e\u2066\u200f", "Ada"},
		{"invisible", "A\u200b\ufeff\u2060da", "Ada"},
		{"nothing to see", " \u200b\u3164\u2800 ", ""},
		{"marks alone", "!!! ...", ""},
		{"Hebrew", "שרה כהן", "שרה כהן"},
		{"Persian with a joiner", "می\u200cخواهم", "می\u200cخواهم"},
		{"a joiner at the end", "Ada\u200d", "Ada"},
		{"emoji with a joiner", "Ada 👩\u200d🏫", "Ada 👩\u200d🏫"},
		{"accents", "e\u0301", "e\u0301"},
		{"too many accents", "a" + strings.Repeat("\u0301", 50), "a\u0301\u0301\u0301"},
		{"invalid UTF-8", "A\xffda", "Ada"},
		{"long", strings.Repeat("ü", 100), strings.Repeat("ü", 40)},
		{"private use", "A\ue000da", "Ada"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := access.CleanName(tt.in); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestReservedName(t *testing.T) {
	for _, name := range []string{"Host", "h0st", "HОST", "Moderator", "m o d e r a t o r", "Admin", "Admin 2", "Lectern", "ｈｏｓｔ", "Ädmin", "Co-Host", "$taff"} {
		if !access.ReservedName(name) {
			t.Errorf("%q may be called that", name)
		}
	}
	for _, name := range []string{"Ada", "Hosteller", "Adminah Hassan", "Prof. Noether", "", "Li", "Stafford"} {
		if access.ReservedName(name) {
			t.Errorf("%q may not be called that", name)
		}
	}
}

func TestSameName(t *testing.T) {
	if !access.SameName("Emmy Noether", "emmy nоеther") || !access.SameName("Noether", "N0ëther ") {
		t.Error("a look-alike passes")
	}
	if access.SameName("Ada", "Ida") || access.SameName("", "") || access.SameName("!", "?") {
		t.Error("different names are the same")
	}
}

func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"", "Ada", "a\u0301\u0301", "\u202e", "👩\u200d🏫", strings.Repeat("ü ", 60)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := access.CleanName(in)
		if !utf8.ValidString(out) || utf8.RuneCountInString(out) > realtime.MaxName || out != strings.TrimSpace(out) {
			t.Fatalf("%q became %q", in, out)
		}
		if strings.ContainsFunc(out, func(r rune) bool {
			return unicode.IsControl(r) || (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069')
		}) {
			t.Fatalf("%q became %q", in, out)
		}
		if again := access.CleanName(out); again != out {
			t.Fatalf("%q became %q, and then %q", in, out, again)
		}
		access.ReservedName(in)
	})
}
