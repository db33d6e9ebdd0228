package app_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/media/mediatest"
)

// certificate makes the files of cfg and returns a pool that trusts them.
func certificate(t *testing.T, cfg *configs.Config) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg.TLS.CertFile, cfg.TLS.KeyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	for name, b := range map[string][]byte{
		cfg.TLS.CertFile: chain,
		cfg.TLS.KeyFile:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}),
	} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(chain)
	return pool
}

// startTLS runs a server with all listeners and returns a client that speaks
// HTTP/2 over one connection.
func startTLS(t *testing.T) (*server, *x509.CertPool, *http.Client) {
	t.Helper()
	cfg := testConfig(t.TempDir())
	cfg.Listen.HTTPS, cfg.Listen.RTMPS = "127.0.0.1:0", "127.0.0.1:0"
	pool := certificate(t, &cfg)
	s := start(t, cfg)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true,
		HTTP2: &http.HTTP2Config{StrictMaxConcurrentRequests: true},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return s, pool, &http.Client{Transport: transport}
}

func TestTLSListeners(t *testing.T) {
	s, pool, _ := startTLS(t)
	for _, tc := range []struct {
		name, addr string
		offer      []string
		want       string
	}{
		{"https to a browser", s.addrs.HTTPS, []string{"h2", "http/1.1"}, "h2"},
		{"https to a cache", s.addrs.HTTPS, []string{"http/1.1"}, "http/1.1"},
		{"https to an old client", s.addrs.HTTPS, nil, ""},
		{"rtmps", s.addrs.RTMPS, nil, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := tls.Dialer{Config: &tls.Config{RootCAs: pool, NextProtos: tc.offer}}
			c, err := d.DialContext(t.Context(), "tcp", tc.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if got := c.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != tc.want {
				t.Errorf("speaks %q, want %q", got, tc.want)
			}
		})
	}
	if _, metrics := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/metrics", ""); !strings.Contains(metrics, "\nlectern_certs_expiry_seconds 3.") {
		t.Error("no metric of the certificate's end")
	}
	// Caches pull in clear: there is no redirect.
	if code, _ := s.get("/api/v1/openapi.json"); code != http.StatusOK {
		t.Errorf("plain http: %d, want 200", code)
	}
}

// A player on HTTP/2 has its reloads, its parts and its segments on one
// connection. Held requests must not stand in the way of each other, and those
// that are cancelled must free their place.
func TestBlockingReloadsShareAConnection(t *testing.T) {
	s, _, client := startTLS(t)
	teacher := s.push(s.create("algebra").StreamKey)
	src := newLesson(t)
	s.teach(teacher, src, 12*time.Second)
	s.wantSegments("/live/algebra/source/index.m3u8", 2)

	conns := map[string]bool{} // guarded by mu
	var mu sync.Mutex
	get := func(ctx context.Context, path string) (string, error) {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			mu.Lock()
			defer mu.Unlock()
			conns[i.Conn.LocalAddr().String()] = true
		}})
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.addrs.HTTPS+path, http.NoBody)
		if err != nil {
			return "", err
		}
		res, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer func() { _ = res.Body.Close() }()
		b, err := io.ReadAll(res.Body)
		if err == nil && (res.StatusCode != http.StatusOK || res.ProtoMajor != 2) {
			err = fmt.Errorf("%s: %s: %.60q", res.Proto, res.Status, b)
		}
		return string(b), err
	}
	const list = "/live/algebra/source/index.m3u8"
	if _, err := get(t.Context(), list); err != nil { // opens the connection
		t.Fatal(err)
	}

	const patient, hasty = 60, 50
	leaving, leave := context.WithCancel(t.Context())
	defer leave()
	var wg sync.WaitGroup
	for range patient {
		wg.Go(func() {
			if body, err := get(t.Context(), list+"?_HLS_msn=3"); err != nil || len(segments(body)) < 4 {
				t.Errorf("a held reload got %d segments, %v", len(segments(body)), err)
			}
		})
	}
	for range hasty {
		wg.Go(func() {
			if _, err := get(leaving, list+"?_HLS_msn=3"); err == nil {
				t.Error("a reload that was cancelled was answered")
			}
		})
	}
	waiters := func(n int) {
		t.Helper()
		mediatest.Eventually(t, func() string {
			_, metrics := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/metrics", "")
			if want := fmt.Sprintf("lectern_origin_waiters %d\n", n); !strings.Contains(metrics, want) {
				return "no " + want
			}
			return ""
		})
	}
	waiters(patient + hasty)
	if body, err := get(t.Context(), list); err != nil || len(segments(body)) < 3 { // past all that are held
		t.Errorf("a plain reload got %d segments, %v", len(segments(body)), err)
	}
	leave()
	waiters(patient)
	s.teach(teacher, src, 8*time.Second)
	wg.Wait()
	waiters(0)
	mu.Lock()
	defer mu.Unlock()
	if len(conns) != 1 {
		t.Errorf("%d connections were used, want 1", len(conns))
	}
}
