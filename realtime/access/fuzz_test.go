package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/access"
)

// FuzzVerify looks for a text that is accepted and was not minted.
func FuzzVerify(f *testing.F) {
	r, now := ring(f), noon()
	minted := map[string]access.Token{}
	add := func(jti string) {
		tok := mint(f, r, "maths", jti, now)
		minted[tok.Text] = tok
		part := strings.Split(tok.Text, ".")
		f.Add(tok.Text, int64(0))
		f.Add(tok.Text, int64(6*3600))
		f.Add(tok.Text+"=", int64(0))
		f.Add(strings.Join(append(part[:3:3], append([]string{"0" + part[3]}, part[4:]...)...), "."), int64(0))
		f.Add(strings.Replace(tok.Text, "maths", "physics", 1), int64(1))
		f.Add(part[0]+"."+part[1], int64(0))
	}
	add("ada12345")
	must(f, r.Rotate(now))
	add("bob12345")
	f.Add("", int64(0))
	f.Add(strings.Repeat(".", 60), int64(0))

	f.Fuzz(func(t *testing.T, text string, later int64) {
		at := now.Add(time.Duration(later%(1<<30)) * time.Second)
		claims, err := r.Verify(text, "maths", at)
		tok, ours := minted[text]
		if err != nil {
			if len(text) > 20 && strings.Contains(err.Error(), text) {
				t.Fatal("the error quotes the token")
			}
			if ours && at.Before(tok.ExpiresAt) && later >= 0 {
				t.Fatalf("a good token is refused: %v", err)
			}
			return
		}
		if !ours || claims.ID != tok.ID || claims.Class != "maths" || !at.Before(claims.ExpiresAt) {
			t.Fatalf("accepted %q at %s: %+v", text, at, claims)
		}
	})
}
