package certs

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// pair is a certificate in two files.
type pair struct {
	// Set by openPair, then read-only.
	certFile, keyFile string

	current atomic.Pointer[tls.Certificate]

	// Owned by refresh.
	judged  stamps // what was loaded or refused last
	latest  stamps // what the last look saw
	missing bool   // and that it saw nothing
}

// stamps tell one state of the two files from another.
type stamps [2]os.FileInfo

func (s stamps) same(o stamps) bool {
	for i := range s {
		if s[i] == nil || o[i] == nil || !os.SameFile(s[i], o[i]) || s[i].Size() != o[i].Size() || !s[i].ModTime().Equal(o[i].ModTime()) {
			return false
		}
	}
	return true
}

// openPair reads the files. An expired certificate is taken all the same: RTMPS
// encoders often do not mind, and the log says it.
func openPair(certFile, keyFile string) (*pair, error) {
	p := &pair{certFile: certFile, keyFile: keyFile}
	var err error
	if p.judged, err = p.stat(); err != nil {
		return nil, err
	}
	p.latest = p.judged
	cert, err := p.load()
	if err != nil {
		return nil, err
	}
	p.current.Store(cert)
	return p, nil
}

func (p *pair) stat() (s stamps, err error) {
	if s[0], err = os.Stat(p.certFile); err != nil {
		return s, fmt.Errorf("tls.cert_file: %w", err)
	}
	if s[1], err = os.Stat(p.keyFile); err != nil {
		return s, fmt.Errorf("tls.key_file: %w", err)
	}
	return s, nil
}

func (p *pair) load() (*tls.Certificate, error) {
	chain, err := os.ReadFile(p.certFile)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file: %w", err)
	}
	key, err := os.ReadFile(p.keyFile)
	if err != nil {
		return nil, fmt.Errorf("tls.key_file: %w", err)
	}
	cert, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file: %s with tls.key_file %s: %w", p.certFile, p.keyFile, err)
	}
	return &cert, nil
}

func (p *pair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return p.current.Load(), nil
}

func (p *pair) inForce() map[string]*tls.Certificate {
	return map[string]*tls.Certificate{p.certFile: p.current.Load()}
}

func (p *pair) refresh(now time.Time) []event {
	seen, err := p.stat()
	if err != nil {
		if p.missing {
			return nil // told already
		}
		p.missing = true
		return []event{{name: p.certFile, err: err}}
	}
	back := p.missing
	p.missing = false
	calm := seen.same(p.latest)
	p.latest = seen
	if seen.same(p.judged) && back {
		return []event{{name: p.certFile}} // the old ones are there again
	}
	if seen.same(p.judged) || !calm {
		return nil // nothing new, or still being written
	}
	p.judged = seen
	cert, err := p.load()
	if err == nil && now.After(cert.Leaf.NotAfter) && !now.After(p.current.Load().Leaf.NotAfter) {
		err = errExpired
	}
	if err != nil {
		return []event{{name: p.certFile, err: err}}
	}
	p.current.Store(cert)
	return []event{{name: p.certFile}}
}

func (p *pair) close() {}
