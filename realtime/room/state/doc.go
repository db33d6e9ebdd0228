// Package state is what a room knows, and its rules: who may do what now, and
// what becomes of it. It has no clock, no goroutine and no disk. Time, the edge
// of the media, and who asks are arguments.
//
//	command ── Decide ──▶ Entry ── (log) ──▶ Apply ──▶ Effects: what whom to tell
//
// Decide looks and changes nothing. Apply changes the state by an entry of the
// log, without asking whether it was right, and gives the same state for the same
// entries at every replay. What is decided after an entry must be decided after
// its Apply.
//
// A State belongs to one goroutine. What Snapshot and Effects hand out shares
// nothing with it that changes later.
package state
