package realtime

import "time"

// ErrorCode tells a program why a command was refused. Codes are part of the
// protocol: add, never rename.
type ErrorCode string

// The error codes.
const (
	CodeBadRequest   ErrorCode = "bad_request"
	CodeUnauthorized ErrorCode = "unauthorized"
	CodeForbidden    ErrorCode = "forbidden"
	CodeNotFound     ErrorCode = "not_found"
	CodeConflict     ErrorCode = "conflict"
	CodeAlreadyVoted ErrorCode = "already_voted"
	CodeClosed       ErrorCode = "closed"
	CodeMuted        ErrorCode = "muted"
	CodeBanned       ErrorCode = "banned"
	CodeSlowMode     ErrorCode = "slow_mode"
	CodeRateLimited  ErrorCode = "rate_limited"
	CodeTooLarge     ErrorCode = "too_large"
	CodeUnsupported  ErrorCode = "unsupported"
	CodeBusy         ErrorCode = "busy"
	CodeUnavailable  ErrorCode = "unavailable"
	CodeInternal     ErrorCode = "internal"
)

// ErrorInfo is the row of an error code in the table.
type ErrorInfo struct {
	Code ErrorCode

	// Retryable reports whether the same command may succeed later, after
	// retry_after_ms if the error has one.
	Retryable bool

	Meaning string // a sentence for the document
}

// Errors returns the table of error codes.
func Errors() []ErrorInfo {
	return []ErrorInfo{
		{CodeBadRequest, false, "The command breaks a rule of the protocol; message names the field."},
		{CodeUnauthorized, false, "The grant is not good, or the class wants a name."},
		{CodeForbidden, false, "The grant does not allow this command."},
		{CodeNotFound, false, "What the command is about does not exist, or not for this person."},
		{CodeConflict, false, "What the command is about is in another state than the command needs."},
		{CodeAlreadyVoted, false, "This person has voted, and the vote cannot be changed."},
		{CodeClosed, false, "The poll, the chat or the room takes nothing of this kind now."},
		{CodeMuted, true, "This person may not write until retry_after_ms has passed or a moderator says so."},
		{CodeBanned, false, "This person was excluded from the room."},
		{CodeSlowMode, true, "The room is in slow mode; retry_after_ms says when the next message may come."},
		{CodeRateLimited, true, "Too many commands; retry_after_ms says when the next may come."},
		{CodeTooLarge, false, "The frame or one of its texts is too long."},
		{CodeUnsupported, false, "The server does not know this version or type of command."},
		{CodeBusy, true, "The room has more to do than it can take; try again after retry_after_ms."},
		{CodeUnavailable, true, "The room cannot store anything just now; try again after retry_after_ms."},
		{CodeInternal, true, "The server failed; its log tells why."},
	}
}

// Retryable reports whether the same command may succeed later.
func (c ErrorCode) Retryable() bool {
	for _, e := range Errors() {
		if e.Code == c {
			return e.Retryable
		}
	}
	return false
}

// Error is a command that was refused. Message is for people and holds no
// secret and no inner cause.
type Error struct {
	Code       ErrorCode
	Message    string
	RetryAfter time.Duration // 0: unknown, or no use

	// Broken reports that the frame is not one JSON object as the protocol wants
	// it, rather than a command that is wrong: the connection ends with
	// CloseProtocolError.
	Broken bool
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// NewError returns an error without a time to retry after.
func NewError(code ErrorCode, message string) *Error { return &Error{Code: code, Message: message} }

// CloseCode is a WebSocket close code (RFC 6455 §7.4). Those of this protocol are
// 4000 and above; never reused.
type CloseCode int

// The close codes.
const (
	CloseInvalidGrant  CloseCode = 4001
	CloseExpiredGrant  CloseCode = 4002
	CloseBanned        CloseCode = 4003
	CloseClassEnded    CloseCode = 4004
	CloseSuperseded    CloseCode = 4005
	CloseProtocolError CloseCode = 4006
	CloseHelloTimeout  CloseCode = 4007
	CloseTooSlow       CloseCode = 4008
	CloseLimit         CloseCode = 4009
	CloseRestart       CloseCode = 4012
	CloseEpochReset    CloseCode = 4013
	CloseRemoved       CloseCode = 4014
	CloseIdle          CloseCode = 4015
)

// Return says what a client does after a close.
type Return string

// What a client does after a close. Whenever it comes back it waits 1 to 30 s,
// longer each time and with full jitter, or what reconnect_after_ms says.
const (
	// ReturnNever: only when the person asks for it.
	ReturnNever Return = "never"
	// ReturnNewGrant: fetch a new grant, then resume.
	ReturnNewGrant Return = "new_grant"
	// ReturnResume: with the epoch and seq that it has.
	ReturnResume Return = "resume"
	// ReturnFresh: without epoch and seq, and forgetting what it knows of the room.
	ReturnFresh Return = "fresh"
)

// CloseInfo is the row of a close code in the table.
type CloseInfo struct {
	Code    CloseCode
	Name    string // stable: metrics and the reason of the close frame
	Return  Return
	Meaning string // a sentence for the document
}

// Closes returns the table of close codes. A client takes any other code, and no
// code at all, as ReturnResume; but 1009, a message that is too big, as
// ReturnNever.
func Closes() []CloseInfo {
	return []CloseInfo{
		{CloseInvalidGrant, "invalid_grant", ReturnNever, "The grant is not one of this class."},
		{CloseExpiredGrant, "expired_grant", ReturnNewGrant, "The grant has expired, or was not refreshed in time."},
		{CloseBanned, "banned", ReturnNever, "This person was excluded from the room."},
		{CloseClassEnded, "class_ended", ReturnNever, "The class has ended, and its room has closed."},
		{CloseSuperseded, "superseded", ReturnNever, "The same person has opened too many other connections."},
		{CloseProtocolError, "protocol_error", ReturnNever, "The client does not speak this protocol."},
		{CloseHelloTimeout, "hello_timeout", ReturnResume, "No hello came in time."},
		{CloseTooSlow, "too_slow", ReturnResume, "The client reads more slowly than the room talks; nothing of the log is lost if it resumes."},
		{CloseLimit, "limit", ReturnResume, "Too many commands were refused; come back after reconnect_after_ms at the earliest."},
		{CloseRestart, "restart", ReturnResume, "The server restarts; come back after reconnect_after_ms."},
		{CloseEpochReset, "epoch_reset", ReturnFresh, "The log of the room began anew."},
		{CloseRemoved, "removed", ReturnNever, "A moderator sent this person out, who may come back."},
		{CloseIdle, "idle", ReturnResume, "The client answered no ping."},
	}
}

// Info returns the code's row of the table; for a code that is not in it, one
// named "other".
func (c CloseCode) Info() CloseInfo {
	for _, i := range Closes() {
		if i.Code == c {
			return i
		}
	}
	return CloseInfo{Code: c, Name: "other", Return: ReturnResume}
}
