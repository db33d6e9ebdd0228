package origin

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// acceptsGzip reports whether the client would rather have gzip than nothing
// (RFC 9110 §12.5.3): its weight is above zero and not below that of identity.
func acceptsGzip(h http.Header) bool {
	lines := h["Accept-Encoding"]
	if len(lines) == 1 {
		switch lines[0] { // of browsers, proxies and libraries
		case "gzip", "gzip, deflate", "gzip, deflate, br", "gzip, deflate, br, zstd":
			return true
		}
	}
	gzip, identity, other := -1.0, -1.0, -1.0
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			coding, params, _ := strings.Cut(item, ";")
			q := weight(params)
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				gzip = max(gzip, q)
			case "identity":
				identity = q
			case "*":
				other = q
			}
		}
	}
	if gzip < 0 {
		gzip = other
	}
	return gzip > 0 && gzip >= identity
}

// weight reads the q parameter, 1 if absent and 0 if it makes no sense.
func weight(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		name, value, ok := strings.Cut(p, "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}

// checkConditions evaluates the conditions of a GET or HEAD request for something
// that exists, in the order of RFC 9110 §13.2.2. It returns 304 or 412 if that is
// the answer, and 0 if there are no objections.
func checkConditions(h http.Header, etag string, modified time.Time) int {
	if lines, ok := h["If-Match"]; ok {
		if !anyTag(lines, etag, false) {
			return http.StatusPreconditionFailed
		}
	} else if since, ok := date(h, "If-Unmodified-Since"); ok && modified.Truncate(time.Second).After(since) {
		return http.StatusPreconditionFailed
	}
	if lines, ok := h["If-None-Match"]; ok {
		if anyTag(lines, etag, true) {
			return http.StatusNotModified
		}
	} else if since, ok := date(h, "If-Modified-Since"); ok && !modified.IsZero() && !modified.Truncate(time.Second).After(since) {
		return http.StatusNotModified
	}
	return 0
}

// date reads a header that is an HTTP date, and one that we know how to read.
func date(h http.Header, key string) (time.Time, bool) {
	lines := h[key]
	if len(lines) != 1 {
		return time.Time{}, false
	}
	t, err := http.ParseTime(lines[0])
	return t, err == nil
}

// noneMatch reports whether If-None-Match names etag, so that 304 is due
// (RFC 9110 §13.1.2).
func noneMatch(h http.Header, etag string) bool {
	return anyTag(h["If-None-Match"], etag, true)
}

// anyTag reports whether a list of entity tags names etag, or everything. A weak
// comparison takes W/"x" for "x", a strong one does not (RFC 9110 §8.8.3.2).
func anyTag(lines []string, etag string, weak bool) bool {
	for _, line := range lines {
		for rest := line; ; {
			rest = strings.TrimLeft(rest, " \t,")
			if strings.HasPrefix(rest, "*") {
				return true
			}
			tag, weakened := strings.CutPrefix(rest, "W/")
			if !strings.HasPrefix(tag, `"`) {
				break
			}
			end := strings.IndexByte(tag[1:], '"')
			if end < 0 {
				break
			}
			if tag[:end+2] == etag && (weak || !weakened) {
				return true
			}
			rest = tag[end+2:]
		}
	}
	return false
}
