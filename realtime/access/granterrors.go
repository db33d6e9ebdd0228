package access

import "errors"

// Why a grant or a pass was refused. None of the texts holds any of it.
var (
	// ErrGrantMalformed is returned for a text that this server cannot have signed.
	ErrGrantMalformed = errors.New("grant is malformed")

	// ErrGrantUnknownKey is returned for a grant of a key that this server never
	// had, or has retired.
	ErrGrantUnknownKey = errors.New("grant is of an unknown key")

	// ErrGrantForged is returned for a grant whose signature is not that of its key.
	ErrGrantForged = errors.New("grant is forged")

	// ErrGrantOtherClass is returned for a good grant of another class.
	ErrGrantOtherClass = errors.New("grant is for another class")

	// ErrGrantExpired is returned from the grant's expiry on, and for one that would
	// only begin later.
	ErrGrantExpired = errors.New("grant has expired")
)

func grantErr(o outcome) error {
	switch o {
	case unknownKey:
		return ErrGrantUnknownKey
	case forged:
		return ErrGrantForged
	case otherClass:
		return ErrGrantOtherClass
	case expired:
		return ErrGrantExpired
	}
	return ErrGrantMalformed
}
