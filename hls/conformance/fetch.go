package conformance

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// maxPlaylist and maxMedia bound what is read of one answer.
	maxPlaylist = 16 << 20
	maxMedia    = 32 << 20
	// maxFiles bounds how many files of media are held in memory at once.
	maxFiles = 8
	// maxRedirects bounds how often a playlist may send us elsewhere.
	maxRedirects = 5
	// origin is who we say we are in the terms of the Fetch standard.
	origin = "https://player.invalid"
)

// fetcher makes single requests.
type fetcher struct {
	client *http.Client
	hide   *strings.Replacer
	zips   *sync.Pool    // of *gzip.Reader, each of which has a large window
	files  chan struct{} // one for each file of media that is being read
}

// unzip returns a reader of what r holds in gzip, to be given back.
func (f fetcher) unzip(r io.Reader) (*gzip.Reader, error) {
	if z, ok := f.zips.Get().(*gzip.Reader); ok {
		return z, z.Reset(r)
	}
	return gzip.NewReader(r)
}

// response is an answer, read whole. body is decoded.
type response struct {
	status int
	header http.Header
	body   []byte
	gzip   bool
	torn   string // why the body is not whole
	cut    bool   // longer than we read
	url    *url.URL
	proto  int // major version of HTTP
	tls    *tls.ConnectionState

	asked, first, firstByte, done time.Time // request sent, header read, and the body's ends
}

// ok reports whether the answer is whole and 200 or 206.
func (r response) ok() bool {
	return (r.status == http.StatusOK || r.status == http.StatusPartialContent) && r.torn == "" && !r.cut
}

// transient reports whether a server that is away or overloaded answers so.
func (r response) transient() bool {
	return r.status == http.StatusBadGateway || r.status == http.StatusGatewayTimeout || r.status == http.StatusInternalServerError
}

// playlist gets a playlist, wherever the server sends us for it.
func (f fetcher) playlist(ctx context.Context, u *url.URL, header ...string) (response, error) {
	for range maxRedirects {
		res, err := f.do(ctx, http.MethodGet, u, maxPlaylist, append([]string{"Accept-Encoding", "gzip"}, header...)...)
		if err != nil || res.status < 300 || res.status > 399 || res.header.Get("Location") == "" {
			return res, err
		}
		if u, err = u.Parse(res.header.Get("Location")); err != nil {
			return res, errors.New("redirected to what is no URL")
		}
	}
	return response{}, errors.New("redirected for ever")
}

// do sends one request with the given header fields, names and values in turn, and
// reads at most limit bytes of the answer.
func (f fetcher) do(ctx context.Context, method string, u *url.URL, limit int64, header ...string) (response, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), http.NoBody)
	if err != nil {
		return response{}, errors.New(f.hide.Replace(fmt.Sprintf("make request: %v", err)))
	}
	req.Header.Set("Origin", origin)
	req.Header.Set("Accept-Encoding", "identity")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	out := response{url: u, asked: time.Now()}
	res, err := f.client.Do(req)
	if err != nil {
		// The URL, which may hold a token, stays out of the error.
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err
		}
		return out, fmt.Errorf("%s: %w", method, err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end, or given up
	out.first = time.Now()
	out.status, out.header, out.proto, out.tls = res.StatusCode, res.Header, res.ProtoMajor, res.TLS
	body := io.Reader(&timed{r: res.Body, first: &out.firstByte})
	if res.Header.Get("Content-Encoding") == "gzip" && method != http.MethodHead && res.StatusCode != http.StatusNotModified {
		out.gzip = true
		z, zerr := f.unzip(body)
		if z != nil {
			defer f.zips.Put(z)
		}
		if zerr != nil {
			if ctx.Err() != nil {
				return out, fmt.Errorf("%s: %w", method, ctx.Err())
			}
			out.torn = "no gzip in what says it is"
			return out, nil
		}
		body = z
	}
	out.body, err = io.ReadAll(io.LimitReader(body, limit+1))
	out.done = time.Now()
	switch {
	case ctx.Err() != nil:
		return out, fmt.Errorf("%s: %w", method, ctx.Err())
	case err != nil:
		out.torn = fmt.Sprintf("%d bytes, then %v", len(out.body), err)
	case int64(len(out.body)) > limit:
		out.cut, out.body = true, out.body[:limit]
	}
	return out, nil
}

// timed notes when the first byte is read.
type timed struct {
	r     io.Reader
	first *time.Time
}

func (t *timed) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 && t.first.IsZero() {
		*t.first = time.Now()
	}
	return n, err
}

// resource names some or all bytes of a file.
type resource struct {
	uri string
	byteRange
}

// media gets a resource that the playlist at base names.
func (f fetcher) media(ctx context.Context, base *url.URL, r resource) (response, error) {
	u, err := base.Parse(r.uri)
	if err != nil || r.uri == "" {
		return response{status: http.StatusNotFound, header: http.Header{}}, nil //nolint:nilerr // a name that is none stands for nothing
	}
	if r.length == 0 {
		return f.do(ctx, http.MethodGet, u, maxMedia)
	}
	res, err := f.do(ctx, http.MethodGet, u, maxMedia, "Range", fmt.Sprintf("bytes=%d-%d", r.offset, r.offset+r.length-1))
	if err == nil && res.status == http.StatusOK && int64(len(res.body)) >= r.offset+r.length {
		res.body = res.body[r.offset : r.offset+r.length] // ranges are ignored: rule 87
	}
	return res, err
}

// head asks for the header of a resource.
func (f fetcher) head(ctx context.Context, base *url.URL, uri string) (response, error) {
	u, err := base.Parse(uri)
	if err != nil || uri == "" {
		return response{status: http.StatusNotFound, header: http.Header{}}, nil //nolint:nilerr // as in media
	}
	return f.do(ctx, http.MethodHead, u, maxMedia)
}

// secrets returns what takes everything out of a text that may be a viewer's token:
// queries, the path element after "t", and long path elements of the URL.
func secrets(u *url.URL) *strings.Replacer {
	var pairs []string
	hide := func(s string) {
		if len(s) >= 6 {
			pairs = append(pairs, s, "…")
		}
	}
	hide(u.RawQuery)
	for _, values := range u.Query() {
		for _, v := range values {
			hide(v)
		}
	}
	if u.User != nil {
		hide(u.User.String())
	}
	elements := strings.Split(u.EscapedPath(), "/")
	for i, e := range elements {
		if len(e) >= 32 || i > 0 && elements[i-1] == "t" {
			hide(e)
			if plain, err := url.PathUnescape(e); err == nil {
				hide(plain)
			}
		}
	}
	return strings.NewReplacer(pairs...)
}
