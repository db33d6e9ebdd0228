// Package realtime is the wire protocol of the room, version 1: what a client
// and the server say to each other over the WebSocket /ws/{class}. It keeps no
// state and starts no goroutine; all its functions may be called from anywhere.
//
//	client ──Command──▶ ws ──▶ room ──Event──▶ ws ──▶ clients
//
// A text message of the client is one JSON object, a [Command]; a text message
// of the server is one or more, an [Event] each, with a line feed between them.
// The document is [AsyncAPI] (asyncapi.json), and a test holds it to this code.
//
// # Commands
//
// The id of a command is also its idempotency key: it gets exactly one ack or
// error, and when it is sent again, say after a reconnect, it gets the same one.
// [Position], [React] and [Pulse] may come without an id, and then have no
// answer unless they are wrong.
//
// Decoding is strict. A command is refused if it holds a field that the server
// does not know, since to ignore, say, the recipient of a message would be to
// publish it; a newer client asks welcome's caps first. A field that is there
// twice, null, or spelled with other capitals is refused as well, so that no two
// readers can understand a command differently. Clients in turn ignore fields and
// events that they do not know: what a later version adds is additive.
//
// # Events
//
// Events differ in how they may be lost, see [Delivery]. Those of the log carry
// epoch and seq, and prev, the seq of the event before in what this client may
// see: a client whose last seq is not prev has missed something and says hello
// again with the epoch and seq that it has.
//
// # Words
//
// Times are Unix milliseconds. ts is the server's clock; media_ts and at are on
// the clock of EXT-X-PROGRAM-DATE-TIME. Texts are plain: whoever shows one
// escapes it. Lengths of texts are in Unicode code points.
//
// Nothing under realtime imports package media, and nothing under media imports
// realtime: the composition root bridges the two.
package realtime
