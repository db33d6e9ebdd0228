package loop_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

const ask = " HTTP/1.1\r\nHost: x\r\n\r\n"

// conversations are what clients may say, and whether a loop understands all of it.
func conversations() []struct {
	name, say string
	handed    string // the reason, "" if it stays
} {
	get := func(path string) string { return "GET " + path + ask }
	return []struct{ name, say, handed string }{
		{"shared memory", get("/live/shared"), ""},
		{"copied memory, own date", get("/live/copied"), ""},
		{"no body", get("/live/nothing"), ""},
		{"no length", get("/live/unsized"), ""},
		{"file", get("/live/file"), ""},
		{"end of file", get("/live/file?from=3145000"), ""},
		{"section of a file", get("/live/section?from=1000"), ""},
		{"memory and files", get("/live/mixed"), ""},
		{"204", get("/live/none"), ""},
		{"304", get("/live/unchanged"), ""},
		{"404", get("/live/missing"), ""},
		{"less than promised", get("/live/short") + get("/live/shared"), ""},
		{"more than promised", get("/live/long") + get("/live/shared"), ""},
		{"handler closes", get("/live/closing") + get("/live/shared"), ""},
		{"handler fails", get("/live/panic") + get("/live/shared"), ""},
		{"HEAD", "HEAD /live/shared" + ask + "HEAD /live/file" + ask + "HEAD /live/none" + ask + "HEAD /live/unchanged" + ask + "HEAD /live/unsized" + ask + "HEAD /live/long" + ask, ""},
		{"pipeline", strings.Repeat(get("/live/shared")+get("/live/file?from=3140000")+get("/live/missing"), 10), ""},
		{"client closes", "GET /live/shared HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + get("/live/shared"), ""},
		{"client keeps alive", "GET /live/shared HTTP/1.1\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n" + get("/live/shared"), ""},
		{"the whole request", "GET /live/x/y?a=b&c=%20%zz HTTP/1.1\r\nhost: a.example:8080\r\nAccept-encoding: gzip, br\r\nCookie: a=1\r\nCookie: b=2\r\nx-Odd.~name:   spaced out  \r\nEmpty:\r\nPragma: no-cache\r\n\r\n", ""},
		{"empty query", get("/live/x?"), ""},
		{"question marks", get("/live/x??a=?"), ""},
		{"token", get("/t/v1.k-1.41_0~2/live/x/index.m3u8"), ""},
		{"address as host", "GET /live/x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", ""},
		{"dots", get("/live/../x"), ""},
		{"half a request", get("/live/shared") + "GET /live/sha", "malformed"},
		{"nothing at all", "", ""},

		{"page", get("/watch/x") + get("/live/shared"), "path"},
		{"page after media", get("/live/shared") + get("/watch/x") + get("/live/shared"), "path"},
		{"escape", get("/live/%73hared"), "path"},
		{"odd path", get("/live/a'b"), "path"},
		{"POST", "POST /live/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + get("/live/shared"), "method"},
		{"OPTIONS", "OPTIONS /live/x HTTP/1.1\r\nHost: x\r\n\r\n", "method"},
		{"OPTIONS of all", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "method"},
		{"GET with a body", "GET /live/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + get("/live/shared"), "body"},
		{"chunks", "GET /live/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" + get("/live/shared"), "body"},
		{"both", "GET /live/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "body"},
		{"expectation", "GET /live/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", "body"},
		{"HTTP/1.0", "GET /live/shared HTTP/1.0\r\n\r\n", "protocol"},
		{"HTTP/1.0, kept", "GET /live/shared HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + get("/live/shared"), "protocol"},
		{"HTTP/0.9", "GET /live/shared\r\n\r\n", "protocol"},
		{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "method"},
		{"upgrade", "GET /live/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "upgrade"},
		{"options of the connection", "GET /live/x HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, te\r\nTE: trailers\r\n\r\n", "upgrade"},
		{"whole URL", get("http://x/live/shared"), "path"},
		{"no slash", get("live/shared"), "path"},
		{"folded line", "GET /live/x HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", "malformed"},
		{"space before the colon", "GET /live/x HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", "malformed"},
		{"no colon", "GET /live/x HTTP/1.1\r\nHost: x\r\nAb\r\n\r\n", "malformed"},
		{"no name", "GET /live/x HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", "malformed"},
		{"control character", "GET /live/x HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n", "malformed"},
		{"bare CR", "GET /live/x HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", "malformed"},
		{"bare LF", "GET /live/shared HTTP/1.1\nHost: x\n\n", "malformed"},
		{"bare LF later", "GET /live/shared HTTP/1.1\r\nHost: x\n\n", "malformed"},
		{"other characters", "GET /live/x HTTP/1.1\r\nHost: x\r\nA: \xe4\r\n\r\n", "malformed"},
		{"tab", "GET /live/x HTTP/1.1\r\nHost: x\r\nA:\tb\r\n\r\n", "malformed"},
		{"no host", "GET /live/x HTTP/1.1\r\n\r\n", "malformed"},
		{"empty host", "GET /live/x HTTP/1.1\r\nHost:\r\n\r\n", "malformed"},
		{"two hosts", "GET /live/x HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "malformed"},
		{"odd host", "GET /live/x HTTP/1.1\r\nHost: x/y\r\n\r\n", "malformed"},
		{"fragment", get("/live/x?a#b"), "malformed"},
		{"empty line first", "\r\n" + get("/live/shared"), "method"},
		{"two spaces", "GET  /live/shared" + ask, "protocol"},
		{"lower case", "get /live/shared" + ask, "method"},
		{"large head", "GET /live/x HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 9000) + "\r\n\r\n" + get("/live/shared"), "size"},
		{"many fields", "GET /live/x HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", 100) + "\r\n", "malformed"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "method"},
	}
}

// Whatever a client says, a loop with net/http behind it answers what net/http alone
// would, to the byte.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	h := newStub(t)
	plain := startPlain(t, h)
	s := start(t, h)
	handed := 0
	for _, tc := range conversations() {
		t.Run(tc.name, func(t *testing.T) {
			want := talk(t, plain, tc.say)
			before := s.handed(t, tc.handed)
			if got := talk(t, s.addr, tc.say); got != want {
				t.Errorf("got %.2000q,\nwant %.2000q", got, want)
			}
			if tc.handed != "" {
				handed++
				eventually(t, "handed over for "+tc.handed, before+1, func() int { return s.handed(t, tc.handed) })
			}
			eventually(t, "handed over", handed, func() int { return s.handed(t) })
		})
	}
	eventually(t, "connections", 0, func() int { return s.metric(t, "lectern_loop_connections") })
}

// It is the same however the bytes of the requests are split.
func TestAnswersDoNotDependOnSplits(t *testing.T) {
	h := newStub(t)
	plain := startPlain(t, h)
	s := start(t, h)
	for _, say := range []string{
		"GET /live/shared HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\nHEAD /live/missing" + ask + "GET /watch/x" + ask,
		"GET /live/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
		"GET /live/x HTTP/1.1\r\nHost: x\r\nA: b\n\r\n",
	} {
		want := talk(t, plain, say)
		for at := 1; at < len(say); at += 3 {
			if got := talk(t, s.addr, say[:at], say[at:]); got != want {
				t.Fatalf("split after %q: got %q,\nwant %q", say[:at], got, want)
			}
		}
		var bytes []string
		for _, b := range []byte(say) {
			bytes = append(bytes, string(b))
		}
		if got := talk(t, s.addr, bytes...); got != want {
			t.Fatalf("by bytes: got %q,\nwant %q", got, want)
		}
	}
}

// What is handed over is an ordinary connection of net/http, which may even be taken
// away from it.
func TestHandedOverConnectionsCanBeUpgraded(t *testing.T) {
	s := start(t, newStub(t))
	say := "GET /live/shared" + ask + "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello"
	got := talk(t, s.addr, say)
	if !strings.Contains(got, "101 Switching") || !strings.HasSuffix(got, "\r\n\r\nhello") {
		t.Errorf("got %q", got)
	}
}

// A client that has shut its side down gets its answer, however large.
func TestHalfClosedClientIsAnswered(t *testing.T) {
	s := start(t, newStub(t))
	got := talk(t, s.addr, "GET /live/file"+ask)
	_, media, ok := strings.Cut(got, "\r\n\r\n")
	if !ok {
		t.Fatalf("got %.200q", got)
	}
	sameBytes(t, []byte(media), contents(fileSize))
}

// FuzzConnection: whatever the bytes, the answer is that of net/http.
func FuzzConnection(f *testing.F) {
	for _, c := range conversations() {
		if len(c.say) < 1000 && !strings.Contains(c.say, "/live/file") && !strings.Contains(c.say, "/live/section") {
			f.Add([]byte(c.say))
		}
	}
	h := newStub(f)
	served := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/upgrade" || r.URL.Path == "/live/held" {
			body(w, http.StatusOK, "no")
			return
		}
		h.ServeHTTP(w, r)
	})
	plain := startPlain(f, served)
	s := start(f, served)
	f.Fuzz(func(t *testing.T, say []byte) {
		if len(say) > 4000 || bytes.Count(say, []byte("\n")) > 60 {
			return
		}
		want, got := talk(t, plain, string(say)), talk(t, s.addr, string(say))
		if got != want {
			t.Fatalf("got %q,\nwant %q", got, want)
		}
	})
}
