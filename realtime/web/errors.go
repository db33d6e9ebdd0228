package web

import "errors"

// ErrNoClasses is returned by [New] when [Deps] has no Classes.
var ErrNoClasses = errors.New("no class directory given")

// What [Rooms] and [Studio] return.
var (
	// ErrNoRoom is returned for a class that has no room: it does not exist, or has
	// ended.
	ErrNoRoom = errors.New("class has no room")

	// ErrRefused is returned for a credential that is not good for the class.
	ErrRefused = errors.New("credential is not good for the class")
)

// errBadBody is a question that is not JSON as it should be.
var errBadBody = errors.New("body is not as it should be")
