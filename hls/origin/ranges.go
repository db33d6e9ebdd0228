package origin

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rangeApplies reports whether the request has one Range header that is to be
// looked at: If-Range may say that it holds for another version only
// (RFC 9110 §13.1.5).
func rangeApplies(h http.Header, etag string, modified time.Time) bool {
	if len(h["Range"]) != 1 {
		return false
	}
	switch lines := h["If-Range"]; {
	case len(lines) == 0:
		return true
	case len(lines) > 1:
		return false
	case strings.HasPrefix(lines[0], `"`) || strings.HasPrefix(lines[0], "W/"):
		return lines[0] == etag // a weak tag never is
	}
	since, ok := date(h, "If-Range")
	return ok && !modified.IsZero() && modified.Truncate(time.Second).Equal(since)
}

// parseRange reads a Range header for something of size bytes (RFC 9110 §14.1.2).
// The length is 0 if the range is not satisfiable, and below 0 if the whole is to
// be sent: for another unit, for what makes no sense, and for several ranges, which
// no player needs and which could be made to cost any amount.
func parseRange(h http.Header, size int64) (start, length int64) {
	const whole = -1
	set, ok := strings.CutPrefix(h["Range"][0], "bytes=")
	if !ok {
		return 0, whole
	}
	from, to, ok := strings.Cut(strings.Trim(set, " \t"), "-")
	if !ok {
		return 0, whole
	}
	if from == "" {
		suffix := parseOffset(to)
		if suffix < 0 {
			return 0, whole
		}
		suffix = min(suffix, size)
		return size - suffix, suffix
	}
	first, last := parseOffset(from), size-1
	if to != "" {
		last = parseOffset(to)
	}
	switch {
	case first < 0 || last < 0 && to != "":
		return 0, whole
	case first >= size:
		return 0, 0
	case last < first:
		return 0, whole
	}
	return first, min(last, size-1) - first + 1
}

// parseOffset returns -1 for what is not a decimal number, and the largest number
// for one that is larger.
func parseOffset(s string) int64 {
	if s == "" || len(s) > 64 {
		return -1
	}
	const limit = 1 << 53
	n := int64(0)
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return -1
		}
		n = min(n*10+int64(c-'0'), limit)
	}
	return n
}

func contentRange(start, length, size int64) string {
	b := make([]byte, 0, 48)
	b = append(b, "bytes "...)
	b = strconv.AppendInt(b, start, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, start+length-1, 10)
	b = append(b, '/')
	b = strconv.AppendInt(b, size, 10)
	return string(b)
}
