package realtime

import (
	"encoding/json"
	"fmt"
)

// Command is one message of a client that was understood. Nothing is known yet
// of whether its sender may send it.
type Command struct {
	Type CommandType
	ID   string      // empty only if CommandType.Answered is false
	Room string      // the class that the client thinks it is in; empty if it did not say
	Data CommandData // a value, not a pointer
}

// CommandData is the data of one type of command.
type CommandData interface {
	// CommandType returns the type that this is the data of.
	CommandType() CommandType

	// Validate reports what is wrong with the data itself, whatever the state of
	// the room, as an *Error.
	Validate() error
}

// EventData is the data of one type of event.
type EventData interface {
	// EventType returns the type that this is the data of.
	EventType() EventType
}

// Event is the envelope of what the server says. Which fields are there depends
// on the delivery class of the type.
type Event struct {
	V    int       `json:"v"` // Version
	Type EventType `json:"type"`

	// Re is the id of the command that this answers: ack and error.
	Re string `json:"re,omitempty"`

	// Room is the class.
	Room string `json:"room,omitempty"`

	// Epoch and Seq are the place in the log: DeliverLog, and ack of a command
	// that became an event.
	Epoch string `json:"epoch,omitempty"`
	Seq   uint64 `json:"seq,omitempty"`

	// Prev is the seq of the event before this one in the receiver's view, 0 if
	// there is none in this epoch. It is absent from what is for one person only:
	// such an event does not move the receiver's position.
	Prev *uint64 `json:"prev,omitempty"`

	// Key and Rev are of DeliverState: of the events with the same type and key
	// the one with the highest rev counts, within a connection.
	Key string `json:"key,omitempty"`
	Rev uint64 `json:"rev,omitempty"`

	TS      int64   `json:"ts,omitempty"`       // when the server took it
	MediaTS int64   `json:"media_ts,omitempty"` // the newest published media at TS
	From    *Sender `json:"from,omitempty"`     // who caused it, if it may be told

	Data json.RawMessage `json:"data,omitempty"`
}

// Sender is who caused an event, as others may know it.
type Sender struct {
	ID        string `json:"id,omitempty"`
	Name      string `json:"name,omitempty"`
	Role      Role   `json:"role,omitempty"`
	Anonymous bool   `json:"anonymous,omitempty"` // other participants do not get ID and Name
}

// Encode returns the event with the data d as one line of JSON, without a line
// feed. V, Type and Data are set by Encode; d may be nil if e.Type and e.Data
// are set already, as when the data was encoded before.
func (e Event) Encode(d EventData) ([]byte, error) {
	e.V = Version
	if d != nil {
		data, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", d.EventType(), err)
		}
		e.Type, e.Data = d.EventType(), data
	}
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Type, err)
	}
	return b, nil
}

// Delivery is how an event may be lost.
type Delivery uint8

// The delivery classes.
const (
	// DeliverReply is for one connection and kept nowhere: welcome, ack, error,
	// closing. It is never dropped.
	DeliverReply Delivery = iota + 1

	// DeliverLog is stored before it is shown, has a seq, is never dropped, and is
	// sent again to who resumes.
	DeliverLog

	// DeliverState is the latest value of something, known by type and key. A newer
	// one replaces one that has not been sent.
	DeliverState

	// DeliverEphemeral may be dropped at any time.
	DeliverEphemeral
)

// String returns the name as it is in the document.
func (d Delivery) String() string {
	switch d {
	case DeliverReply:
		return "reply"
	case DeliverLog:
		return "log"
	case DeliverState:
		return "state"
	case DeliverEphemeral:
		return "ephemeral"
	}
	return "unknown"
}
