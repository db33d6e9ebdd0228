package access

import (
	"strings"
	"testing"
	"time"
)

// FuzzParse holds reader and writer together: what can be read is what would be
// written, so no two texts are the same token.
func FuzzParse(f *testing.F) {
	mac := "." + strings.Repeat("A", macLen)
	for _, s := range []string{
		"v1.k.1.2.abcdefgh.maths", "v1.abcdefgh.1763812800.253402300799.abcdefgh12345678.a-b",
		"v1.k.01.2.abcdefgh.maths", "v1.k.1.2.abcdefgh.maths.x", "v1.k.1.2.abcdefgh", "v1.k..2.abcdefgh.maths", "v1.k.2.1.abcdefgh.maths",
	} {
		f.Add(s + mac)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, signed, mac, ok := parse(text)
		if !ok {
			return
		}
		if again := string(b.appendTo(nil)); again != signed || again+"."+mac != text {
			t.Fatalf("read %q, would write %q", text, again)
		}
		if len(text) > MaxLen || b.exp <= b.iat {
			t.Fatalf("accepted %q", text)
		}
	})
}

func TestLongestTokenFits(t *testing.T) {
	b := body{kid: strings.Repeat("k", maxKID), iat: maxEpoch - 1, exp: maxEpoch, jti: strings.Repeat("j", maxJTI), class: strings.Repeat("c", 63)}
	text := newKey(time.Now(), func(string) bool { return false }).sign(b)
	if got, _, _, ok := parse(text); !ok || got != b || len(text) > MaxLen {
		t.Errorf("a token of %d bytes is refused", len(text))
	}
}
