package realtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// header is the envelope of a command.
type header struct {
	V    int             `json:"v"`
	Type string          `json:"type"`
	ID   string          `json:"id"`
	Room string          `json:"room"`
	Data json.RawMessage `json:"data"`
}

// DecodeCommand reads one message of a client; the package's doc says how
// strictly. The error is an *Error. With an error, too, the command has its ID
// and Type if they could be read, for the answer.
func DecodeCommand(frame []byte) (Command, error) {
	if len(frame) > MaxFrameBytes {
		return Command{}, NewError(CodeTooLarge, fmt.Sprintf("frame: must be at most %d bytes", MaxFrameBytes))
	}
	if err := scan(frame); err != nil {
		return Command{}, err
	}
	var h header
	if err := unmarshal(frame, &h); err != nil {
		return Command{}, NewError(CodeBadRequest, "envelope: "+reason(err))
	}
	c := Command{}
	if validCommandID(h.ID) {
		c.ID = h.ID
	} else if h.ID != "" {
		return c, invalid("id", "must be 8 to 40 of A-Z a-z 0-9 _ -")
	}
	if h.V != Version {
		return c, NewError(CodeUnsupported, "v: must be 1")
	}
	info, known := CommandType(h.Type).Info()
	if !known {
		return c, NewError(CodeUnsupported, "type: is not a command of this version")
	}
	c.Type = info.Type
	if c.ID == "" && info.Answered {
		return c, invalid("id", "must be there")
	}
	if h.Room != "" {
		if len(h.Room) > 64 {
			return c, invalid("room", "is no class")
		}
		c.Room = h.Room
	}
	if len(h.Data) == 0 {
		h.Data = json.RawMessage("{}")
	}
	data, err := info.decode(h.Data)
	if err != nil {
		return c, err
	}
	c.Data = data
	return c, nil
}

// decodeAs reads data as a T and checks it.
func decodeAs[T CommandData](data []byte) (CommandData, error) {
	var d T
	if data[0] != '{' {
		return nil, invalid("data", "must be an object")
	}
	if err := unmarshal(data, &d); err != nil {
		return nil, NewError(CodeBadRequest, "data: "+reason(err))
	}
	if err := d.Validate(); err != nil {
		return nil, err
	}
	return d, nil
}

// unmarshal wants every field to be known. That names match exactly, scan has
// seen to.
func unmarshal(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

// reason returns what encoding/json minds, without its prefix and Go's types.
func reason(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("%s must not be a %s", wrong.Field, wrong.Value)
	}
	return "holds a field that is not known"
}
