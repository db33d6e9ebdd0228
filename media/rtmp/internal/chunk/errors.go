package chunk

import (
	"errors"
	"fmt"
)

var (
	// ErrVersion is returned when C0 does not ask for RTMP version 3.
	ErrVersion = errors.New("rtmp version is not 3")

	// ErrNoHeader is returned when a chunk refers to a header that its chunk
	// stream never sent.
	ErrNoHeader = errors.New("chunk without a previous header on its chunk stream")

	// ErrChunkStreams is returned when the peer opens more chunk streams than
	// Limits.ChunkStreams.
	ErrChunkStreams = errors.New("too many chunk streams")

	// ErrChunkSize is returned when Set Chunk Size is zero, negative or cut off.
	ErrChunkSize = errors.New("invalid chunk size")

	// ErrUnpublished is returned when the peer has sent Limits.BeforeTotal bytes
	// and is not publishing yet.
	ErrUnpublished = errors.New("too many bytes before publish")

	// ErrPartial is returned when incomplete messages together hold more bytes
	// than one largest message of each kind.
	ErrPartial = errors.New("too many bytes in incomplete messages")

	// ErrAMF is returned when a command before publish is not valid AMF0, or
	// is deeper or larger than a command has any reason to be.
	ErrAMF = errors.New("malformed amf0 command")
)

// SizeError is returned when a message is longer than its kind may be.
type SizeError struct {
	TypeID byte // message type id
	Length int  // announced length in bytes
	Limit  int  // most that is taken
}

// Error describes the message without any of its bytes.
func (e *SizeError) Error() string {
	return fmt.Sprintf("message of type %d has %d bytes, limit is %d", e.TypeID, e.Length, e.Limit)
}

// DropReason says why a message was swallowed. Its String is the `reason` label
// of lectern_rtmp_dropped_messages_total.
type DropReason uint8

// The reasons for swallowing a message without ending the connection.
const (
	DropEmpty         DropReason = iota + 1 // no body
	DropUnknownType                         // message type or control event not needed here
	DropUnknownStream                       // media outside the published message stream
	DropAborted                             // incomplete, then aborted or started anew
	DropMalformed                           // body does not parse
	DropCommand                             // command that publishing does not need
	DropWindow                              // acknowledgement window that makes no sense
)

// DropReasons lists every reason, for metrics that start at zero.
func DropReasons() []DropReason {
	return []DropReason{
		DropEmpty, DropUnknownType, DropUnknownStream, DropAborted,
		DropMalformed, DropCommand, DropWindow,
	}
}

// String returns the value used in metrics.
func (r DropReason) String() string {
	switch r {
	case DropEmpty:
		return "empty"
	case DropUnknownType:
		return "unknown_type"
	case DropUnknownStream:
		return "unknown_stream"
	case DropAborted:
		return "aborted"
	case DropMalformed:
		return "malformed"
	case DropCommand:
		return "command"
	case DropWindow:
		return "window"
	default:
		return "unknown"
	}
}
