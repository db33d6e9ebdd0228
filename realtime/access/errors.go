package access

import "errors"

// Why a token was refused. None of the texts holds any of it.
var (
	// ErrMalformed is returned for a text that is not the one spelling of any
	// token.
	ErrMalformed = errors.New("viewer token is malformed")

	// ErrUnknownKey is returned for a token of a key that this server never had,
	// or has retired.
	ErrUnknownKey = errors.New("viewer token is of an unknown key")

	// ErrForged is returned for a token whose MAC is not that of its key.
	ErrForged = errors.New("viewer token is forged")

	// ErrOtherClass is returned for a good token of another class.
	ErrOtherClass = errors.New("viewer token is for another class")

	// ErrExpired is returned from the token's expiry on.
	ErrExpired = errors.New("viewer token has expired")

	// ErrRevoked is returned for a token that was revoked, alone or with its class.
	ErrRevoked = errors.New("viewer token was revoked")
)

var (
	// ErrInvalid is returned for a class, token id or lifetime that no token can
	// have.
	ErrInvalid = errors.New("no viewer token can be like this")

	// ErrFull is returned by RevokeClass and RevokeToken while MaxRevocations are
	// in force. Rotating the keys twice voids all tokens at once.
	ErrFull = errors.New("too many revocations are in force")
)
