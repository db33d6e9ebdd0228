// Package broker keeps the logs of the rooms: what was said in which order, and
// once each.
//
//	room ── Enqueue ──▶ Broker ──▶ done(position)   when it is on the disk
//	room ◀─ History ─── Broker ◀── Subscribe        what was, what comes
//
// A [Broker] knows events as bytes with an id. It numbers them, keeps them
// before it tells anybody of them, and gives the same position for the same id
// again. [Embedded] is the one for a single machine, on package storage/kv: one
// goroutine commits the events of all rooms together, so that they share an
// fsync. Package brokertest holds the guarantees that any other one must give.
//
// A log has an epoch, a name that is made up when its first event is kept and
// that never returns: positions of different epochs say nothing about each
// other.
package broker
