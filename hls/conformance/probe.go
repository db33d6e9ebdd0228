package conformance

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxBody bounds every answer.
const maxBody = 16 << 20

// fetcher makes single requests.
type fetcher struct {
	client *http.Client
}

// response is an answer, read whole. body is decoded.
type response struct {
	status int
	header http.Header
	body   string
	gzip   bool
}

func (f fetcher) get(ctx context.Context, u *url.URL) (response, error) {
	return f.do(ctx, http.MethodGet, u, "Accept-Encoding", "gzip", "Origin", "https://player.invalid")
}

// do sends one request with the given header fields, names and values in turn.
func (f fetcher) do(ctx context.Context, method string, u *url.URL, header ...string) (response, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), http.NoBody)
	if err != nil {
		return response{}, fmt.Errorf("make request: %w", err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := f.client.Do(req)
	if err != nil {
		return response{}, err // names method and URL already
	}
	defer res.Body.Close() //nolint:errcheck // read to its end, or given up
	out := response{status: res.StatusCode, header: res.Header}
	body := io.Reader(res.Body)
	if res.Header.Get("Content-Encoding") == "gzip" && method != http.MethodHead && res.StatusCode != http.StatusNotModified {
		out.gzip = true
		z, zerr := gzip.NewReader(body)
		if zerr != nil {
			return response{}, fmt.Errorf("decode gzip: %w", zerr)
		}
		body = z
	}
	b, err := io.ReadAll(io.LimitReader(body, maxBody))
	if err != nil {
		return response{}, fmt.Errorf("read body: %w", err)
	}
	out.body = string(b)
	return out, nil
}

// playlistHeaders checks the header of a playlist's answer, and what the server
// does with other requests for it.
func (c *checker) playlistHeaders(ctx context.Context, name string, u *url.URL, res response) {
	kind, _, _ := strings.Cut(res.header.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "application/vnd.apple.mpegurl", "audio/mpegurl":
	default:
		c.report.broken(2, name, "%q", kind)
	}
	if !res.gzip || !strings.Contains(strings.ToLower(res.header.Get("Vary")), "accept-encoding") {
		c.report.broken(83, name, "Content-Encoding %q and Vary %q", res.header.Get("Content-Encoding"), res.header.Get("Vary"))
	}
	if res.header.Get("Access-Control-Allow-Origin") == "" {
		c.report.broken(91, name, "none on a playlist")
	}
	if etag := res.header.Get("ETag"); etag == "" || strings.HasPrefix(etag, "W/") {
		c.report.broken(88, name, "ETag %q", etag)
	}
	if del, err := c.do(ctx, http.MethodDelete, u, "Origin", "https://player.invalid"); err == nil {
		if del.status != http.StatusMethodNotAllowed {
			c.report.broken(86, name, "%d for DELETE", del.status)
		}
		if del.header.Get("Access-Control-Allow-Origin") == "" {
			c.report.broken(91, name, "none on status %d", del.status)
		}
	}
}

// probe sends the odd requests of the list, once for a media playlist. Its error
// is that of a request that could not be made.
func (c *checker) probe(ctx context.Context, name string, u *url.URL, m *media) error {
	ask := func(query string) (response, error) {
		v := *u
		v.RawQuery = query
		return c.get(ctx, &v)
	}
	if m.control["CAN-BLOCK-RELOAD"] == "YES" {
		res, err := ask("_HLS_part=0")
		if err != nil {
			return fmt.Errorf("probe %s: %w", name, err)
		}
		if res.status != http.StatusBadRequest {
			c.report.broken(76, name, "%d", res.status)
		}
		msn, _ := m.nextPart()
		if res, err = ask(fmt.Sprintf("_HLS_msn=%d", msn+100)); err != nil {
			return fmt.Errorf("probe %s: %w", name, err)
		}
		if res.status != http.StatusBadRequest {
			c.report.broken(77, name, "%d for 100 segments ahead", res.status)
		}
	}
	if missing, err := u.Parse("no-such-file-here.m4s"); err == nil {
		res, err := c.get(ctx, missing)
		if err != nil {
			return fmt.Errorf("probe %s: %w", name, err)
		}
		if res.status != http.StatusNotFound {
			c.report.broken(85, name, "%d", res.status)
		}
		if res.header.Get("Access-Control-Allow-Origin") == "" {
			c.report.broken(91, name, "none on status %d", res.status)
		}
	}
	if m.control["CAN-SKIP-UNTIL"] != "" {
		return c.delta(ctx, name, u)
	}
	return nil
}

// delta asks for a full playlist and for a delta update of the same state, and
// joins them.
func (c *checker) delta(ctx context.Context, name string, u *url.URL) error {
	full, err := c.get(ctx, u)
	if err != nil {
		return fmt.Errorf("probe %s: %w", name, err)
	}
	skip := *u
	skip.RawQuery = "_HLS_skip=YES"
	short, err := c.get(ctx, &skip)
	if err != nil {
		return fmt.Errorf("probe %s: %w", name, err)
	}
	f, ferr := parseMedia(full.body)
	d, derr := parseMedia(short.body)
	if ferr != nil || derr != nil {
		c.report.broken(80, name, "playlists that do not parse: %v, %v", ferr, derr)
		return nil
	}
	if d.skips == 0 {
		return nil // nothing was old enough
	}
	until, _ := d.control.seconds("CAN-SKIP-UNTIL")
	switch {
	case d.skips != 1 || d.version < 9:
		c.report.broken(80, name, "%d EXT-X-SKIP in version %d", d.skips, d.version)
	case d.msn < f.msn:
		c.report.broken(80, name, "a media sequence of %d beside %d", d.msn, f.msn)
	default:
		for _, s := range d.segments {
			at := s.msn - f.msn
			if at < 0 || at >= len(f.segments) {
				continue // published in between
			}
			if g := f.segments[at]; g.uri != s.uri || g.duration != s.duration || g.discontinuity != s.discontinuity {
				c.report.broken(80, name, "segment %d as %q, in full as %q", s.msn, s.uri, g.uri)
			}
		}
		var kept int64
		for _, s := range d.segments {
			kept += int64(s.duration)
		}
		if kept < int64(until)-int64(edge)*int64(len(d.segments)) {
			c.report.broken(80, name, "only %.3f s kept with CAN-SKIP-UNTIL=%v", float64(kept)/1e9, until)
		}
	}
	return nil
}
