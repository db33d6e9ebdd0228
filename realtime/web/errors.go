package web

import "errors"

// ErrNoClasses is returned by [New] when [Deps] has no Classes.
var ErrNoClasses = errors.New("no class directory given")
