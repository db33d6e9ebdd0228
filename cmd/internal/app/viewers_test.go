package app

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestViewersCountPlaylistRequests(t *testing.T) {
	now := time.Unix(1000, 0)
	v := newViewers()
	h := v.count(http.NotFoundHandler())
	v.now = func() time.Time { return now }
	v.watch("algebra")
	ask := func(path string, n int) {
		for range n {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		}
	}
	ask("/live/algebra/source/index.m3u8?_HLS_msn=1", 3)
	ask("/live/algebra/index.m3u8", 5)
	ask("/live/algebra/source/e-1.m4s", 5)
	ask("/live/made-up/source/index.m3u8", 5)
	if got := v.of("algebra"); got != 3 {
		t.Errorf("%d within the first window, want 3", got)
	}
	now = now.Add(viewersWindow)
	ask("/live/algebra/360p/index.m3u8", 1)
	if got := v.of("algebra"); got != 3 {
		t.Errorf("%d in the next window, want those of the full one before", got)
	}
	now = now.Add(3 * viewersWindow)
	if got := v.of("algebra"); got != 0 {
		t.Errorf("%d long after, want none", got)
	}
	if got := v.of("made-up"); got != 0 {
		t.Errorf("%d for a class that is not on", got)
	}
	v.forget("algebra")
	ask("/live/algebra/source/index.m3u8", 1)
	if got := v.of("algebra"); got != 0 {
		t.Errorf("%d for a class that is over", got)
	}
}
