package certs

import (
	"crypto/tls"
	"net/http"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/lectern/lectern/configs"
)

// Source holds the certificates in force. Its methods may be called from any
// goroutine.
type Source struct {
	store  store
	issuer *issuer // nil unless ACME is configured
}

// store is where certificates come from.
type store interface {
	// certificate returns the one for a handshake, at once.
	certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)

	// refresh brings them up to date and returns what happened. One goroutine
	// calls it.
	refresh(now time.Time) []event

	// inForce returns the certificates in use by what they are for.
	inForce() map[string]*tls.Certificate

	// close ends what is under way.
	close()
}

// event is a certificate that was taken into use, or an attempt that was not
// one.
type event struct {
	name  string        // host, or file
	err   error         // nil: in force now
	again time.Duration // until the next attempt, 0 if not known
}

// Open returns the source that cfg describes, nil if it describes none. It reads
// the files; errors begin with the key of what is wrong. data is the data folder.
func Open(cfg configs.TLS, data string) (*Source, error) {
	switch {
	case cfg.CertFile != "":
		p, err := openPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, err
		}
		return &Source{store: p}, nil
	case len(cfg.ACME.Hosts) > 0:
		i, err := newIssuer(cfg.ACME, data)
		if err != nil {
			return nil, err
		}
		return &Source{store: i, issuer: i}, nil
	}
	return nil, nil
}

// Config returns the configuration of a TLS listener that speaks protocols (ALPN,
// RFC 7301; none for those that have no names). The challenge tls-alpn-01 is
// answered on listeners with protocols only. Each call returns a new one.
func (s *Source) Config(protocols ...string) *tls.Config {
	if s.issuer != nil && len(protocols) > 0 {
		protocols = append(protocols[:len(protocols):len(protocols)], acme.ALPNProto)
	}
	return &tls.Config{GetCertificate: s.store.certificate, MinVersion: tls.VersionTLS12, NextProtos: protocols}
}

// Challenges returns the handler of the plain HTTP listener: it answers the
// challenge http-01 where ACME is configured and leaves the rest to next.
func (s *Source) Challenges(next http.Handler) http.Handler {
	if s.issuer == nil {
		return next
	}
	return s.issuer.manager.HTTPHandler(next)
}
