// Package room is the class's room: who is in it, what they say to each other,
// and who gets to know.
//
//	ws ── Join, Do, Leave ──▶ Rooms ─▶ one goroutine a room ── Enqueue ──▶ broker
//	ws ◀──── Conn.Send ─────── shards ◀─────── released ◀── kept on the disk ──┘
//
// A room decides by package state and goes on deciding while the disk works. But
// nobody is told of anything before it is kept: what a decision brings waits in
// line for its entry, and so does everything that was learned after it, such as
// the snapshot of someone who comes in. If an entry cannot be kept, all that was
// decided after it is void: the room ends with [realtime.CloseEpochReset] and is
// opened anew from its log.
//
// An event is encoded once for each view. The room hands it to a few shards, which
// own the connections and call their Send; so a room of thousands goes on deciding
// while the last event is still being handed out.
//
// A room is opened when the first person comes, and leaves the memory some time
// after the last one has gone. It closes for good when its class has ended for
// Config.CloseAfter, or a host says so: that is this package's to decide, and
// [Rooms.Open] tells others.
package room
