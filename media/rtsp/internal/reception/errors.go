package reception

import "errors"

// ErrNoMedia is returned by [Receiver.Check] when nothing arrived for the media
// timeout.
var ErrNoMedia = errors.New("no media arrived in time")

var (
	errTooManyPackets   = errors.New("access unit of too many packets")
	errUnreadablePacket = errors.New("unreadable rtp payload")
	errPanic            = errors.New("panic in callback")
)
