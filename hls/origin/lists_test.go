package origin_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// refused gets /live/{class}/{path}, which must be answered with code.
func (c *chain) refused(t *testing.T, path string, code int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.URL+"/live/"+class+"/"+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != code {
		t.Errorf("GET %s: %s %v %.200s, want %d", path, res.Status, err, b, code)
	}
}

// The DVR lists: no parts, but blocking reload by segment, and delta updates.
func TestDVR(t *testing.T) {
	in := newFeed(t, 0, media.DiscontinuityStart)
	c := newChain(t, t.TempDir(), in)
	in.push(80 * time.Second)
	c.waitForSegments(t, 17)

	multivariant, h := c.get(t, "dvr.m3u8")
	if !bytes.Contains(multivariant, []byte("source/dvr.m3u8")) || bytes.Contains(multivariant, []byte("index.m3u8")) {
		t.Errorf("multivariant playlist of the DVR lists:\n%s", multivariant)
	}
	if got := h.Get("Cache-Control"); got != "max-age=2, s-maxage=2, stale-if-error=60" {
		t.Errorf("Cache-Control = %q", got)
	}
	full, h := c.get(t, "source/dvr.m3u8")
	if got := h.Get("Cache-Control"); got != "max-age=2, stale-if-error=12" {
		t.Errorf("Cache-Control = %q", got)
	}
	if bytes.Contains(full, []byte("#EXT-X-PART")) || !bytes.Contains(full, []byte("CAN-BLOCK-RELOAD=YES")) || !bytes.Contains(full, []byte("\ns0-")) {
		t.Errorf("DVR list:\n%s", full)
	}
	delta, _ := c.get(t, "source/dvr.m3u8?_HLS_skip=YES")
	if !bytes.Contains(delta, []byte("#EXT-X-SKIP:")) || len(delta) >= len(full) {
		t.Errorf("delta update of the DVR list:\n%s", delta)
	}
	c.refused(t, "source/dvr.m3u8?_HLS_part=0", 400)
	c.refused(t, "source/dvr.m3u8?_HLS_msn=999", 400)

	// The next segment, by any part of it, is waited for as a whole.
	next := c.packager.Snapshot("source").NextMSN
	old, _ := c.get(t, fmt.Sprintf("source/dvr.m3u8?_HLS_msn=%d&_HLS_part=77", next-1))
	if !bytes.Contains(old, []byte("\ns"+strconv.Itoa(next-1)+"-")) {
		t.Errorf("the list lacks segment %d:\n%s", next-1, old)
	}
	queries := []string{
		"source/dvr.m3u8?_HLS_msn=%d", "source/dvr.m3u8?_HLS_msn=%d&_HLS_part=0", "source/dvr.m3u8?_HLS_part=500&_HLS_skip=YES&_HLS_msn=%d",
		"source/iframes.m3u8?_HLS_msn=%d", "audio/dvr.m3u8?_HLS_msn=%d",
	}
	answers, headers, faults := make([][]byte, len(queries)), make([]http.Header, len(queries)), make([]error, len(queries))
	var wg sync.WaitGroup
	for i, q := range queries {
		wg.Go(func() { answers[i], headers[i], faults[i] = c.fetch(t.Context(), fmt.Sprintf(q, next)) })
	}
	in.push(10 * time.Second)
	wg.Wait()
	for i, q := range queries {
		if faults[i] != nil {
			t.Fatal(faults[i])
		}
		if !bytes.Contains(answers[i], []byte("\ns"+strconv.Itoa(next)+"-")) {
			t.Errorf("%s: no segment %d in\n%s", q, next, answers[i])
		}
		if got := headers[i].Get("Cache-Control"); got != "max-age=24" {
			t.Errorf("%s: Cache-Control = %q", q, got)
		}
	}
}

// When the class has ended its URL becomes the recording, and the other lists end.
func TestRecording(t *testing.T) {
	in := newFeed(t, 0, media.DiscontinuityStart)
	dir := t.TempDir()
	c := newChain(t, dir, in)
	in.push(60 * time.Second)
	c.waitForSegments(t, 12)
	c.refused(t, "source/recording.m3u8", 404)
	c.refused(t, "source/recording-iframes.m3u8", 404)
	// Somebody waits for more than there will be.
	h := make(chan error, 1)
	last := c.packager.Snapshot("source").NextMSN
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _, err := c.fetch(t.Context(), fmt.Sprintf("source/dvr.m3u8?_HLS_msn=%d", last+1))
		h <- err
	})
	in.end()
	mediatest.Eventually(t, func() string {
		if s := c.packager.Snapshot("source"); !s.Ended || s.Recording() == nil {
			return "the class has not ended"
		}
		return ""
	})
	wg.Wait()
	if err := <-h; err != nil {
		t.Error(err)
	}

	multivariant, _ := c.get(t, "index.m3u8")
	if !bytes.Contains(multivariant, []byte("source/recording.m3u8")) || bytes.Contains(multivariant, []byte("index.m3u8")) {
		t.Errorf("multivariant playlist:\n%s", multivariant)
	}
	const day, ended = "max-age=86400, stale-if-error=86400", "max-age=24, stale-if-error=3600"
	for _, tc := range []struct{ path, cache string }{
		{"index.m3u8", "max-age=24, s-maxage=24, stale-if-error=3600"},
		{"dvr.m3u8", "max-age=24, s-maxage=24, stale-if-error=3600"},
		{"source/index.m3u8", ended},
		{"source/dvr.m3u8", ended},
		{"source/dvr.m3u8?_HLS_msn=999", ended},
		{"source/iframes.m3u8", ended},
		{"source/recording.m3u8", day},
		{"audio/recording.m3u8", day},
		{"source/recording.m3u8?_HLS_msn=x&_HLS_part=1&_HLS_skip=YES", day},
		{"source/recording-iframes.m3u8", day},
	} {
		b, head := c.get(t, tc.path)
		if head.Get("Cache-Control") != tc.cache || head.Get("Vary") != "Accept-Encoding" || !strings.HasPrefix(head.Get("ETag"), `"`) {
			t.Errorf("%s: headers %v, want %q", tc.path, head, tc.cache)
		}
		if strings.Contains(tc.path, "/") && !bytes.HasSuffix(b, []byte("#EXT-X-ENDLIST\n")) {
			t.Errorf("%s has not ended:\n%s", tc.path, b)
		}
		if strings.Contains(tc.path, "recording") && !bytes.Contains(b, []byte("\ns0-")) {
			t.Errorf("%s does not begin at the beginning:\n%s", tc.path, b)
		}
	}
	c.refused(t, "audio/recording-iframes.m3u8", 404)
	recording, head := c.get(t, "source/recording.m3u8")

	// The same after a restart.
	c.stop()
	nothing := newFeed(t, 0, media.DiscontinuityStart)
	<-nothing.items
	nothing.end()
	c = newChain(t, dir, nothing)
	mediatest.Eventually(t, func() string {
		if s := c.packager.Snapshot("source"); s == nil || s.Recording() == nil {
			return "there is no recording yet"
		}
		return ""
	})
	again, headAgain := c.get(t, "source/recording.m3u8")
	if !bytes.Equal(again, recording) || headAgain.Get("ETag") != head.Get("ETag") {
		t.Errorf("the recording changed with the restart:\n%s\nwas\n%s", again, recording)
	}
	for line := range strings.Lines(string(again)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if b, _ := c.get(t, "source/"+strings.TrimSpace(line)); len(b) == 0 {
			t.Errorf("%s is empty", line)
		}
	}
}
