// Package segment keeps the media of a class: live parts in memory, finished
// Media Segments in memory and on disk, and an append-only index that says what
// the folder holds.
//
//	hls.Packager ──PutInit, AppendPart, FinishSegment, Expire──▶ Log ──queue──▶ Run ──▶ disk
//	hls/origin   ◀──OpenInit, OpenPart, OpenSegment───────────── Log
//
// One Log is one class folder:
//
//	index                     one checksummed line a fact: epoch, init, segment
//	{rendition}/init-{id}.mp4 initialization sections
//	{rendition}/s{msn}.m4s    Media Segments
//
// Every method may be called from any goroutine. The packager's methods take a
// short lock that is never held across I/O, so they never wait for the disk;
// the Open methods take no lock at all, so that no number of viewers delays the
// packager. Run alone writes: temporary file, fsync, rename, index line, fsync.
// A finished segment is thus listed in the index only when its bytes are safe.
//
// When the disk is full or the process is out of file descriptors, segments wait
// in the queue for better times. When the disk fails or is too slow, the recording
// gets a gap and the live class goes on from memory, which is bounded as well. Nothing is ever deleted
// from disk here: the files are the recording.
//
// The package knows boxes and playlists as bytes and numbers only.
package segment
