// Package segment keeps the media of a class: the live edge in memory, finished
// Media Segments on disk, and an append-only index that says what the folder holds.
// The live list, the DVR list and the recording are views of it.
//
//	hls.Packager ──PutInit, BeginSegment, AppendPart, FinishSegment, PutCue──▶ Log
//	             ──Commit: wait until a kill -9 would lose nothing──▶ publish
//	Log ──▶ appendLoop: write(2) ──▶ finishLoop: fsync, rename, index line, fsync
//	hls/origin   ◀──Find*, Open*── Log
//
// One Log is one run of a class. A class folder has
//
//	index                               one checksummed line an Init, segment or cue
//	{rendition}/init-{id}-{epoch}.mp4   initialization sections
//	{rendition}/s{msn}-{epoch}.m4s      Media Segments
//
// and, beside a media file that is not in the index yet,
//
//	{file}.tmp      its parts so far; it becomes {file} by a rename
//	{file}.journal  what is known of it, one checksummed line a fact: the [Head],
//	                each part, and when it was finished the line of the index
//	{file}.new      the whole of it, written from memory when {file}.tmp is not good
//
// Cues, the moments of the lecture that playlists tell of, are in the index only. They
// are safe once their line is. The truth of them is the room's: after a crash it tells
// them again.
//
// Folders of earlier versions have no epoch in their file names, and one for all in
// the first line of the index; they are read as they are.
//
// # What is durable when
//
// After Commit the parts and facts put before it are with the operating system, in
// {file}.tmp and {file}.journal: they outlive the process, not the machine. Commit
// waits for no fsync, and gives up after Config.CommitTimeout; what is published
// uncommitted is counted. A segment is safe from a power cut once its index line is:
// some milliseconds after FinishSegment, or as long as the disk takes. Then, and when
// a newer segment was finished, its memory is released.
//
// # After a crash
//
// Open finds what the index does not know, and changes nothing on the disk. A segment
// whose journal says that it was finished is exactly what was announced, or a gap if
// its bytes are not; one that was torn is a short segment of its whole parts; one
// without a whole part is nothing. The begin of Run brings them into the index and
// removes what was left half made. Until then, and if that fails, they are served from
// where they are.
//
// Each run has an epoch of its own, which is part of every name that it makes. So a
// name never stands for other bytes, although a power cut may cost a media sequence
// number that is then given again. What was torn by a power cut, and not by a kill,
// has a third epoch: the lost end of its journal may have announced more than is left.
//
// # When the disk is full
//
// Finished segments wait in memory, up to Config.WriteQueueBytes, and parts are not
// committed. What does not fit becomes a gap of the recording that live viewers do not
// see: it stays in memory for its Availability Duration, within Config.MemoryBytes.
// Writing goes on by itself when there is room. [Deps.Space] may refuse room before
// the disk does. Nothing that is in the index is ever deleted here.
//
// # Concurrency
//
// Every method may be called from any goroutine. The packager's methods take a
// short lock that is never held across I/O, so they never wait for the disk, but for
// Commit, which says how long; Find* and Open* take no lock at all, so that no number
// of viewers delays the packager. Only one Log of a folder may run; others may read.
//
// The package knows boxes and playlists as bytes and numbers only.
package segment
