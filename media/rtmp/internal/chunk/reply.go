package chunk

import (
	"encoding/binary"
	"math"
)

// Levels and codes of onStatus (§7.2.2).
const (
	StatusError  = "error"
	StatusNormal = "status"

	CodeBadName   = "NetStream.Publish.BadName"
	CodeDenied    = "NetStream.Publish.Denied"
	CodeRejected  = "NetStream.Publish.Rejected"
	CodeUnpublish = "NetStream.Unpublish.Success"
	codeStart     = "NetStream.Publish.Start"
	CodePlay      = "NetStream.Play.Failed"
)

// csidReply is the chunk stream of the server's own commands. The library
// answers on the chunk stream of the question (csidCommand) and compresses
// headers there, so nothing else may be written to that one.
const csidReply byte = 5

// wholeMessage returns one message as a single chunk. It must not be longer than the
// chunk size announced to the peer.
func wholeMessage(csid byte, ts uint32, typ byte, msid uint32, body []byte) []byte {
	return append(appendHeader(make([]byte, 0, 16+len(body)), csid, ts, typ, msid, len(body)), body...)
}

// SetChunkSize returns the message that announces the size of the server's chunks.
func SetChunkSize(size uint32) []byte {
	return wholeMessage(csidControl, 0, typeSetChunkSize, 0, binary.BigEndian.AppendUint32(nil, size))
}

// Ack returns the message that acknowledges received bytes (§5.4.3).
func Ack(received uint32) []byte {
	return wholeMessage(csidControl, 0, typeAck, 0, binary.BigEndian.AppendUint32(nil, received))
}

func pingResponse(timestamp uint32) []byte {
	return wholeMessage(csidControl, 0, typeUserControl, 0, binary.BigEndian.AppendUint32([]byte{0, 7}, timestamp))
}

// Status returns an onStatus command on message stream msid.
func Status(msid uint32, level, code, description string) []byte {
	body := appendNull(appendNumber(appendString(nil, "onStatus"), 0))
	return wholeMessage(csidReply, 0, typeCommand, msid, appendInfo(body, level, code, description))
}

// ConnectRefused returns the _error that answers connect, whose transaction is
// always 1 (§7.2.1.1).
func ConnectRefused(description string) []byte {
	body := appendNull(appendNumber(appendString(nil, "_error"), 1))
	return wholeMessage(csidReply, 0, typeCommand, 0,
		appendInfo(body, StatusError, "NetConnection.Connect.Rejected", description))
}

// result returns an empty _result for a transaction.
func result(transaction int64) []byte {
	body := appendNull(appendNumber(appendString(nil, "_result"), float64(transaction)))
	return wholeMessage(csidReply, 0, typeCommand, 0, append(body, amfUndefined))
}

// fcNotice returns onFCPublish or onFCUnpublish.
func fcNotice(name, code string) []byte {
	body := appendNull(appendNumber(appendString(nil, name), 0))
	return wholeMessage(csidReply, 0, typeCommand, 0, appendInfo(body, StatusNormal, code, ""))
}

// ReconnectRequest returns the Enhanced RTMP v2 status that asks a client with
// capability 1 to connect anew.
func ReconnectRequest(description string) []byte {
	body := appendNull(appendNumber(appendString(nil, "onStatus"), 0))
	return wholeMessage(csidReply, 0, typeCommand, 0,
		appendInfo(body, StatusNormal, "NetConnection.Connect.ReconnectRequest", description))
}

func appendInfo(b []byte, level, code, description string) []byte {
	b = append(b, amfObject)
	b = appendString(appendKey(b, "level"), level)
	b = appendString(appendKey(b, "code"), code)
	b = appendString(appendKey(b, "description"), description)
	return append(b, 0, 0, amfObjectEnd)
}

// appendHeader appends a basic and a fmt-0 message header (§5.3.1). csid is 2
// to 63, length below 2^24.
func appendHeader(b []byte, csid byte, ts uint32, typ byte, msid uint32, length int) []byte {
	short := min(ts, extended)
	b = append(b, csid,
		byte(short>>16), byte(short>>8), byte(short),
		byte(length>>16), byte(length>>8), byte(length), typ)
	b = binary.LittleEndian.AppendUint32(b, msid)
	if short == extended {
		b = binary.BigEndian.AppendUint32(b, ts)
	}
	return b
}

func appendKey(b []byte, key string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(key))), key...)
}

func appendString(b []byte, s string) []byte {
	if len(s) > math.MaxUint16 {
		return append(binary.BigEndian.AppendUint32(append(b, amfLongString), uint32(len(s))), s...)
	}
	return appendKey(append(b, amfString), s)
}

func appendNumber(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, amfNumber), math.Float64bits(v))
}

func appendBoolean(b []byte, v bool) []byte {
	if v {
		return append(b, amfBoolean, 1)
	}
	return append(b, amfBoolean, 0)
}

func appendNull(b []byte) []byte { return append(b, amfNull) }
