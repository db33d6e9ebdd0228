package certs

import "errors"

var (
	// ErrNoCertificate is returned for a handshake that names a host without a
	// certificate: it is not configured, or the authority has not given one yet.
	ErrNoCertificate = errors.New("no certificate for this host")

	// errExpired refuses a replacement that is worse than what it replaces.
	errExpired = errors.New("the new certificate has expired already")
)
