package origin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"time"
)

// Gate checks viewer tokens. Its method may be called from any goroutine and
// must not block.
type Gate interface {
	// Check returns nil if the token lets its bearer watch the class at that time;
	// [ErrTokenExpired] or [ErrTokenRevoked] if it did once; and any other error
	// if it was never good for it. The error must not contain the token.
	Check(token, class string, now time.Time) error
}

// HeaderShield is the request header with the shield secret.
const HeaderShield = "Lectern-Shield"

// HeaderViewer is the request header in which the CDN says what it knows of the
// viewer: [ViewerToken] if it has checked a token for the class and taken it out of
// the path, anything else if there was none. It counts beside a shield secret only.
const HeaderViewer = "Lectern-Viewer"

// ViewerToken is the value of [HeaderViewer] for a viewer whose token is good.
const ViewerToken = "token"

// maxToken bounds a viewer token, in bytes; ours have some 150.
const maxToken = 512

// denial is why a request was answered 403: the reason label.
type denial uint8

const (
	denialNone    denial = iota
	denialShield         // it does not come from the CDN
	denialMissing        // a protected class, and no token
	denialInvalid        // the token was never good for the class
	denialExpired        // the token's time is over
	denialRevoked        // the token was withdrawn
	denials              // how many there are
)

// String returns the value of the reason label.
func (d denial) String() string {
	return [denials]string{"none", "shield", "missing", "invalid", "expired", "revoked"}[d]
}

// text is what the client is told.
func (d denial) text() string {
	switch d {
	case denialShield:
		return "this server answers its CDN only"
	case denialMissing:
		return "the class needs a viewer token"
	case denialExpired:
		return "the viewer token has expired"
	case denialRevoked:
		return "the viewer token was revoked"
	default:
		return "the viewer token is not valid for the class"
	}
}

// shield knows the secrets by their hashes, which have one length: how long a
// comparison takes says nothing of them. None admits everyone.
type shield [][sha256.Size]byte

func newShield(secrets []Secret) shield {
	var s shield
	for _, secret := range secrets {
		s = append(s, sha256.Sum256([]byte(secret)))
	}
	return s
}

// admits reports whether the request comes from the CDN, as far as that is asked.
func (s shield) admits(h http.Header) bool {
	if len(s) == 0 {
		return true
	}
	admitted := 0
	for i, line := range h[HeaderShield] {
		if i == maxShieldSecrets || len(line) > maxShieldSecret {
			break
		}
		given := sha256.Sum256([]byte(line))
		for _, secret := range s {
			admitted |= subtle.ConstantTimeCompare(given[:], secret[:])
		}
	}
	return admitted == 1
}

// vouched reports whether the CDN, which has passed the shield, says that the viewer
// has a token.
func vouched(h http.Header) bool {
	lines := h[HeaderViewer]
	return len(lines) == 1 && lines[0] == ViewerToken
}

// checkToken says whether the token in the path, if one is there, is good. With
// the shield passed, that of a protected class need not be there.
func (o *Origin) checkToken(to target) denial {
	switch {
	case !to.behind:
		return denialNone
	case to.token == "":
		return denialMissing
	case len(to.token) > maxToken:
		return denialInvalid
	}
	err := o.gate.Check(to.token, to.class, time.Now())
	switch {
	case err == nil:
		return denialNone
	case errors.Is(err, ErrTokenExpired):
		return denialExpired
	case errors.Is(err, ErrTokenRevoked):
		return denialRevoked
	default:
		return denialInvalid
	}
}

// deny answers 403, which no cache may keep.
func (o *Origin) deny(w *response, d denial) {
	o.metrics.denied[d].Inc()
	w.fail(http.StatusForbidden, cacheNothing, d.text())
}
