package chunk

// Limits bounds what a peer may make the server hold. Sizes are bytes.
type Limits struct {
	ChunkStreams  int   // chunk streams of a connection
	BeforeMessage int   // one message before publish was accepted
	BeforeTotal   int64 // everything before publish was accepted
	Video         int   // one video or aggregate message of a publisher
	Audio         int   // one audio message of a publisher
	Command       int   // one command, data or control message of a publisher
}

// DefaultLimits returns limits that no known encoder comes near: real frames
// stay below 2 MiB, real commands below 4 KiB.
func DefaultLimits() Limits {
	return Limits{
		ChunkStreams:  16,
		BeforeMessage: 64 << 10,
		BeforeTotal:   256 << 10,
		Video:         8 << 20,
		Audio:         256 << 10,
		Command:       64 << 10,
	}
}

// message returns the most bytes a message of type typ may have.
func (l Limits) message(typ byte, published bool) int {
	if !published {
		return l.BeforeMessage
	}
	switch typ {
	case typeVideo, typeAggregate:
		return l.Video
	case typeAudio:
		return l.Audio
	default:
		return l.Command
	}
}

// partial returns the most bytes that all incomplete messages together may hold.
func (l Limits) partial(published bool) int {
	if !published {
		return int(l.BeforeTotal)
	}
	return l.Video + l.Audio + l.Command
}

// Message type ids (Adobe RTMP 1.0 §5.4 and §7.1).
const (
	typeSetChunkSize byte = 1
	typeAbort        byte = 2
	typeAck          byte = 3
	typeUserControl  byte = 4
	typeWindowAck    byte = 5
	typeBandwidth    byte = 6
	typeAudio        byte = 8
	typeVideo        byte = 9
	typeDataAMF3     byte = 15
	typeCommandAMF3  byte = 17
	typeData         byte = 18
	typeCommand      byte = 20
	typeAggregate    byte = 22
)
