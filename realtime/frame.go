package realtime

import "time"

// Frame is an encoded event on its way to connections.
type Frame struct {
	// Bytes are what Event.Encode returned. They are shared and never change: give
	// the same slice to every connection that gets the event, and the transport
	// frames and compresses it once for all of them.
	Bytes []byte

	Delivery Delivery
	Key      string // of DeliverState: what a newer frame replaces, unique over all types
}

// Conn is a connection as a room sees it. Its methods may be called from any
// goroutine and never block.
type Conn interface {
	// Send puts the frame at the end of what the client gets. When the client is
	// too slow it drops what may be dropped, and in the end closes the connection
	// with CloseTooSlow; the room learns of it by the member's Leave.
	Send(f Frame)

	// Close sends what is waiting, tells the client why and when to come back at
	// the earliest (0: as it likes), and closes. The first call counts.
	Close(code CloseCode, reconnectAfter time.Duration)
}

// Arrival is who comes into a room, and what their hello said. The answer to it,
// an event of type welcome with Re, is the first frame that the room sends.
type Arrival struct {
	Principal Principal
	Re        string // the id of the hello
	Epoch     string // with Seq: the position to resume from; empty: none
	Seq       uint64
	Caps      []string
}
