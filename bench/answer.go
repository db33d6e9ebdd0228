package bench

import (
	"bytes"
	"errors"
	"strconv"
)

// maxHead bounds the head of an answer, in bytes.
const maxHead = 8 << 10

// head is what a generator wants of the head of an HTTP/1.1 answer.
type head struct {
	status int
	length int64  // of the body in bytes
	etag   string // with its quotes, empty for none
	closes bool   // the server closes the connection afterwards
}

var (
	errHead   = errors.New("not an HTTP/1.1 answer")
	errLength = errors.New("an answer without Content-Length")
)

// parseHead reads the head of an answer (RFC 9112 §4) from the start of data. It
// returns how many bytes that takes, 0 if data ends before the head does. An
// answer to GET must say its length: no server measured here has a reason not to.
func parseHead(data []byte) (h head, size int, err error) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		if len(data) > maxHead {
			return head{}, 0, errHead
		}
		return head{}, 0, nil
	}
	line, rest, _ := bytes.Cut(data[:end], []byte("\r\n"))
	// HTTP/1.1 200 OK
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return head{}, 0, errHead
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil || h.status < 100 {
		return head{}, 0, errHead
	}
	h.length = -1
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return head{}, 0, errHead
		}
		value = bytes.TrimSpace(value)
		switch {
		case equalFold(name, "content-length"):
			if h.length, err = strconv.ParseInt(string(value), 10, 64); err != nil || h.length < 0 {
				return head{}, 0, errHead
			}
		case equalFold(name, "etag"):
			h.etag = string(value)
		case equalFold(name, "connection"):
			h.closes = equalFold(value, "close")
		}
	}
	if h.status == 204 || h.status == 304 {
		h.length = 0
	}
	if h.length < 0 {
		return head{}, 0, errLength
	}
	return h, end + 4, nil
}

// equalFold compares b with a text in lower case.
func equalFold(b []byte, lower string) bool {
	return len(b) == len(lower) && bytes.EqualFold(b, []byte(lower))
}
