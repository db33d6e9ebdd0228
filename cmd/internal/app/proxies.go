package app

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the addresses that are believed who asks through them: the limits of
// one address are then those of the client, not of the proxy that all come through.
type proxies []netip.Prefix

// see returns next with the RemoteAddr of requests that come through a proxy set to
// the client's, with port 0.
func (p proxies) see(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client, ok := p.client(r); ok {
			r = r.WithContext(r.Context()) // a copy
			r.RemoteAddr = net.JoinHostPort(client.String(), "0")
		}
		next.ServeHTTP(w, r)
	})
}

// client returns who a proxy of ours says is asking: the last of X-Forwarded-For or
// of Forwarded (RFC 7239) that is no proxy of ours. What stands before it the client
// may have made up. A proxy that writes one of the headers passes on what the client
// wrote in the other: where both are there they must agree.
func (p proxies) client(r *http.Request) (netip.Addr, bool) {
	peer, ok := hopAddress(r.RemoteAddr)
	if !ok || !p.have(peer) {
		return netip.Addr{}, false
	}
	list, tagged := forwardedFor(r.Header.Values("X-Forwarded-For")), forwarded(r.Header.Values("Forwarded"))
	a, named := p.last(list)
	b, tags := p.last(tagged)
	switch {
	case len(list) == 0:
		return b, tags
	case len(tagged) == 0:
		return a, named
	}
	return a, named && tags && a == b
}

func (p proxies) have(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(n netip.Prefix) bool { return n.Contains(a) })
}

// last returns the last hop that is no proxy of ours, or the first if all are. It is
// false if a proxy did not know, or hides, who that was.
func (p proxies) last(hops []string) (a netip.Addr, ok bool) {
	for _, hop := range slices.Backward(hops) {
		if a, ok = hopAddress(hop); !ok || !p.have(a) {
			return a, ok
		}
	}
	return a, ok
}

// hopAddress reads an address, with or without a port and brackets.
func hopAddress(s string) (netip.Addr, bool) {
	if at, err := netip.ParseAddrPort(s); err == nil {
		return at.Addr().Unmap().WithZone(""), true
	}
	if inside, found := strings.CutPrefix(s, "["); found {
		if s, found = strings.CutSuffix(inside, "]"); !found {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap().WithZone(""), err == nil
}

// forwardedFor returns the hops of X-Forwarded-For, the nearest last.
func forwardedFor(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	hops := strings.Split(strings.Join(lines, ","), ",")
	for i := range hops {
		hops[i] = strings.Trim(hops[i], " \t")
	}
	return hops
}

// forwarded returns the for= of each element of Forwarded, the nearest last; one
// that nobody can be if there is none, or the header breaks the grammar of RFC 7239
// §4: where a quote is left open one cannot tell what the proxy wrote.
func forwarded(lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	hops := []string{""}
	rest := strings.Join(lines, ",")
	for {
		name, value, after, ok := forwardedPair(rest)
		if !ok {
			return []string{""}
		}
		if strings.EqualFold(name, "for") {
			if hops[len(hops)-1] != "" {
				return []string{""}
			}
			hops[len(hops)-1] = value
		}
		if after == "" {
			return hops
		}
		if after[0] == ',' {
			hops = append(hops, "")
		}
		rest = after[1:]
	}
}

// forwardedPair reads a parameter up to the ; or , behind it, which is where after
// begins.
func forwardedPair(s string) (name, value, after string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	n := strings.IndexByte(s, '=')
	if n < 1 || strings.ContainsAny(s[:n], "\",; \t") {
		return "", "", "", false
	}
	name, s = s[:n], s[n+1:]
	if strings.HasPrefix(s, `"`) {
		value, s, ok = quoted(s[1:])
	} else {
		n = strings.IndexAny(s, ",; \t")
		if n < 0 {
			n = len(s)
		}
		value, s = s[:n], s[n:]
		ok = value != "" && !strings.ContainsAny(value, `"[]=`)
	}
	s = strings.TrimLeft(s, " \t")
	return name, value, s, ok && (s == "" || s[0] == ',' || s[0] == ';')
}

// quoted reads a quoted-string (RFC 9110 §5.6.4) whose first quote has been read.
func quoted(s string) (value, after string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
