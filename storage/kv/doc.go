// Package kv keeps small records in one bbolt file: classes, stream keys, jobs,
// and the logs of the rooms. Media never goes here (see storage/segment).
//
//	db.Update(func(tx *kv.Tx) error { return classes.Put(tx, id, c) })
//
// One process at a time owns the file; a second one is told so by Open. One
// transaction writes at a time, any number read beside it. A transaction lives
// as long as the function that gets it, so it cannot be forgotten open; a *Tx
// must not be kept after that function returned, nor used by another goroutine.
// Calling View, Update or Batch inside the function of another transaction of
// the same DB can deadlock: pass the *Tx on instead.
//
// Values are stored as JSON and decoded on the way out, so what a Bucket hands
// out shares no memory with the file and may be kept for ever. That is the only
// difference callers need to know from bbolt, whose own values die with their
// transaction. No bbolt type leaves this package. A [Log] is for what comes in
// great numbers and in order: raw bytes by number, copied on the way out too.
//
// When Update or Batch returns nil, the change has been fsynced: it survives a
// kill -9 and a power cut. An error, or a panic that passes through, means that
// nothing of the transaction was kept.
package kv
