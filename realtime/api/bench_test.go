package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// BenchmarkRenewRoute is what anybody can make the server do without the API's
// token, beside reading the request.
func BenchmarkRenewRoute(b *testing.B) {
	s := newServer(b)
	h, err := api.New(api.Deps{Token: class.NewSecret(token), Classes: s.classes, Links: links, Tokens: s.tokens})
	if err != nil {
		b.Fatal(err)
	}
	good, err := s.tokens.Mint("maths", "", 0, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	for _, tc := range []struct {
		name, token string
		status      int
	}{
		{"good", good.Text, http.StatusOK},
		{"forged", strings.Replace(good.Text, "maths", "physics", 1), http.StatusUnauthorized},
	} {
		b.Run(tc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "http://live.example.edu/api/v1/playback/renew", http.NoBody)
				r.Header.Set("Authorization", "Bearer "+tc.token)
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != tc.status {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
