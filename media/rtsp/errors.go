package rtsp

import "errors"

var (
	// ErrBadSource is returned by [NewPuller] when the source is no URL of the
	// form rtsp://[user:password@]host[:port]/path. The text never holds the URL.
	ErrBadSource = errors.New("source is not an rtsp:// or rtsps:// URL with a host")

	// ErrInsecureAuth ends an attempt to pull when the camera offers Basic
	// authentication only, over a connection that is neither TLS nor private.
	ErrInsecureAuth = errors.New("camera offers only Basic authentication on a public, unencrypted connection")

	// ErrForeignRedirect ends an attempt to pull when the camera sends us to
	// another host, which must not get the credentials.
	ErrForeignRedirect = errors.New("camera redirects to another host")

	errPublicationEnded = errors.New("publication was closed")
	errNoKey            = errors.New("path holds no stream key")
	errBadControl       = errors.New("camera announces a track with a broken address")
	errRefused          = errors.New("publisher was refused")
	errConnectionLost   = errors.New("connection lost")
	errStopping         = errors.New("server is stopping")
	errPanic            = errors.New("panic in callback")
)
