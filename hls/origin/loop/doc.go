// Package loop serves requests for media on plain HTTP/1.1 connections from a few
// event loops, and hands every other connection to net/http.
//
// The answers are those of an http.Handler, the same one that net/http uses: package
// loop only carries them. It calls the handler from an event loop, so the handler must
// not wait for anything but a disk; what it would wait for it gives away as an
// [origin.Holder] asks, and the connection is parked: it has its request, and neither
// goroutine nor timer. One goroutine for each channel that somebody waits for wakes
// the loop. Memory that never changes ([origin.Sharer]) is sent without a copy, and
// files are sent by the kernel after the handler has returned.
//
// A connection belongs to a loop as long as its requests are GET or HEAD with HTTP/1.1
// for a path that Deps.Serves wants, without a body, in a head that is small and of
// plain form. With the first request that is anything else it is handed to net/http
// for good, together with the bytes that were read: through [Server.Listener], which
// an http.Server serves. So all that is unusual is answered in one place, which is not
// here. On systems other than Linux everything is handed over.
//
// What the handler must know of it: an answer without Content-Length gets one; a
// Content-Type is never guessed; and the answer to a client that leaves is taken to be
// sent when it was written.
//
// Everything is bounded. A client has HeadTimeout for the head of a request,
// IdleTimeout between requests and WriteTimeout for each 256 KiB of an answer; the head
// has 8 KiB, and a connection holds no more than that of what comes after a request.
// There are MaxConnections; further ones are closed at once. Connections that wait to be
// accepted by net/http are bounded by their number, and closed when there are more. The
// counters in metrics.go have all of it.
package loop
