package app

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func ours() proxies {
	return proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:cd::/48"), netip.MustParsePrefix("127.0.0.1/32")}
}

// seen returns the RemoteAddr that a handler gets.
func seen(p proxies, remote string, header http.Header) (got string) {
	r := httptest.NewRequest(http.MethodGet, "/watch/algebra", nil)
	r.RemoteAddr, r.Header = remote, header
	p.see(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) { got = q.RemoteAddr })).ServeHTTP(nil, r)
	if r.RemoteAddr != remote {
		panic("the request of the caller was changed")
	}
	return got
}

func TestProxies(t *testing.T) {
	const xff, fwd = "X-Forwarded-For", "Forwarded"
	for _, tc := range []struct {
		name, remote string
		header       http.Header
		want         string // empty: remote
	}{
		{"no proxy of ours", "192.0.2.1:1000", http.Header{xff: {"203.0.113.7"}}, ""},
		{"no proxy of ours, tagged", "192.0.2.1:1000", http.Header{fwd: {"for=203.0.113.7"}}, ""},
		{"no header", "10.0.0.1:1000", http.Header{}, ""},
		{"one hop", "10.0.0.1:1000", http.Header{xff: {"203.0.113.7"}}, "203.0.113.7:0"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1000", http.Header{xff: {"::ffff:203.0.113.7"}}, "203.0.113.7:0"},
		{"with a port", "10.0.0.1:1000", http.Header{xff: {"203.0.113.7:4711"}}, "203.0.113.7:0"},
		{"IPv6", "10.0.0.1:1000", http.Header{xff: {"2001:db8::7"}}, "[2001:db8::7]:0"},
		{"IPv6 with a port", "10.0.0.1:1000", http.Header{xff: {"[2001:db8::7]:4711"}}, "[2001:db8::7]:0"},
		{"forged in front", "10.0.0.1:1000", http.Header{xff: {"198.51.100.1, 203.0.113.7"}}, "203.0.113.7:0"},
		{"a chain of ours", "10.0.0.1:1000", http.Header{xff: {"198.51.100.1, 203.0.113.7, 10.9.9.9,\t2001:db8:cd::1"}}, "203.0.113.7:0"},
		{"in two lines", "10.0.0.1:1000", http.Header{xff: {"198.51.100.1", "203.0.113.7, 10.0.0.2"}}, "203.0.113.7:0"},
		{"all ours", "10.0.0.1:1000", http.Header{xff: {"10.0.0.3, 10.0.0.2"}}, "10.0.0.3:0"},
		{"unknown", "10.0.0.1:1000", http.Header{xff: {"203.0.113.7, unknown"}}, ""},
		{"an empty hop", "10.0.0.1:1000", http.Header{xff: {"203.0.113.7,"}}, ""},
		{"no address", "10.0.0.1:1000", http.Header{xff: {"<script>"}}, ""},
		{"tagged", "10.0.0.1:1000", http.Header{fwd: {"proto=https;For=203.0.113.7;by=10.0.0.1"}}, "203.0.113.7:0"},
		{"tagged IPv6", "10.0.0.1:1000", http.Header{fwd: {`for=198.51.100.1, for="[2001:db8::7]:4711" ; proto=https`}}, "[2001:db8::7]:0"},
		{"tagged chain", "10.0.0.1:1000", http.Header{fwd: {`for=203.0.113.7`, `for=10.0.0.2`}}, "203.0.113.7:0"},
		{"tagged, hidden", "10.0.0.1:1000", http.Header{fwd: {"for=203.0.113.7, for=_gateway"}}, ""},
		{"tagged without for", "10.0.0.1:1000", http.Header{fwd: {"for=203.0.113.7, proto=https"}}, ""},
		{"tagged twice", "10.0.0.1:1000", http.Header{fwd: {"for=203.0.113.7;for=198.51.100.1"}}, ""},
		{"an open quote", "10.0.0.1:1000", http.Header{fwd: {`for=198.51.100.1;x="`, `for=203.0.113.7`}}, ""},
		{"a quote that ends in the proxy's", "10.0.0.1:1000", http.Header{fwd: {`for=198.51.100.1;x="`, `for="[2001:db8::7]"`}}, ""},
		{"both agree", "10.0.0.1:1000", http.Header{xff: {"203.0.113.7"}, fwd: {"for=203.0.113.7"}}, "203.0.113.7:0"},
		{"the client wrote the other", "10.0.0.1:1000", http.Header{xff: {"203.0.113.7"}, fwd: {"for=198.51.100.1"}}, ""},
		{"no remote", "pipe", http.Header{xff: {"203.0.113.7"}}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := tc.want
			if want == "" {
				want = tc.remote
			}
			if got := seen(ours(), tc.remote, tc.header); got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if got := seen(nil, tc.remote, tc.header); got != tc.remote {
				t.Errorf("%s, where no proxy is trusted", got)
			}
		})
	}
}

// FuzzProxies has a client write what it likes in front of what the proxy writes:
// it is itself, or all that come through the proxy, but never somebody else.
func FuzzProxies(f *testing.F) {
	for _, s := range []string{
		"", "198.51.100.1", "for=198.51.100.1", `for="[2001:db8::1]:1";proto=https`, `for=1.1.1.1;x="`, `x="\`, `for=1.1.1.1;x="\"`, ", ,", `"`, ";", "for=", "[::1",
		"::1%eth0", "10.0.0.9", `for="10.0.0.9"`, `for=1.1.1.1;x="a\"b", for=2.2.2.2`,
	} {
		f.Add(s, "")
		f.Add("", s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		const remote, client = "10.0.0.1:1000", "203.0.113.7:0"
		if got := seen(ours(), "192.0.2.1:1000", http.Header{"X-Forwarded-For": {a}, "Forwarded": {b}}); got != "192.0.2.1:1000" {
			t.Fatalf("who is no proxy is %s", got)
		}
		if got := seen(ours(), remote, http.Header{"X-Forwarded-For": {a + ", 203.0.113.7"}}); got != client {
			t.Fatalf("X-Forwarded-For of %q makes %s", a, got)
		}
		for _, hop := range []string{"for=203.0.113.7", `for="203.0.113.7:4711";proto=https`, `by=10.0.0.1;for="[::ffff:203.0.113.7]"`} {
			for _, header := range []http.Header{
				{"Forwarded": {b + ", " + hop}},
				{"Forwarded": {b, hop}},
				{"Forwarded": {b, hop}, "X-Forwarded-For": {"203.0.113.7"}},
				{"Forwarded": {b}, "X-Forwarded-For": {a, "203.0.113.7"}},
				{"Forwarded": {b, hop}, "X-Forwarded-For": {a}},
			} {
				if got := seen(ours(), remote, header); got != client && got != remote {
					t.Fatalf("%q makes %s", header, got)
				}
			}
		}
		_ = seen(ours(), remote, http.Header{"X-Forwarded-For": strings.Split(a, "\n"), "Forwarded": strings.Split(b, "\n")})
	})
}
