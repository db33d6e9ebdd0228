package realtime

import (
	"fmt"
	"io"
	"log/slog"
)

// Credential is a grant as it travels. It does not print itself.
type Credential string

// Format writes a placeholder for every verb.
func (c Credential) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// LogValue hides the grant from slog.
func (c Credential) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Hello is the first command of a connection.
type Hello struct {
	Grant Credential `json:"grant"`
	Epoch string     `json:"epoch,omitempty"` // with Seq: the last event that the client has
	Seq   uint64     `json:"seq,omitempty"`
	Caps  []string   `json:"caps,omitempty"` // optional features that the client knows
	Name  string     `json:"name,omitempty"` // a name to be shown, where the grant leaves it open
}

// CommandType returns CommandHello.
func (Hello) CommandType() CommandType { return CommandHello }

// Validate implements CommandData.
func (d Hello) Validate() error {
	if len(d.Caps) > MaxCaps {
		return tooLarge("caps", MaxCaps, "entries")
	}
	for _, c := range d.Caps {
		if len(c) == 0 || len(c) > MaxCap {
			return invalid("caps", "must be 1 to 32 bytes each")
		}
	}
	if d.Seq > 0 && d.Epoch == "" {
		return invalid("epoch", "must be there with seq")
	}
	if len(d.Name) > 16*MaxName { // made fit by whoever admits the person
		return tooLarge("name", MaxName, "characters")
	}
	return firstOf(checkGrant(d.Grant), optionalID("epoch", d.Epoch))
}

// Refresh brings a new grant before the one of the connection expires. It must
// be of the same person.
type Refresh struct {
	Grant Credential `json:"grant"`
}

// CommandType returns CommandRefresh.
func (Refresh) CommandType() CommandType { return CommandRefresh }

// Validate implements CommandData.
func (d Refresh) Validate() error { return checkGrant(d.Grant) }

func checkGrant(g Credential) error {
	if g == "" || len(g) > maxGrant {
		return invalid("grant", "must be 1 to 2048 bytes")
	}
	return nil
}

// Position is where a viewer is, sent every 25 to 30 s: the heartbeat of
// attendance.
type Position struct {
	MediaTS  int64 `json:"media_ts,omitempty"`  // what is on the screen; absent without a picture
	Playing  bool  `json:"playing,omitempty"`   // rather than paused or stalled
	BehindMS int64 `json:"behind_ms,omitempty"` // behind the live edge
}

// CommandType returns CommandPosition.
func (Position) CommandType() CommandType { return CommandPosition }

// Validate implements CommandData.
func (d Position) Validate() error {
	return firstOf(between("media_ts", d.MediaTS, 0, maxTime), between("behind_ms", d.BehindMS, 0, maxBehind))
}

// Welcome answers hello, in place of an ack and without its id: there is one in a
// connection.
type Welcome struct {
	Participant string      `json:"participant"` // the receiver's own id
	Name        string      `json:"name,omitempty"`
	Role        Role        `json:"role"`
	Permissions Permissions `json:"permissions"`
	ServerTS    int64       `json:"server_ts"`
	ExpiresAt   int64       `json:"expires_at"`           // refresh before
	ExtraTime   int         `json:"extra_time,omitempty"` // how much longer than others the receiver has for a poll, in percent
	OpenUntil   int64       `json:"open_until,omitempty"` // the class has ended: when its room closes (ts)
	Limits      Limits      `json:"limits"`
	Caps        []string    `json:"caps"` // optional features that the server knows
	Epoch       string      `json:"epoch"`
	Seq         uint64      `json:"seq"` // the receiver's position: after the snapshot, or before what is sent again

	// Recovered reports that the events since the client's position follow; it
	// keeps what it has. Otherwise it starts from Snapshot.
	Recovered bool      `json:"recovered"`
	Snapshot  *Snapshot `json:"snapshot,omitempty"`
}

// EventType returns EventWelcome.
func (Welcome) EventType() EventType { return EventWelcome }

// Ack answers a command that was carried out: what it did has been stored.
type Ack struct {
	// ID is what the command made: the id of a message, question, poll or
	// announcement.
	ID  string `json:"id,omitempty"`
	Dup bool   `json:"dup,omitempty"` // the command had been carried out before

	// ExpiresAt is the new expiry: refresh.
	ExpiresAt int64 `json:"expires_at,omitempty"`
}

// EventType returns EventAck.
func (Ack) EventType() EventType { return EventAck }

// Refusal answers a command that was not carried out.
type Refusal struct {
	Code         ErrorCode `json:"code"`
	Retryable    bool      `json:"retryable"`
	RetryAfterMS int64     `json:"retry_after_ms,omitempty"`
	Message      string    `json:"message"` // for people who write clients
}

// EventType returns EventError.
func (Refusal) EventType() EventType { return EventError }

// Refusal returns the error as the client gets it.
func (e *Error) Refusal() Refusal {
	r := Refusal{Code: e.Code, Retryable: e.Code.Retryable(), Message: e.Message}
	if e.RetryAfter > 0 {
		r.RetryAfterMS = max(1, e.RetryAfter.Milliseconds())
	}
	return r
}

// Closing is the last event before the server closes a connection, where there
// is still room for it: a close frame cannot say when to come back.
type Closing struct {
	Code             CloseCode `json:"code"`
	Return           Return    `json:"return"`
	ReconnectAfterMS int64     `json:"reconnect_after_ms,omitempty"`
}

// EventType returns EventClosing.
func (Closing) EventType() EventType { return EventClosing }
