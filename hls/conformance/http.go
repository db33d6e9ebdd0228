package conformance

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func httpRules() []Rule {
	return []Rule{
		{Number: 83, Level: Must, Section: "A 10.1; D 6.2.1, B.1", Want: "playlists in gzip when it is accepted, with Vary: Accept-Encoding"},
		{Number: 84, Level: Should, Section: "A 10.4", Want: "the Content-Type of what is sent"},
		{Number: 85, Level: Should, Section: "D 6.2.6", Want: "404 for media that does not exist, kept no longer than a target duration"},
		{Number: 86, Level: Must, Section: "RFC 9110 9.3.2, 15.5.6", Want: "405 for methods other than GET and HEAD, and HEAD with the header of GET"},
		{Number: 87, Level: Must, Section: "RFC 9110 14; D B.1", Want: "206 with Content-Range for a range, 416 for one that cannot be satisfied", needs: "media with Accept-Ranges or in byte ranges"},
		{Number: 88, Level: Should, Section: "RFC 9110 8.8, 13.1.2", Want: "a strong ETag, one for each encoding, that If-None-Match honours with 304"},
		{Number: 89, Level: Should, Section: "D B.1; RFC 9111", Want: "Cache-Control that lets caches keep media and blocking reloads, and playlists for half a target duration"},
		{Number: 90, Level: Should, Section: "D 6.2.2", Want: "media to be there for as long as caches may keep it", needs: "a segment that was removed"},
		{Number: 91, Level: Must, Section: "Fetch", Want: "Access-Control-Allow-Origin on every answer, preflights that allow Range and CMCD, and Age and Date exposed"},
		{Number: 92, Level: Must, Section: "A 8.18", Want: "no redirect for media", needs: "media"},
		{Number: 93, Level: Should, Section: "D 6.2.1", Want: "Content-Length on segments", needs: "media"},
		{Number: 94, Level: Should, Section: "D B.1; A 12.1", Want: "HTTP/2 over TLS 1.2 or later"},
	}
}

const typePlaylist = "application/vnd.apple.mpegurl"

func contentType(h http.Header) string {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// everyAnswer judges what all answers need.
func (c *checker) everyAnswer(where, what string, res response) {
	c.report.judged(91)
	if allow := res.header.Get("Access-Control-Allow-Origin"); allow != "*" && allow != origin {
		c.report.broken(91, where, "Access-Control-Allow-Origin=%q on %s, status %d", allow, what, res.status)
	}
}

// playlistAnswer judges the answer with a playlist that was asked for in gzip.
func (c *checker) playlistAnswer(name string, u *url.URL, res response) {
	c.report.judged(2, 83, 84, 88, 94)
	c.everyAnswer(name, "a playlist", res)
	kind := contentType(res.header)
	known := kind == typePlaylist || kind == "audio/mpegurl"
	if path := strings.ToLower(u.Path); !known && !strings.HasSuffix(path, ".m3u8") && !strings.HasSuffix(path, ".m3u") {
		c.report.broken(2, name, "Content-Type %q", kind)
	}
	if !known {
		c.report.broken(84, name, "Content-Type %q", kind)
	}
	if !res.gzip || !lists(res.header, "Vary", "Accept-Encoding") {
		c.report.broken(83, name, "Content-Encoding %q and Vary %q", res.header.Get("Content-Encoding"), res.header.Get("Vary"))
	}
	if etag := res.header.Get("ETag"); etag == "" || strings.HasPrefix(etag, "W/") {
		c.report.broken(88, name, "ETag %q", etag)
	}
	for _, need := range []string{"Age", "Date"} {
		if !lists(res.header, "Access-Control-Expose-Headers", need) {
			c.report.broken(91, name, "Access-Control-Expose-Headers=%q without %s", res.header.Get("Access-Control-Expose-Headers"), need)
			break
		}
	}
	switch {
	case res.tls == nil:
		c.report.broken(94, "all answers", "HTTP/%d without TLS", res.proto)
	case res.proto < 2 || res.tls.Version < tls.VersionTLS12:
		c.report.broken(94, "all answers", "HTTP/%d, %s", res.proto, tls.VersionName(res.tls.Version))
	}
}

// lists reports whether a header field that is a list has an item, or is "*".
func lists(h http.Header, field, item string) bool {
	for part := range strings.SplitSeq(strings.Join(h.Values(field), ","), ",") {
		if part = strings.TrimSpace(part); part == "*" || strings.EqualFold(part, item) {
			return true
		}
	}
	return false
}

// playlistCaching judges how long a playlist may be kept.
func (w *watcher) playlistCaching(name string, res response, m *media, directives bool) {
	w.report.judged(89)
	life, ok := maxAge(res.header)
	half := max(time.Second, (m.target()/2 + time.Second - 1).Truncate(time.Second))
	switch {
	case m.ended:
	case !ok:
		w.report.broken(89, name, "Cache-Control %q", res.header.Get("Cache-Control"))
	case directives && life < m.target():
		w.report.broken(89, name, "Cache-Control %q on a blocking reload, which six target durations would suit", res.header.Get("Cache-Control"))
	case !directives && life > half:
		w.report.broken(89, name, "Cache-Control %q with a target of %d s", res.header.Get("Cache-Control"), m.targetDuration)
	}
}

// mediaAnswer judges the answer with a segment, a part or an initialization section.
func (c *checker) mediaAnswer(name, what, uri string, res response) {
	c.report.judged(92)
	if res.header == nil {
		return
	}
	if res.status >= 300 && res.status <= 399 {
		c.report.broken(92, name, "status %d for %s", res.status, what)
	}
	c.everyAnswer(name, what, res)
	if !res.ok() {
		return
	}
	c.report.judged(84, 89, 93)
	if life, ok := maxAge(res.header); !ok || life == 0 {
		c.report.broken(89, name, "Cache-Control %q on %s", res.header.Get("Cache-Control"), what)
	}
	if res.header.Get("Content-Length") == "" {
		c.report.broken(93, name, "none on %s", what)
	}
	var want []string
	switch {
	case isTransportStream(res.body):
		want = []string{"video/mp2t"}
	case isFragmented(res.body):
		want = []string{"video/mp4", "audio/mp4", "video/iso.segment", "audio/iso.segment", "application/mp4"}
	case strings.HasPrefix(string(res.body[:min(len(res.body), 6)]), "WEBVTT"):
		want = []string{"text/vtt"}
	default:
		return
	}
	if kind := contentType(res.header); !slices.Contains(want, kind) {
		c.report.broken(84, name, "Content-Type %q for %s (%s)", kind, what, uri)
	}
}

// probePlaylist sends a playlist the requests that caches and browsers make.
func (c *checker) probePlaylist(ctx context.Context, name string, u *url.URL, m *media) error {
	zipped, err := c.playlist(ctx, u)
	if err != nil {
		return err
	}
	plain, err := c.do(ctx, http.MethodGet, u, maxPlaylist)
	if err != nil {
		return err
	}
	if a, b := zipped.header.Get("ETag"), plain.header.Get("ETag"); zipped.gzip && !plain.gzip && a != "" && a == b {
		c.report.broken(88, name, "%s both in gzip and without", a)
	}
	if m == nil {
		c.report.judged(89)
		if life, ok := maxAge(plain.header); plain.status == http.StatusOK && (!ok || life > time.Hour) {
			c.report.broken(89, name, "Cache-Control %q", plain.header.Get("Cache-Control"))
		}
	}
	if etag := plain.header.Get("ETag"); etag != "" {
		again, aerr := c.do(ctx, http.MethodGet, u, maxPlaylist, "If-None-Match", etag)
		if aerr != nil {
			return aerr
		}
		if again.status == http.StatusOK && again.header.Get("ETag") == etag {
			c.report.broken(88, name, "status 200 for If-None-Match: %s, which it still is", etag)
		}
	}
	head, err := c.do(ctx, http.MethodHead, u, maxPlaylist)
	if err != nil {
		return err
	}
	c.report.judged(86)
	if head.status != plain.status || contentType(head.header) != contentType(plain.header) {
		c.report.broken(86, name, "status %d, %q for HEAD", head.status, contentType(head.header))
	}
	del, err := c.do(ctx, http.MethodDelete, u, maxPlaylist)
	if err != nil {
		return err
	}
	if del.status != http.StatusMethodNotAllowed {
		c.report.broken(86, name, "status %d for DELETE", del.status)
	}
	c.everyAnswer(name, "DELETE", del)
	return c.preflight(ctx, name, u)
}

// preflight asks as a browser does before a request with fields of its own (Fetch
// standard §4.8).
func (c *checker) preflight(ctx context.Context, name string, u *url.URL) error {
	fields := []string{"range", "cmcd-request", "cmcd-object", "cmcd-status", "cmcd-session"}
	res, err := c.do(ctx, http.MethodOptions, u, maxPlaylist,
		"Access-Control-Request-Method", http.MethodGet, "Access-Control-Request-Headers", strings.Join(fields, ","))
	if err != nil {
		return err
	}
	c.everyAnswer(name, "a preflight", res)
	if res.status < 200 || res.status > 299 {
		c.report.broken(91, name, "status %d for a preflight", res.status)
		return nil
	}
	for _, f := range fields {
		if !lists(res.header, "Access-Control-Allow-Headers", f) {
			c.report.broken(91, name, "a preflight answered without %s", f)
			return nil
		}
	}
	return nil
}

// probeMissing asks for what does not exist.
func (w *watcher) probeMissing(ctx context.Context, m *media) error {
	missing, err := w.u.Parse("no-such-file-here.m4s")
	if err != nil {
		return fmt.Errorf("name a file that does not exist: %w", err)
	}
	missing.RawQuery = w.u.RawQuery
	res, err := w.do(ctx, http.MethodGet, missing, maxMedia)
	if err != nil {
		return err
	}
	w.report.judged(85)
	if res.status != http.StatusNotFound && res.status != http.StatusGone && res.status != http.StatusForbidden {
		w.report.broken(85, w.name, "status %d with %d bytes", res.status, len(res.body))
	} else if life, ok := maxAge(res.header); ok && life > max(m.target(), time.Second) {
		w.report.broken(85, w.name, "status %d for %v", res.status, life)
	}
	w.everyAnswer(w.name, "what does not exist", res)
	return nil
}

// probeFile sends the requests that caches make for a segment; got is the answer to a
// plain one.
func (c *checker) probeFile(ctx context.Context, uri string, got response) error {
	head, err := c.head(ctx, got.url, uri)
	if err != nil {
		return err
	}
	where := "segment " + uri
	c.report.judged(86)
	if length := head.header.Get("Content-Length"); head.status != got.status && got.status == http.StatusOK ||
		got.status == http.StatusOK && length != "" && length != strconv.Itoa(len(got.body)) || contentType(head.header) != contentType(got.header) {
		c.report.broken(86, where, "status %d, Content-Length %q, %q for HEAD, where GET has %d bytes of %q", head.status, length, contentType(head.header), len(got.body), contentType(got.header))
	}
	if etag := got.header.Get("ETag"); etag != "" && got.status == http.StatusOK {
		again, aerr := c.do(ctx, http.MethodGet, got.url, maxMedia, "If-None-Match", etag)
		if aerr != nil {
			return aerr
		}
		if again.status != http.StatusNotModified {
			c.report.broken(88, where, "status %d for If-None-Match: %s", again.status, etag)
		}
	}
	if !lists(got.header, "Accept-Ranges", "bytes") || len(got.body) < 20 {
		return nil
	}
	c.report.judged(87)
	part, err := c.do(ctx, http.MethodGet, got.url, maxMedia, "Range", "bytes=10-19")
	if err != nil {
		return err
	}
	if want := fmt.Sprintf("bytes 10-19/%d", len(got.body)); part.status != http.StatusPartialContent || part.header.Get("Content-Range") != want || string(part.body) != string(got.body[10:20]) {
		c.report.broken(87, where, "status %d, Content-Range %q and %d bytes for bytes=10-19", part.status, part.header.Get("Content-Range"), len(part.body))
	}
	past, err := c.do(ctx, http.MethodGet, got.url, maxMedia, "Range", "bytes=1099511627776-1099511627785")
	if err != nil {
		return err
	}
	if past.status != http.StatusRequestedRangeNotSatisfiable {
		c.report.broken(87, where, "status %d for a range past the end", past.status)
	}
	return nil
}
