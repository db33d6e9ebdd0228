package rtmp

import (
	"fmt"
	"slices"
)

const httpText = "This is an RTMP port: it takes live video from an encoder such as OBS. The web pages are on another port.\n"

// turnAway ends a connection whose first byte is not RTMP's. A browser or probe
// that was pointed at the wrong port is told so.
func (c *conn) turnAway() {
	b, err := c.src.Peek(4)
	if err != nil {
		b, _ = c.src.Peek(c.src.Buffered())
	}
	methods := []string{"GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "PATC", "CONN", "TRAC", "PRI "}
	switch {
	case slices.Contains(methods, string(b)):
		c.end(reasonHTTP)
		c.tell(fmt.Appendf(nil, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"+
			"Content-Length: %d\r\nConnection: close\r\n\r\n%s", len(httpText), httpText))
	case len(b) >= 2 && b[0] == 0x16 && b[1] == 0x03: // TLS handshake record
		c.end(reasonTLS)
	default:
		c.end(reasonNotRTMP)
	}
}
