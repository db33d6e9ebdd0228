package certs_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/cmd/internal/certs"
	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/media/mediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a running source with the listeners it belongs to.
type site struct {
	source      *certs.Source
	reg         *prometheus.Registry
	log         *syncBuffer
	https, http string
	stop        func()
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// startSite serves the source of cfg; ready is called before anything is asked of
// an authority.
func startSite(t *testing.T, cfg configs.TLS, data string, ready func(https, http string)) *site {
	t.Helper()
	source, err := certs.Open(cfg, data)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{source: source, reg: prometheus.NewRegistry(), log: &syncBuffer{}}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.Proto) })
	plain := httptest.NewServer(source.Challenges(page))
	secure := httptest.NewUnstartedServer(page)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	secure.Listener = tls.NewListener(secure.Listener, source.Config("http/1.1"))
	secure.Start()
	s.https, s.http = secure.Listener.Addr().String(), plain.Listener.Addr().String()
	ready(s.https, s.http)
	m := certs.NewMonitor(source, certs.Deps{Logger: slog.New(slog.NewTextHandler(s.log, nil)), Registerer: s.reg})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		plain.Close()
		secure.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("log:\n%s", s.log)
		}
	})
	return s
}

// get asks for a page under the name host, "" for none, and trusts root.
func (s *site) get(t *testing.T, host string, root *x509.Certificate) (string, error) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(root)
	d := tls.Dialer{Config: &tls.Config{ServerName: host, RootCAs: pool}}
	if host == "" {
		d.Config.InsecureSkipVerify = true // no name is sent then
	}
	c, err := d.DialContext(t.Context(), "tcp", s.https)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if _, err = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return "", err
	}
	b, err := io.ReadAll(c)
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].DNSNames[0] + " " + string(b[max(0, len(b)-13):]), err
}

func metric(t *testing.T, reg *prometheus.Registry, name, labelValue string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (labelValue == "" || m.GetLabel()[0].GetValue() == labelValue) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no metric %s %q", name, labelValue)
	return 0
}

func acmeConfig(a *authority, hosts ...string) configs.TLS {
	return configs.TLS{ACME: configs.ACME{Hosts: hosts, Email: "ops@example.edu", DirectoryURL: a.server.URL + "/directory"}}
}

func TestACME(t *testing.T) {
	for _, tc := range []struct {
		name        string
		https, http bool // is reachable
		solved      string
	}{
		{"over https", true, false, "tls-alpn-01 tls-alpn-01"},
		{"over http where https cannot be reached", false, true, "http-01 http-01"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newAuthority(t)
			data := t.TempDir()
			cfg := acmeConfig(a, "live.example.edu", "lessons.example.edu")
			ready := func(https, http string) {
				if tc.https {
					a.https = https
				}
				if tc.http {
					a.http = http
				}
			}
			s := startSite(t, cfg, data, ready)
			for _, host := range cfg.ACME.Hosts {
				mediatest.Eventually(t, func() string {
					got, err := s.get(t, host, a.cert)
					if err != nil {
						return err.Error()
					}
					if want := host + " page HTTP/1.1"; got != want {
						return got
					}
					return ""
				})
			}
			orders, accounts, solved := a.counts()
			if accounts != 1 || solved != tc.solved || a.email != "[mailto:ops@example.edu]" {
				t.Errorf("%d accounts for %s, solved %q; want one, %q", accounts, a.email, solved, tc.solved)
			}
			if got, err := s.get(t, "", a.cert); err != nil || !strings.HasPrefix(got, "live.example.edu ") {
				t.Errorf("without a name: %q, %v", got, err)
			}
			if _, err := s.get(t, "other.example.edu", a.cert); err == nil {
				t.Error("a host that is not configured has a certificate")
			}
			if got := metric(t, s.reg, "lectern_certs_expiry_seconds", ""); got < a.life.Seconds()-600 || got > a.life.Seconds() {
				t.Errorf("expires in %v s, want %v", got, a.life.Seconds())
			}
			s.stop()
			wantPrivate(t, filepath.Join(data, "certs"))

			// Another start has no need of the authority.
			s = startSite(t, cfg, data, func(string, string) {})
			for _, host := range cfg.ACME.Hosts {
				mediatest.Eventually(t, func() string {
					if _, err := s.get(t, host, a.cert); err != nil {
						return err.Error()
					}
					return ""
				})
			}
			if again, _, _ := a.counts(); again != orders {
				t.Errorf("%d more orders after a restart", again-orders)
			}
		})
	}
}

// wantPrivate fails unless only the owner can read what is in dir.
func wantPrivate(t *testing.T, dir string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			err = fmt.Errorf("%s has mode %s", path, info.Mode())
		}
		if !d.IsDir() {
			files++
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files: %v", files, err)
	}
}

// An authority that refuses costs the viewers nothing but the certificate: they
// are told at once, and what goes wrong is in the log.
func TestACMERefused(t *testing.T) {
	a := newAuthority(t)
	s := startSite(t, acmeConfig(a, "live.example.edu"), t.TempDir(), func(string, string) {})
	mediatest.Eventually(t, func() string {
		if got := metric(t, s.reg, "lectern_certs_failing", ""); got != 1 {
			return fmt.Sprintf("%v certificates are failing", got)
		}
		return ""
	})
	orders, _, _ := a.counts()
	if _, err := s.get(t, "live.example.edu", a.cert); err == nil {
		t.Error("there is a certificate")
	}
	if _, err := s.source.Config().GetCertificate(&tls.ClientHelloInfo{ServerName: "live.example.edu"}); !errors.Is(err, certs.ErrNoCertificate) {
		t.Errorf("err = %v", err)
	}
	if again, _, _ := a.counts(); again != orders || orders == 0 {
		t.Errorf("%d orders, %d more because of a viewer", orders, again-orders)
	}
	if got := strings.Count(s.log.String(), "level=WARN"); got != 1 || !strings.Contains(s.log.String(), "duration=2m0s") {
		t.Errorf("%d warnings in the log:\n%s", got, s.log)
	}
}

// A server that stops does not wait for an authority that does not answer.
func TestACMEStops(t *testing.T) {
	asked := make(chan struct{}, 16)
	mute := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		w.Header().Set("Retry-After", "86400")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer mute.Close()
	cfg := configs.TLS{ACME: configs.ACME{Hosts: []string{"live.example.edu"}, DirectoryURL: mute.URL}}
	s := startSite(t, cfg, t.TempDir(), func(string, string) {})
	<-asked
	s.stop() // returns within the pauses of the client, which are bounded
	if got := s.log.String(); strings.Contains(got, "level=WARN") {
		t.Errorf("stopping is reported as a failure:\n%s", got)
	}
}

func TestFolderOfTheDataIsNotWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := certs.Open(configs.TLS{ACME: configs.ACME{Hosts: []string{"live.example.edu"}}}, file)
	if err == nil || !strings.HasPrefix(err.Error(), "data: ") {
		t.Errorf("err = %v", err)
	}
	if s, err := certs.Open(configs.TLS{}, file); s != nil || err != nil {
		t.Errorf("nothing configured: %v, %v", s, err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, tc := range []struct {
		name string
		tls  configs.TLS
		want []string // none: it is right
	}{
		{name: "nothing"},
		{name: "files", tls: configs.TLS{CertFile: "c", KeyFile: "k"}},
		{name: "acme", tls: configs.TLS{ACME: configs.ACME{Hosts: []string{"live.example.edu", "xn--bcher-kva.example"}, Email: "ops@example.edu", DirectoryURL: "https://ca.example.edu/acme"}}},
		{name: "acme at home", tls: configs.TLS{ACME: configs.ACME{Hosts: []string{"a.b"}, DirectoryURL: "http://127.0.0.1:14000/dir"}}},
		{name: "half a pair", tls: configs.TLS{KeyFile: "k"}, want: []string{"tls.cert_file: must be set together with tls.key_file"}},
		{
			name: "both", tls: configs.TLS{CertFile: "c", KeyFile: "k", ACME: configs.ACME{Hosts: []string{"a.b"}}},
			want: []string{"tls.cert_file: may not be set together with tls.acme.hosts"},
		},
		{
			name: "bad names", tls: configs.TLS{ACME: configs.ACME{Hosts: []string{"*.example.edu", "live", "Live.example.edu", "10.0.0.1", "a..b", "-a.b", long + ".b", "a.b:443", "a.b", "a.b"}}},
			want: []string{`"*.example.edu"`, `"live"`, `"Live.example.edu"`, `"10.0.0.1"`, `"a..b"`, `"-a.b"`, long, `"a.b:443"`, `"a.b" is listed twice`},
		},
		{
			name: "bad rest", tls: configs.TLS{ACME: configs.ACME{Hosts: make([]string, 51), Email: "ops", DirectoryURL: "http://ca.example.edu/"}},
			want: []string{"tls.acme.hosts: 51 names", "tls.acme.email: ", "tls.acme.directory_url: "},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := configs.Default()
			cfg.TLS = tc.tls
			err := cfg.Validate()
			if (err != nil) != (len(tc.want) > 0) {
				t.Fatalf("err = %v", err)
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("err = %v\nwithout %s", err, w)
				}
			}
		})
	}
}
