// Package ws is the WebSocket transport of the rooms, /ws/{class}.
//
//	client ──hello, commands──▶ Server ──Join, Do, Leave──▶ room
//	client ◀──frames── writer ◀──queue── Conn.Send ◀─────── room
//
// A connection has a goroutine that reads, one that writes while there is
// something to write, and between the room and the writer a queue bounded in
// bytes: Send never blocks. When the queue is half full what is ephemeral is
// dropped and state collapses; when it is full, or its oldest frame is too old,
// the connection is closed with CloseTooSlow, and the client resumes. So a bad
// connection costs itself alone.
//
// The cost of a room is the write(2) per frame. While there are few, each event is
// sent at once. When a room would write more than its share of frames, the first
// event of an interval is still sent at once and the others wait for its end,
// joined with line feeds: 50 ms, more for more connections, 250 ms at most. All
// connections of a room tick together, so that what they get is mostly the same,
// and is joined, framed and compressed once.
//
// A connection says who it is with a grant in its first message, hello, and never
// with cookies or in the URL. Those that have not yet are bounded in number and in
// time. Deadlines of all connections are looked at by one goroutine once a second:
// hello, ping, silence, stalled writes, expired grants.
//
// The Server's Run must be running for connections to be served. When its context
// ends, each client is told to come back at a moment of its own, so that they do
// not come back together.
package ws
