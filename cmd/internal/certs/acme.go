package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/lectern/lectern/configs"
)

const (
	// certsFolder is in the data folder.
	certsFolder = "certs"
	// requestTimeout bounds one request to the authority.
	requestTimeout = 15 * time.Second
	// maxPause bounds how long the authority may let us wait between two requests
	// of one order, and so how late a server can stop that is being issued a
	// certificate.
	maxPause = 10 * time.Second
)

// issuer gets certificates by ACME. autocert does the protocol and renews; but
// it would let the handshakes of viewers wait for an authority, so here only
// refresh asks it, and handshakes get what refresh has got.
type issuer struct {
	// Set by newIssuer, then read-only.
	hosts   []string
	cache   autocert.DirCache
	manager *autocert.Manager
	line    *line

	current atomic.Pointer[map[string]*tls.Certificate] // by host; replaced, never changed

	// Owned by refresh.
	failures map[string]int
	next     map[string]time.Time // not before
}

func newIssuer(cfg configs.ACME, data string) (*issuer, error) {
	directory := cfg.DirectoryURL
	if directory == "" {
		directory = autocert.DefaultACMEDirectory
	}
	u, err := url.Parse(directory)
	if err != nil {
		return nil, fmt.Errorf("tls.acme.directory_url: %w", err)
	}
	// A folder for each authority: the certificates of a trial must not be taken
	// for real ones.
	dir := filepath.Join(data, certsFolder, folderName(u.Host+u.Path))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck // documented to be one
	i := &issuer{
		hosts: slices.Clone(cfg.Hosts), cache: autocert.DirCache(dir), line: &line{Transport: transport},
		failures: map[string]int{}, next: map[string]time.Time{},
	}
	i.manager = &autocert.Manager{
		Prompt:     autocert.AcceptTOS, // as the documentation of tls.acme.hosts says
		Cache:      i.cache,
		HostPolicy: autocert.HostWhitelist(cfg.Hosts...),
		Email:      cfg.Email,
		Client: &acme.Client{
			DirectoryURL: directory,
			HTTPClient:   &http.Client{Transport: i.line, Timeout: requestTimeout},
			RetryBackoff: i.line.backoff,
			UserAgent:    "lectern",
		},
	}
	i.current.Store(&map[string]*tls.Certificate{})
	return i, nil
}

// folderName makes a file name of an authority's address.
func folderName(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r == '.' || r == '-' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') {
			return r
		}
		return '_'
	}, strings.ToLower(s)), "_.")
}

func (i *issuer) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
		return i.manager.GetCertificate(hello) // from memory: a challenge, or none
	}
	name := strings.TrimSuffix(strings.ToLower(hello.ServerName), ".")
	if name == "" {
		name = i.hosts[0]
	}
	if cert := (*i.current.Load())[name]; cert != nil {
		return cert, nil
	}
	return nil, ErrNoCertificate
}

func (i *issuer) inForce() map[string]*tls.Certificate { return *i.current.Load() }

// refresh takes over what autocert has renewed, and asks for what is missing,
// which takes as long as the authority does. What was kept comes first.
func (i *issuer) refresh(now time.Time) []event {
	var out []event
	var missing []string
	for _, host := range i.hosts {
		_, got := (*i.current.Load())[host]
		if !got {
			_, err := i.cache.Get(context.Background(), host) // a small local file
			got = err == nil
		}
		if !got {
			missing = append(missing, host)
			continue
		}
		out = append(out, i.take(host, now)...)
	}
	for _, host := range missing {
		out = append(out, i.take(host, now)...)
	}
	return out
}

// take gets the certificate of host: kept, renewed or new.
func (i *issuer) take(host string, now time.Time) []event {
	if now.Before(i.next[host]) {
		return nil
	}
	cert, err := i.manager.GetCertificate(&tls.ClientHelloInfo{
		ServerName:   host,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, // asks for an ECDSA key
	})
	if err != nil {
		if i.line.closed.Load() {
			return nil
		}
		pause := retryAfter(i.failures[host])
		i.failures[host]++
		i.next[host] = now.Add(pause)
		return []event{{name: host, err: err, again: pause}}
	}
	delete(i.failures, host)
	delete(i.next, host)
	current := *i.current.Load()
	if old := current[host]; old != nil && slices.EqualFunc(old.Certificate, cert.Certificate, slices.Equal[[]byte]) {
		return nil
	}
	renewed := maps.Clone(current)
	renewed[host] = cert
	i.current.Store(&renewed)
	return []event{{name: host}}
}

// retryAfter is the pause after n+1 failures in a row. Authorities count them:
// Let's Encrypt allows five an hour for each name, and one attempt can take two.
// It is above the minute that autocert remembers a failure.
func retryAfter(n int) time.Duration {
	switch n {
	case 0:
		return 2 * time.Minute
	case 1:
		return 20 * time.Minute
	default:
		return time.Hour
	}
}

func (i *issuer) close() {
	i.line.closed.Store(true)
	i.line.CloseIdleConnections()
}

// errClosed ends what autocert is doing when the server stops: its methods take
// no context.
var errClosed = errors.New("the server is stopping")

// line is the way to the authority. After closed is set it fails, so that an
// order under way ends.
type line struct {
	*http.Transport

	closed atomic.Bool
}

// RoundTrip implements [http.RoundTripper].
func (l *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.closed.Load() {
		return nil, errClosed
	}
	res, err := l.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if d, aerr := strconv.Atoi(res.Header.Get("Retry-After")); aerr == nil && time.Duration(d)*time.Second > maxPause {
		res.Header.Set("Retry-After", strconv.Itoa(int(maxPause/time.Second)))
	}
	return res, nil
}

// backoff is the pause before retry n, 1 being the first; 0 gives up.
func (l *line) backoff(n int, _ *http.Request, _ *http.Response) time.Duration {
	if l.closed.Load() || n > 5 {
		return 0
	}
	return min(time.Second<<n, maxPause)
}
