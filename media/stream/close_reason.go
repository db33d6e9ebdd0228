package stream

// CloseReason says why a publication ended. Its String is the `reason` attribute
// in logs and the `reason` label of lectern_stream_publications_total.
type CloseReason uint8

// The reasons.
const (
	// CloseClean: the publisher said goodbye.
	CloseClean CloseReason = iota + 1
	// CloseDropped: the connection was lost.
	CloseDropped
	// CloseSilent: the connection stood but nothing came.
	CloseSilent
	// CloseTakenOver: a newer publisher took the stream's place.
	CloseTakenOver
	// CloseRefused: the media cannot be served; the publisher was told why.
	CloseRefused
	// CloseClassEnded: the class was ended.
	CloseClassEnded
	// CloseKeyChanged: the stream key was replaced.
	CloseKeyChanged
	// CloseOverrun: the publisher sent more than is taken.
	CloseOverrun
	// CloseShutdown: the server stops.
	CloseShutdown
)

// CloseReasons lists all reasons.
func CloseReasons() []CloseReason {
	return []CloseReason{
		CloseClean, CloseDropped, CloseSilent, CloseTakenOver, CloseRefused,
		CloseClassEnded, CloseKeyChanged, CloseOverrun, CloseShutdown,
	}
}

// String returns the value used in logs and metrics, and "open" for the zero
// value: not closed.
func (r CloseReason) String() string {
	switch r {
	case CloseClean:
		return "clean"
	case CloseDropped:
		return "dropped"
	case CloseSilent:
		return "silent"
	case CloseTakenOver:
		return "taken_over"
	case CloseRefused:
		return "refused"
	case CloseClassEnded:
		return "class_ended"
	case CloseKeyChanged:
		return "key_changed"
	case CloseOverrun:
		return "overrun"
	case CloseShutdown:
		return "shutdown"
	case 0:
		return "open"
	default:
		return "unknown"
	}
}
