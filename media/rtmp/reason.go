package rtmp

import "github.com/lectern/lectern/media/stream"

// closeReason says why a connection ended. Its String is the `reason` attribute
// in logs and the `reason` label of lectern_rtmp_connections_closed_total.
type closeReason uint32

const (
	reasonNone           closeReason = iota
	reasonClean                      // the publisher said goodbye
	reasonDropped                    // the publisher's connection was lost
	reasonIdle                       // the publisher sent nothing for the read timeout
	reasonLeft                       // gone before it published
	reasonPublishTimeout             // did not get to publish in time
	reasonProtocol                   // sent what is not RTMP, or beyond a limit
	reasonHTTP                       // an HTTP request
	reasonNotRTMP                    // the first byte is neither RTMP's nor HTTP's
	reasonTLS                        // TLS without RTMPS, or a failed TLS handshake
	reasonRefused                    // told why in a status: key, name, app, media
	reasonEnded                      // the publication was closed from outside
	reasonShutdown                   // the server stops
	reasonPanic                      // a bug here
)

func closeReasons() []closeReason {
	return []closeReason{
		reasonClean, reasonDropped, reasonIdle, reasonLeft, reasonPublishTimeout,
		reasonProtocol, reasonHTTP, reasonNotRTMP, reasonTLS, reasonRefused,
		reasonEnded, reasonShutdown, reasonPanic,
	}
}

// String returns the value used in logs and metrics.
func (r closeReason) String() string {
	switch r {
	case reasonClean:
		return "clean"
	case reasonDropped:
		return "dropped"
	case reasonIdle:
		return "idle"
	case reasonLeft:
		return "left"
	case reasonPublishTimeout:
		return "publish_timeout"
	case reasonProtocol:
		return "protocol"
	case reasonHTTP:
		return "http"
	case reasonNotRTMP:
		return "not_rtmp"
	case reasonTLS:
		return "tls"
	case reasonRefused:
		return "refused"
	case reasonEnded:
		return "ended"
	case reasonShutdown:
		return "shutdown"
	case reasonPanic:
		return "panic"
	default:
		return "unknown"
	}
}

// publication translates r for the hub, which decides by it how long the class
// waits for the publisher to come back.
func (r closeReason) publication() stream.CloseReason {
	switch r {
	case reasonClean:
		return stream.CloseClean
	case reasonRefused:
		return stream.CloseRefused
	case reasonShutdown:
		return stream.CloseShutdown
	default:
		return stream.CloseDropped
	}
}
