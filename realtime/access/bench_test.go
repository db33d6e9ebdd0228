package access_test

import (
	"fmt"
	"testing"

	"github.com/lectern/lectern/realtime/access"
)

// BenchmarkCheck is what a token costs each media request.
func BenchmarkCheck(b *testing.B) {
	r, now := ring(b), noon()
	tok := mint(b, r, "maths", "", now)
	for i := range 20 {
		must(b, r.RevokeToken("maths", fmt.Sprintf("viewer%02d", i), now))
	}
	for _, tc := range []struct {
		name, text string
		want       error
	}{
		{"good", tok.Text, nil},
		{"forged", tok.Text[:len(tok.Text)-2] + "AA", access.ErrForged},
		{"malformed", tok.Text[1:], access.ErrMalformed},
	} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := r.Check(tc.text, "maths", now); (err == nil) != (tc.want == nil) {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := r.Check(tok.Text, "maths", now); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkRenew is what the one route that anybody may ask costs beside HTTP.
func BenchmarkRenew(b *testing.B) {
	r, now := ring(b), noon()
	tok := mint(b, r, "maths", "", now)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Renew(tok.Text, now); err != nil {
			b.Fatal(err)
		}
	}
}
