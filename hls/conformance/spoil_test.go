package conformance_test

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// The spoilers are what cases are made of.

// replace edits every playlist.
func replace(pairs ...string) *site {
	return &site{text: func(_ string, _ time.Duration, b string) string { return strings.NewReplacer(pairs...).Replace(b) }}
}

// in edits the playlists whose path ends in suffix.
func in(suffix string, pairs ...string) *site {
	return after(suffix, 0, pairs...)
}

// after edits the playlists whose path ends in suffix from d on.
func after(suffix string, d time.Duration, pairs ...string) *site {
	return rewritten(suffix, d, func(b string) string { return strings.NewReplacer(pairs...).Replace(b) })
}

func rewritten(suffix string, d time.Duration, edit func(string) string) *site {
	return &site{text: func(p string, at time.Duration, b string) string {
		if at < d || !strings.HasSuffix(p, suffix) {
			return b
		}
		return edit(b)
	}}
}

// pattern edits the playlists whose path ends in suffix from d on.
func pattern(suffix string, d time.Duration, expr, with string) *site {
	return rewritten(suffix, d, func(b string) string { return regexp.MustCompile(expr).ReplaceAllString(b, with) })
}

// answering lets a test answer requests itself.
func answering(f func(w http.ResponseWriter, r *http.Request, at time.Duration) bool) *site {
	return &site{answer: f}
}

// status answers with code where f says so.
func status(code int, f func(r *http.Request) bool) *site {
	return answering(func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
		if f(r) {
			w.WriteHeader(code)
			return true
		}
		return false
	})
}

// header spoils the header of the answers to paths that end in suffix.
func header(suffix string, f func(h http.Header)) *site {
	return &site{header: func(r *http.Request, h http.Header) {
		if strings.HasSuffix(r.URL.Path, suffix) {
			f(h)
		}
	}}
}

// bytesOf edits media whose path holds what.
func bytesOf(what string, edit func(b []byte) []byte) *site {
	return &site{media: func(p string, b []byte) []byte {
		if strings.Contains(p, what) {
			return edit(b)
		}
		return b
	}}
}

// renamed replaces the first, or every, kind of box by another of the same length.
func renamed(from, to string, n int) func([]byte) []byte {
	return func(b []byte) []byte { return []byte(strings.Replace(string(b), from, to, n)) }
}

func (s *site) with(f func(s *site)) *site {
	f(s)
	return s
}
