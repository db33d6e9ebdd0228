package certs_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/cmd/internal/certs"
	"github.com/lectern/lectern/configs"
)

// files are a certificate and a key on disk.
type files struct {
	t   *testing.T
	cfg configs.TLS
	log syncBuffer
	reg *prometheus.Registry
}

func newFiles(t *testing.T) *files {
	t.Helper()
	dir := t.TempDir()
	return &files{t: t, cfg: configs.TLS{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}, reg: prometheus.NewRegistry()}
}

// put replaces a file as certbot does: by another one.
func (f *files) put(path string, b []byte) {
	f.t.Helper()
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		f.t.Fatal(err)
	}
}

// pairOf returns PEM of a certificate that is valid for life from now on.
func (f *files) pairOf(name string, life time.Duration) (chain, key []byte) {
	f.t.Helper()
	k, cert := issue(f.t, name, time.Now().Add(-time.Hour), time.Now().Add(life), nil, nil)
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		f.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (f *files) putPair(name string, life time.Duration) {
	f.t.Helper()
	chain, key := f.pairOf(name, life)
	f.put(f.cfg.CertFile, chain)
	f.put(f.cfg.KeyFile, key)
}

// name returns whose certificate is in force.
func (f *files) name(s *certs.Source) string {
	f.t.Helper()
	cert, err := s.Config().GetCertificate(&tls.ClientHelloInfo{ServerName: "whatever"})
	if err != nil {
		f.t.Fatal(err)
	}
	return cert.Leaf.Subject.CommonName
}

func (f *files) open() *certs.Source {
	f.t.Helper()
	s, err := certs.Open(f.cfg, "")
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// run starts a monitor inside a bubble and returns what stops it.
func (f *files) run(s *certs.Source) (stop func()) {
	ctx, cancel := context.WithCancel(f.t.Context())
	m := certs.NewMonitor(s, certs.Deps{Logger: slog.New(slog.NewTextHandler(&f.log, nil)), Registerer: f.reg})
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.Run(ctx); err != nil {
			f.t.Errorf("Run: %v", err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

// pass lets d pass on the clock of the bubble.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // called in synctest bubbles only
	synctest.Wait()
}

const year = 365 * 24 * time.Hour

// The clock of a bubble begins in 2000; the files' times are real and only
// compared with each other.
func TestFilesAreReloaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFiles(t)
		f.putPair("first", year)
		s := f.open()
		stop := f.run(s)
		defer stop()
		_, firstKey := f.pairOf("x", year)
		second, secondKey := f.pairOf("second", year)
		for _, step := range []struct {
			name    string
			do      func()
			want    string // in force
			refused float64
			failing float64
		}{
			{"nothing changes", func() {}, "first", 0, 0},
			{"a new certificate whose key is still to come", func() { f.put(f.cfg.CertFile, second) }, "first", 1, 1},
			{"it stays so, which is told once", func() {}, "first", 1, 1},
			{"the key", func() { f.put(f.cfg.KeyFile, secondKey) }, "second", 1, 0},
			{"garbage", func() { f.put(f.cfg.CertFile, []byte("garbage")) }, "second", 2, 1},
			{"a foreign key", func() { f.put(f.cfg.CertFile, second); f.put(f.cfg.KeyFile, firstKey) }, "second", 3, 1},
			{"both again", func() { f.put(f.cfg.KeyFile, secondKey) }, "second", 3, 0},
			{"no file", func() { f.remove(f.cfg.KeyFile) }, "second", 4, 1},
			{"still none", func() {}, "second", 4, 1},
			{"one that has expired", func() { f.putPair("old", -time.Minute) }, "second", 5, 1},
			{"a third", func() { f.putPair("third", year/2) }, "third", 5, 0},
		} {
			step.do()
			pass(7 * time.Second)
			if got := f.name(s); got != step.want {
				t.Errorf("%s: %s is in force, want %s", step.name, got, step.want)
			}
			if got := metric(t, f.reg, "lectern_certs_refreshes_total", "refused"); got != step.refused {
				t.Errorf("%s: %v were refused, want %v", step.name, got, step.refused)
			}
			if got := metric(t, f.reg, "lectern_certs_failing", ""); got != step.failing {
				t.Errorf("%s: %v are failing, want %v", step.name, got, step.failing)
			}
		}
		if got := strings.Count(f.log.String(), "level=WARN"); got != 5 {
			t.Errorf("%d warnings, want 5:\n%s", got, f.log.String())
		}
		if got, want := metric(t, f.reg, "lectern_certs_expiry_seconds", ""), (year / 2).Seconds(); got > want || got < want-10 {
			t.Errorf("expires in %v s, want %v", got, want)
		}
		problems, err := testutil.GatherAndLint(f.reg)
		if err != nil || len(problems) > 0 {
			t.Errorf("metrics: %v %v", problems, err)
		}
	})
}

func (f *files) remove(path string) {
	f.t.Helper()
	if err := os.Remove(path); err != nil {
		f.t.Fatal(err)
	}
}

// A pair that is written in place is not judged while it changes.
func TestFilesInTheMiddleOfAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFiles(t)
		f.putPair("first", year)
		s := f.open()
		stop := f.run(s)
		defer stop()
		chain, key := f.pairOf("second", year)
		for n := 1; n < len(chain); n += len(chain) / 5 {
			if err := os.WriteFile(f.cfg.CertFile, chain[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			pass(2 * time.Second) // less than between two looks
		}
		f.put(f.cfg.CertFile, chain)
		f.put(f.cfg.KeyFile, key)
		pass(7 * time.Second)
		if got := f.name(s); got != "second" || strings.Contains(f.log.String(), "WARN") {
			t.Errorf("%s is in force:\n%s", got, f.log.String())
		}
	})
}

func TestExpiryIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFiles(t)
		f.putPair("first", time.Hour) // of two
		stop := f.run(f.open())
		defer stop()
		for _, step := range []struct {
			after         time.Duration
			soon, expired int
		}{{30 * time.Minute, 0, 0}, {10 * time.Minute, 1, 0}, {time.Minute, 1, 0}, {20 * time.Minute, 1, 1}, {time.Minute, 1, 1}} {
			pass(step.after)
			soon, expired := strings.Count(f.log.String(), "expires soon"), strings.Count(f.log.String(), "has expired")
			if soon != step.soon || expired != step.expired {
				t.Errorf("after %s: told %d times that it expires and %d that it has, want %d and %d", step.after, soon, expired, step.soon, step.expired)
			}
		}
		if got := metric(t, f.reg, "lectern_certs_expiry_seconds", ""); got > 0 {
			t.Errorf("expires in %v s", got)
		}
	})
}

func TestFilesAtTheStart(t *testing.T) {
	for _, tc := range []struct {
		name string
		do   func(f *files)
		want string // beginning of the error
	}{
		{"no certificate", func(f *files) { f.remove(f.cfg.CertFile) }, "tls.cert_file: "},
		{"no key", func(f *files) { f.remove(f.cfg.KeyFile) }, "tls.key_file: "},
		{"a folder", func(f *files) { f.cfg.KeyFile = filepath.Dir(f.cfg.KeyFile) }, "tls.key_file: "},
		{"garbage", func(f *files) { f.put(f.cfg.CertFile, []byte("garbage")) }, "tls.cert_file: "},
		{"another's key", func(f *files) { _, key := f.pairOf("x", year); f.put(f.cfg.KeyFile, key) }, "tls.cert_file: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFiles(t)
			f.putPair("first", year)
			tc.do(f)
			_, err := certs.Open(f.cfg, "")
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) || !strings.Contains(err.Error(), ".pem") && tc.name != "a folder" {
				t.Errorf("err = %v, want %s and the file's name", err, tc.want)
			}
		})
	}
	t.Run("an expired certificate is better than none", func(t *testing.T) {
		f := newFiles(t)
		f.putPair("first", -time.Minute)
		if got := f.name(f.open()); got != "first" {
			t.Errorf("%s is in force", got)
		}
	})
}
