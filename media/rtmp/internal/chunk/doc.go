// Package chunk stands between an RTMP publisher and the RTMP library.
//
//	socket ──bytes──▶ Sanitizer ──one fmt-0 chunk a message──▶ library
//	socket ◀──whole messages (package functions)── server
//
// The library trusts its peer: it allocates what an AMF count claims, recurses
// as deep as an AMF object nests, keeps any number of half-received messages,
// misreads repeated extended timestamps and gives up on messages it does not
// know. So a Sanitizer parses the chunk stream (Adobe RTMP 1.0 §5.3) under hard
// limits and hands on only what is harmless: complete messages of six known
// kinds, each as a single chunk with a full header, every command rebuilt from
// the few values that matter.
//
// What it swallows is counted by DropReason; what it cannot make sense of ends
// the connection with one of the errors of this package. A Sanitizer starts no
// goroutine, knows no socket, stream key or codec, and belongs to the one
// goroutine that reads from it.
package chunk
