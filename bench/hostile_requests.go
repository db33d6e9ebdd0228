package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// attack is a request that no player makes.
type attack struct {
	kind string
	text string // what is sent
}

// attacks makes requests of all kinds, the same ones for the same seed. folder is
// the path of a rendition that exists, segment that of one of its segments.
type attacks struct {
	random  *rand.Rand
	folder  string
	segment string
	noises  string // to be cut from
}

func newAttacks(seed uint64, folder, segment string) *attacks {
	a := &attacks{random: rand.New(rand.NewPCG(seed, 4)), folder: folder, segment: segment} //nolint:gosec // repeatable on purpose
	b := make([]byte, 2*maxNoise)
	for i := range b {
		b[i] = byte('!' + a.random.IntN(94))
	}
	a.noises = string(b)
	return a
}

// maxNoise is the longest noise, in bytes.
const maxNoise = 64 << 10

// next returns another one.
func (a *attacks) next() attack {
	makers := []struct {
		kind string
		text func() string
	}{
		{"path", a.path}, {"query", a.query}, {"range", a.ranged}, {"method", a.method}, {"header", a.header}, {"framing", a.framing},
	}
	m := makers[a.random.IntN(len(makers))]
	return attack{m.kind, m.text()}
}

// one returns one of the choices.
func (a *attacks) one(choices ...string) string { return choices[a.random.IntN(len(choices))] }

// noise is n random bytes, at most maxNoise, without spaces and control characters.
func (a *attacks) noise(n int) string {
	from := a.random.IntN(maxNoise)
	return a.noises[from : from+n]
}

func plain(method, target, headers string) string {
	return method + " " + target + " HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n" + headers + "\r\n"
}

func (a *attacks) path() string {
	return plain("GET", a.one(
		"/live/../../../../etc/passwd", "/live/%2e%2e/%2e%2e/etc/passwd", a.folder+"..%2f..%2flectern.db", a.folder+"%00", "//live//x//index.m3u8",
		a.folder+"s-1-x.m4s", a.folder+"s99999999999999999999999-x.m4s", a.folder+"p1.99999999999-x.m4s", a.folder+"init-999-x.mp4",
		"/live/"+a.noise(4000), "/live/"+strings.Repeat("a/", 3000), "/live/nobody/source/index.m3u8", a.folder+"\xff\xfe.m4s",
		"http://elsewhere.example"+a.folder+"index.m3u8", "*", "/t/"+a.noise(300)+a.folder+"index.m3u8", "/t/v1.k.0.x.y.z"+a.folder+"index.m3u8",
		"/api/v1/classes", "/api/v1/classes/../../x", "/watch/"+a.noise(200), "/studio/nobody", "/ws/nobody", "/"+a.noise(60),
		a.folder+"index.m3u8/", strings.ToUpper(a.folder)+"INDEX.M3U8", a.folder+"s0.m4s.tmp", a.folder+"../index",
	), "")
}

func (a *attacks) query() string {
	list := a.folder + a.one("index.m3u8", "iframes.m3u8", "dvr.m3u8", "recording.m3u8")
	return plain("GET", list+"?"+a.one(
		"_HLS_msn=-1", "_HLS_msn=99999999999999999999", "_HLS_msn=1000000", "_HLS_part=3", "_HLS_msn=0&_HLS_part=99999", "_HLS_msn=x",
		"_HLS_msn=1&_HLS_msn=2", "_HLS_skip=v2", "_HLS_skip=NO", "_HLS_skip=YES&_HLS_skip=YES", "_HLS_msn=0x10", "_HLS_msn=%31", "_HLS_msn=+1",
		a.noise(4000), strings.Repeat("a=b&", 1500), fmt.Sprintf("nocache=%d", a.random.Int()), "_HLS_msn=0;_HLS_part=1", "%zz", "&&&=&=",
	), "")
}

func (a *attacks) ranged() string {
	return plain("GET", a.segment, "Range: "+a.one(
		"bytes=0-", "bytes=-1", "bytes=0-0", "bytes=99999999999-", "bytes=5-2", "bytes=-0", "bytes=abc", "lines=1-2", "bytes=",
		"bytes="+strings.TrimSuffix(strings.Repeat("0-,", 500), ","), "bytes="+strings.TrimSuffix(strings.Repeat("1-2,5-9,", 300), ","),
		"bytes=0-18446744073709551616", "bytes=-9223372036854775808", "bytes=0-1,2-3", a.noise(2000),
	)+"\r\n"+a.one("", "If-Range: \"x\"\r\n", "If-Match: \"x\"\r\n", "If-None-Match: "+strings.Repeat("\"x\",", 900)+"*\r\n", "If-Modified-Since: yesterday\r\n"))
}

func (a *attacks) method() string {
	return plain(a.one("POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD", "get", "PROPFIND", "CONNECT", strings.Repeat("X", 2000), "PRI"),
		a.one(a.folder+"index.m3u8", a.segment, "/", "/api/v1/classes"), a.one("", "Content-Length: 0\r\n", "Expect: 100-continue\r\nContent-Length: 10\r\n", "Upgrade: h2c\r\nConnection: upgrade\r\n"))
}

func (a *attacks) header() string {
	return plain("GET", a.folder+"index.m3u8", a.one(
		"X-Large: "+a.noise(15<<10)+"\r\n", "X-Large: "+a.noise(64<<10)+"\r\n", strings.Repeat("X-Many: 1\r\n", 1000), "Accept-Encoding: "+strings.Repeat("gzip;q=0.5,", 1000)+"br\r\n",
		"Host: other\r\n", "No-Colon\r\n", " Folded: x\r\n", "X\x00: y\r\n", "X: \x01\x02\r\n", "Cookie: "+a.noise(4000)+"\r\n", "Authorization: Bearer "+a.noise(3000)+"\r\n",
		"Lectern-Shield: "+a.noise(200)+"\r\n", "Origin: "+a.noise(100)+"\r\n", "X-Forwarded-For: "+strings.Repeat("1.2.3.4,", 500)+"\r\n", "Accept-Encoding: gzip;q=x\r\n",
	))
}

func (a *attacks) framing() string {
	target := a.folder + "index.m3u8"
	return a.one(
		"GET "+target+"\r\n", "GET "+target+" HTTP/1.0\r\n\r\n", "GET "+target+" HTTP/9.9\r\nHost: x\r\n\r\n", a.noise(500)+"\r\n\r\n", "\r\n\r\n\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET "+target+" HTTP/1.1\r\n\r\n",
		"POST "+target+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		"POST "+target+" HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx", "POST "+target+" HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
		"GET "+target+" HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", strings.Repeat("GET "+target+" HTTP/1.1\r\nHost: x\r\n\r\n", 20),
		"GET "+target+" HTTP/1.1\nHost: x\n\n",
	)
}
