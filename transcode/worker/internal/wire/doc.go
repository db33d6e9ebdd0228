// Package wire is the protocol between the server and a worker process: frames
// over two pipes, the worker's stdin and its stdout.
//
//	frame = length uint32 | kind uint8 | body      (length counts kind and body)
//
// All numbers are big endian. Each side begins with a Hello; the other frames
// carry the number of the run they belong to. Every kind has a length limit,
// checked before a byte of the body is read, and every count and number in a body
// is checked before it is used: neither side trusts the other, for either may be
// working on what a hostile publisher sent.
//
// Append functions write a whole frame behind dst and return the longer slice;
// after an error dst is returned as it was. Parse functions take a body from
// Reader.Next. Nothing here blocks but Reader.Next, and nothing is safe for use
// by several goroutines at once.
package wire
