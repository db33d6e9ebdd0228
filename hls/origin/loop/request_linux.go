package loop

import (
	"bytes"
	"context"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

const (
	// maxHead bounds the head of a request, in bytes.
	maxHead = 8 << 10
	// maxFields bounds the header lines of a request.
	maxFields = 64
)

// request is one request, in memory that is used again.
type request struct {
	http   *http.Request
	url    url.URL
	values []string // of the header
	last   bool     // the client wants the connection to be closed afterwards
}

func newRequest(ctx context.Context) request {
	return request{http: (&http.Request{
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: make(http.Header, 8), Body: http.NoBody,
	}).WithContext(ctx)}
}

// parse reads the head of a request at the start of b. It returns how long the head is;
// 0 and no reason if it is not all there yet; and the reason if it is none that it
// understands to the last byte. b may change afterwards. serves says which paths count.
func (q *request) parse(b []byte, serves func(string) bool) (n int, why reason) {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 || end > maxHead {
		return 0, q.partial(b, serves)
	}
	head := string(b[:end+2]) // what is made of it lives as long as anybody likes
	line, rest, _ := strings.Cut(head, "\r\n")
	if why = q.parseLine(line, serves); why != reasonNone {
		return 0, why
	}
	return end + 4, q.parseFields(rest)
}

// partial says what can be said of the beginning of a head: net/http shall not get late
// what is not for us.
func (q *request) partial(b []byte, serves func(string) bool) reason {
	line, _, whole := bytes.Cut(b, []byte("\r\n"))
	switch {
	case whole:
		if why := q.parseLine(string(line), serves); why != reasonNone {
			return why
		}
	case !begins(b, "GET /") && !begins(b, "HEAD /"):
		return reasonMethod
	}
	for at := 0; ; at++ {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			break
		}
		if at += i; at == 0 || b[at-1] != '\r' {
			return reasonMalformed
		}
	}
	if len(b) >= maxHead {
		return reasonSize
	}
	return reasonNone
}

// begins reports whether one of b and s begins with the other.
func begins(b []byte, s string) bool {
	n := min(len(b), len(s))
	return string(b[:n]) == s[:n]
}

// parseLine reads the request line.
func (q *request) parseLine(line string, serves func(string) bool) reason {
	method, rest, _ := strings.Cut(line, " ")
	target, proto, ok := strings.Cut(rest, " ")
	switch {
	case method != http.MethodGet && method != http.MethodHead:
		return reasonMethod
	case !ok || proto != "HTTP/1.1":
		return reasonProtocol
	}
	path, query, asked := strings.Cut(target, "?")
	if !strings.HasPrefix(path, "/") {
		return reasonPath
	}
	for i := range len(path) {
		// No other byte stands for itself in a path of ours, and none of these has to
		// be escaped.
		if c := path[i]; !alphanumeric(c) && c != '/' && c != '-' && c != '.' && c != '_' && c != '~' {
			return reasonPath
		}
	}
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c > '~' || c == '#' {
			return reasonMalformed
		}
	}
	if !serves(path) {
		return reasonPath
	}
	q.url = url.URL{Path: path, RawQuery: query, ForceQuery: asked && query == ""}
	q.http.Method, q.http.RequestURI, q.http.URL = method, target, &q.url
	return reasonNone
}

// parseFields reads the header lines, each with its CRLF.
func (q *request) parseFields(rest string) reason {
	h := q.http.Header
	clear(h)
	q.values, q.last = q.values[:0], false
	q.http.Host, q.http.Close = "", false
	for fields := 0; rest != ""; fields++ {
		var line string
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		if !ok || !validName(name) || fields == maxFields {
			return reasonMalformed
		}
		value = strings.Trim(value, " ")
		for i := range len(value) {
			if c := value[i]; c < ' ' || c > '~' {
				return reasonMalformed
			}
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if why := q.special(name, value); why != reasonNone {
			return why
		}
		if name == "Host" {
			continue
		}
		if before := h[name]; before != nil {
			h[name] = append(before, value)
			continue
		}
		q.values = append(q.values, value)
		n := len(q.values)
		h[name] = q.values[n-1 : n : n]
	}
	if q.http.Host == "" {
		return reasonMalformed
	}
	// Of RFC 9111 §5.4, as net/http does it.
	if p := h["Pragma"]; len(p) > 0 && p[0] == "no-cache" && len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = []string{"no-cache"}
	}
	return reasonNone
}

// special looks at the fields that are about the connection.
func (q *request) special(name, value string) reason {
	switch name {
	case "Host":
		if q.http.Host != "" || !validHost(value) {
			return reasonMalformed
		}
		q.http.Host = value
	case "Connection":
		switch {
		case strings.EqualFold(value, "close"):
			q.last, q.http.Close = true, true
		case !strings.EqualFold(value, "keep-alive"):
			return reasonUpgrade
		}
	case "Upgrade", "Http2-Settings", "Te", "Proxy-Connection":
		return reasonUpgrade
	case "Content-Length", "Transfer-Encoding", "Trailer", "Expect":
		return reasonBody
	}
	return reasonNone
}

func validHost(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '.' && c != '-' && c != '_' && c != ':' && c != '[' && c != ']' {
			return false
		}
	}
	return s != ""
}

// validName reports whether s is a token (RFC 9110 §5.6.2).
func validName(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && strings.IndexByte("!#$%&'*+.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z'
}
