package origin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/storage/segment"
)

// feed is a packager's input that a test fills by hand.
type feed struct {
	source *mediatest.Source
	tracks []media.Track
	shift  time.Duration
	items  chan stream.Item
}

func newFeed(t *testing.T, at time.Duration, reason media.DiscontinuityReason) *feed {
	t.Helper()
	f := &feed{source: mediatest.New(t, mediatest.Config{}), shift: at, items: make(chan stream.Item, 20000)}
	f.tracks = f.source.Tracks()
	for i := range f.tracks {
		f.tracks[i].Rendition = map[media.Kind]string{media.KindVideo: "source", media.KindAudio: "audio"}[f.tracks[i].Codec.Kind()]
	}
	f.items <- stream.Item{Discontinuity: &media.Discontinuity{Reason: reason, Tracks: f.tracks}}
	return f
}

// push hands d of media to the packager.
func (f *feed) push(d time.Duration) {
	for _, s := range f.source.Take(d) {
		i := slices.IndexFunc(f.tracks, func(t media.Track) bool { return t.ID == s.Track })
		ts := f.tracks[i].Timescale
		f.items <- stream.Item{AccessUnit: &media.AccessUnit{
			Track: s.Track, DTS: ts.Ticks(s.DTS + f.shift), PTS: ts.Ticks(s.PTS + f.shift),
			CapturedAt:   time.Date(2030, 3, 4, 9, 0, 0, 0, time.UTC).Add(s.PTS + f.shift),
			RandomAccess: s.RandomAccess, Payload: s.Payload,
		}}
	}
}

// end ends the class once everything is packaged.
func (f *feed) end() { close(f.items) }

func (f *feed) Next(ctx context.Context) (stream.Item, error) {
	select {
	case i, ok := <-f.items:
		if !ok {
			return stream.Item{}, stream.ErrEnded
		}
		return i, nil
	case <-ctx.Done():
		return stream.Item{}, ctx.Err()
	}
}

// chain is the real thing from access units to HTTP.
type chain struct {
	packager *hls.Packager
	log      *segment.Log
	server   *httptest.Server
	stop     func()
}

func (c *chain) Presentation(name string) (origin.Presentation, bool) {
	return origin.Presentation{Playlists: c.packager, Media: c.log}, name == class
}

func newChain(t *testing.T, dir string, in *feed) *chain {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	reg := prometheus.NewPedanticRegistry()
	c := &chain{}
	var err error
	if c.log, err = segment.Open(dir, segment.DefaultConfig(), segment.Deps{Logger: logger, Metrics: segment.NewMetrics(reg)}); err != nil {
		t.Fatal(err)
	}
	c.packager, err = hls.New(hls.DefaultConfig(), hls.Deps{Reader: in, Log: c.log, Logger: logger, Metrics: hls.NewMetrics(reg)})
	if err != nil {
		t.Fatal(err)
	}
	o, err := origin.New(origin.DefaultConfig(), c, logger, reg)
	if err != nil {
		t.Fatal(err)
	}
	c.server = httptest.NewServer(o)
	var wg sync.WaitGroup
	packing, stopPacking := context.WithCancel(context.WithoutCancel(t.Context()))
	writing, stopWriting := context.WithCancel(context.WithoutCancel(t.Context()))
	wg.Go(func() {
		if err := c.packager.Run(packing); err != nil {
			t.Errorf("packager: %v", err)
		}
		stopWriting()
	})
	wg.Go(func() {
		if err := c.log.Run(writing); err != nil {
			t.Errorf("log: %v", err)
		}
	})
	c.stop = sync.OnceFunc(func() {
		stopPacking()
		wg.Wait()
		c.server.Close()
	})
	t.Cleanup(c.stop)
	return c
}

// fetch gets /live/{class}/{path}, which must exist.
func (c *chain) fetch(ctx context.Context, path string) ([]byte, http.Header, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server.URL+"/live/"+class+"/"+path, http.NoBody)
	if err != nil {
		return nil, nil, err
	}
	res, err := c.server.Client().Do(r)
	if err != nil {
		return nil, nil, err
	}
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("GET %s: %s %w %.200s", path, res.Status, err, b)
	}
	return b, res.Header, nil
}

func (c *chain) get(t *testing.T, path string) ([]byte, http.Header) {
	t.Helper()
	b, h, err := c.fetch(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return b, h
}

// waitForSegments waits until all of what was pushed is published: at least
// segments whole segments of both renditions.
func (c *chain) waitForSegments(t *testing.T, segments int) {
	t.Helper()
	mediatest.Eventually(t, func() string {
		for _, name := range []string{"source", "audio"} {
			if s := c.packager.Snapshot(name); s == nil || s.NextMSN < segments {
				return name + " has too few segments"
			}
		}
		return ""
	})
}

// checkIFrames asks for every picture of the I-frame playlist as a player would.
func (c *chain) checkIFrames(t *testing.T, segments map[string][]byte) {
	t.Helper()
	list, h := c.get(t, "source/iframes.m3u8")
	if h.Get("Cache-Control") != "max-age=2, stale-if-error=12" {
		t.Errorf("Cache-Control = %q", h.Get("Cache-Control"))
	}
	entries := regexp.MustCompile(`#EXT-X-BYTERANGE:(\d+)@0\n(\S+)\n`).FindAllSubmatch(list, -1)
	if len(entries) < 6 {
		t.Errorf("%d pictures in\n%s", len(entries), list)
	}
	for _, e := range entries {
		n, err := strconv.Atoi(string(e[1]))
		if err != nil {
			t.Fatal(err)
		}
		path := "source/" + string(e[2])
		whole, ok := segments[path]
		if !ok { // finished since
			whole, _ = c.get(t, path)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.server.URL+"/live/"+class+"/"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Range", fmt.Sprintf("bytes=0-%d", n-1))
		res, err := c.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusPartialContent || !bytes.Equal(got, whole[:n]) {
			t.Errorf("%s: %s with %d bytes, want %d: %v", path, res.Status, len(got), n, err)
		}
	}
}

// What a playlist lists can be fetched; parts joined are their segment; what
// comes next is waited for; and a restart changes nothing of it.
func TestRealPackager(t *testing.T) {
	dir := t.TempDir()
	in := newFeed(t, 0, media.DiscontinuityStart)
	c := newChain(t, dir, in)
	in.push(30 * time.Second)
	c.waitForSegments(t, 6)

	multivariant, _ := c.get(t, "index.m3u8")
	for _, want := range []string{"source/index.m3u8", "audio/index.m3u8"} {
		if !bytes.Contains(multivariant, []byte(want)) {
			t.Errorf("multivariant playlist does not name %s:\n%s", want, multivariant)
		}
	}
	kept := make(map[string][]byte)
	for _, name := range []string{"source", "audio"} {
		playlist, h := c.get(t, name+"/index.m3u8")
		if h.Get("Content-Type") != "application/vnd.apple.mpegurl" {
			t.Errorf("Content-Type = %q", h.Get("Content-Type"))
		}
		parts := make(map[string][]byte) // by name of their segment
		uri := regexp.MustCompile(`(?m)^#EXT-X-(PART|MAP):.*URI="([^"]+)"|^([^#\s].*)$`)
		found := 0
		for _, m := range uri.FindAllSubmatch(playlist, -1) {
			tag, file := string(m[1]), string(m[2])+string(m[3])
			b, _ := c.get(t, name+"/"+file)
			found++
			switch tag {
			case "PART":
				msn, rest, _ := strings.Cut(file[1:], ".")
				_, epoch, _ := strings.Cut(rest, "-")
				segmentFile := "s" + msn + "-" + epoch
				parts[segmentFile] = append(parts[segmentFile], b...)
			case "":
				if p, ok := parts[file]; ok && !bytes.Equal(p, b) {
					t.Errorf("%s: parts hold %d bytes, segment %s %d", name, len(p), file, len(b))
				}
				kept[name+"/"+file] = b
			}
		}
		if found < 10 || len(parts) == 0 {
			t.Errorf("%s lists %d files, parts of %d segments", name, found, len(parts))
		}
	}

	c.checkIFrames(t, kept)

	// The next part by both ways of waiting.
	snap := c.packager.Snapshot("source")
	msn, part := snap.NextMSN, snap.NextPart
	hint := hls.Name{Kind: hls.NamePart, Epoch: c.packager.Epoch(), MSN: msn, Part: part}.String()
	query := "source/index.m3u8?_HLS_msn=" + strconv.Itoa(msn) + "&_HLS_part=" + strconv.Itoa(part)
	var playlist, body []byte
	var errPlaylist, errPart error
	var wg sync.WaitGroup
	wg.Go(func() { playlist, _, errPlaylist = c.fetch(t.Context(), query) })
	wg.Go(func() { body, _, errPart = c.fetch(t.Context(), "source/"+hint) })
	in.push(2 * time.Second)
	wg.Wait()
	if err := errors.Join(errPlaylist, errPart); err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(playlist, []byte(`URI="`+hint+`"`)) || !bytes.Contains(body, []byte("moof")) {
		t.Errorf("the playlist lacks %s, or its %d bytes are no part:\n%s", hint, len(body), playlist)
	}

	c.stop()
	before := c.packager.Snapshot("source").NextMSN
	c = newChain(t, dir, newFeed(t, 40*time.Second, media.DiscontinuityReconnect))
	for path, want := range kept {
		if got, h := c.get(t, path); !bytes.Equal(got, want) || h.Get("ETag") == "" {
			t.Errorf("%s changed with the restart: %d bytes, were %d", path, len(got), len(want))
		}
	}
	if got := c.packager.Snapshot("source").NextMSN; got < before {
		t.Errorf("next media sequence number is %d, was %d before the restart", got, before)
	}
}
