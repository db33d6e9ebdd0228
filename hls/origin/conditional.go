package origin

import (
	"net/http"
	"strconv"
	"strings"
)

// acceptsGzip reports whether the client would rather have gzip than nothing
// (RFC 9110 §12.5.3): its weight is above zero and not below that of identity.
func acceptsGzip(h http.Header) bool {
	gzip, identity, other := -1.0, -1.0, -1.0
	for _, line := range h["Accept-Encoding"] {
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

// noneMatch reports whether If-None-Match names etag, so that 304 is due
// (RFC 9110 §13.1.2). The comparison is weak, as it must be.
func noneMatch(h http.Header, etag string) bool {
	for _, line := range h["If-None-Match"] {
		for rest := line; ; {
			rest = strings.TrimLeft(rest, " \t,")
			if strings.HasPrefix(rest, "*") {
				return true
			}
			rest = strings.TrimPrefix(rest, "W/")
			if !strings.HasPrefix(rest, `"`) {
				break
			}
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				break
			}
			if rest[:end+2] == etag {
				return true
			}
			rest = rest[end+2:]
		}
	}
	return false
}
