package bench

import (
	"errors"
	"strings"
	"testing"
)

func TestParseHead(t *testing.T) {
	for _, tc := range []struct {
		name, data string
		want       head
		size       int
		err        error
	}{
		{name: "nothing yet"},
		{name: "not all of it", data: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"},
		{
			name: "with the beginning of the body", data: "HTTP/1.1 200 OK\r\nETag: \"ab\"\r\ncontent-length:  5 \r\n\r\nhel",
			want: head{status: 200, length: 5, etag: `"ab"`}, size: 52,
		},
		{name: "no reason", data: "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", want: head{status: 404}, size: 35},
		{name: "not modified has no body", data: "HTTP/1.1 304 Not Modified\r\n\r\n", want: head{status: 304}, size: 29},
		{name: "the last one", data: "HTTP/1.0 503 x\r\nConnection: Close\r\nContent-Length: 2\r\n\r\n", want: head{status: 503, length: 2, closes: true}, size: 56},
		{name: "of unknown length", data: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", err: errLength},
		{name: "of negative length", data: "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", err: errHead},
		{name: "no colon", data: "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", err: errHead},
		{name: "no status", data: "HTTP/1.1 abc OK\r\n\r\n", err: errHead},
		{name: "something else", data: "SSH-2.0-OpenSSH\r\n\r\n", err: errHead},
		{name: "endless", data: "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead), err: errHead},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, size, err := parseHead([]byte(tc.data))
			if !errors.Is(err, tc.err) || err != nil && tc.err == nil {
				t.Fatalf("err = %v, want %v", err, tc.err)
			}
			if got != tc.want || size != tc.size {
				t.Errorf("head = %+v of %d bytes, want %+v of %d", got, size, tc.want, tc.size)
			}
		})
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nETag: \"ab\"\r\nContent-Length: 5\r\n\r\nhello"))
	f.Add([]byte("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, size, err := parseHead(data)
		if err != nil || size == 0 {
			return
		}
		if size > len(data) || h.length < 0 || h.status < 100 || h.status > 999 {
			t.Errorf("head = %+v of %d bytes", h, size)
		}
		again, _, err := parseHead(append(data[:size:size], "and a body"...))
		if err != nil || again != h {
			t.Errorf("with another body it is %+v, %v", again, err)
		}
	})
}
