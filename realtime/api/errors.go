package api

import (
	"errors"
	"fmt"
	"net/http"
	"syscall"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
)

// Code tells a program what went wrong. Codes are part of the interface: add,
// never rename.
type Code string

// The codes and the status they come with.
const (
	CodeInvalidJSON          Code = "invalid_json"           // 400: the body is not one JSON object
	CodeInvalidField         Code = "invalid_field"          // 400: the message starts with the field's name
	CodeUnauthorized         Code = "unauthorized"           // 401: no token, or the wrong one
	CodeTokenExpired         Code = "token_expired"          // 401: too late to renew this viewer token
	CodeTokenRevoked         Code = "token_revoked"          // 403: this viewer may watch no more
	CodeNotFound             Code = "not_found"              // 404: no such class or route
	CodeMethodNotAllowed     Code = "method_not_allowed"     // 405: Allow has those that are
	CodeClassExists          Code = "class_exists"           // 409: the id is taken
	CodeClassEnded           Code = "class_ended"            // 409: too late for an ended class
	CodeTooManyRevocations   Code = "too_many_revocations"   // 409: revoke the class, or rotate the keys twice
	CodeBodyTooLarge         Code = "body_too_large"         // 413: more than 64 KiB
	CodeUnsupportedMediaType Code = "unsupported_media_type" // 415: not application/json
	CodeStorageFull          Code = "storage_full"           // 507: no room on the server's disk
	CodeInternal             Code = "internal"               // 500: the log has the cause, under the request id
)

// statuses is the table of codes.
func statuses() map[Code]int {
	return map[Code]int{
		CodeInvalidJSON:          http.StatusBadRequest,
		CodeInvalidField:         http.StatusBadRequest,
		CodeUnauthorized:         http.StatusUnauthorized,
		CodeTokenExpired:         http.StatusUnauthorized,
		CodeTokenRevoked:         http.StatusForbidden,
		CodeNotFound:             http.StatusNotFound,
		CodeMethodNotAllowed:     http.StatusMethodNotAllowed,
		CodeClassExists:          http.StatusConflict,
		CodeClassEnded:           http.StatusConflict,
		CodeTooManyRevocations:   http.StatusConflict,
		CodeBodyTooLarge:         http.StatusRequestEntityTooLarge,
		CodeUnsupportedMediaType: http.StatusUnsupportedMediaType,
		CodeStorageFull:          http.StatusInsufficientStorage,
		CodeInternal:             http.StatusInternalServerError,
	}
}

// Error is a request that was refused: what the server answers and what the
// Client returns for it.
type Error struct {
	Status    int // HTTP status
	Code      Code
	Message   string // for people
	RequestID string // finds the request in the server's log; empty on the server side
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

func newError(code Code, message string) *Error {
	return &Error{Status: statuses()[code], Code: code, Message: message}
}

func invalidField(field, problem string) *Error {
	return newError(CodeInvalidField, field+": "+problem)
}

// toError turns what the registry returned into what the client is told. The
// text of an unexpected error stays inside.
func toError(err error) *Error {
	var refused *Error
	var invalid *class.InvalidError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.As(err, &invalid):
		return invalidField(invalid.Field, invalid.Problem)
	case errors.Is(err, class.ErrNotFound):
		return newError(CodeNotFound, "there is no such class")
	case errors.Is(err, class.ErrExists):
		return newError(CodeClassExists, "id: is taken by another class")
	case errors.Is(err, class.ErrEnded):
		return newError(CodeClassEnded, "this class has ended; create a new one")
	case errors.Is(err, access.ErrExpired):
		return newError(CodeTokenExpired, "this viewer token has expired; get a new one where you got it")
	case errors.Is(err, access.ErrRevoked):
		return newError(CodeTokenRevoked, "this viewer token was revoked")
	case errors.Is(err, access.ErrMalformed), errors.Is(err, access.ErrUnknownKey), errors.Is(err, access.ErrForged):
		// All alike: the difference would help only who makes tokens up.
		return newError(CodeUnauthorized, "send a good viewer token as Authorization: Bearer TOKEN")
	case errors.Is(err, access.ErrFull):
		return newError(CodeTooManyRevocations, "too many single tokens are revoked: revoke those of the whole class")
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return newError(CodeStorageFull, "the server's disk is full: make room in its data folder and try again")
	default:
		return newError(CodeInternal, "the server could not do this; its log tells why, under the request id")
	}
}

// A token must hold at least this many bytes to be worth comparing.
const minTokenLen = 16

func checkToken(token class.Secret) error {
	if len(token.Reveal()) < minTokenLen {
		return fmt.Errorf("api token must have at least %d characters", minTokenLen)
	}
	return nil
}
