// Package transcript reads the logs of the rooms for those who come later: what was
// said at which moment of the lecture, and who was there.
//
//	broker ── History ──▶ fold ──▶ index.json, {minute}.json   (origin sends them)
//	                        └────▶ attendance                  (the API tells it)
//
// A transcript is what a viewer would have in the end who had followed the view of
// participants from the first entry to the last: edited messages as they are now, and
// nothing of what was deleted, withdrawn, dismissed, joined to another question, hidden
// from others, or for staff. It has the messages too that were not shown for being too
// many. Of people it has the name, the role and nothing else, so that nobody can be
// followed from class to class; without the name where they had none for others.
//
// # Documents
//
// index.json is an [Index]: everything but the chat, and which minutes have any. All
// of it is bounded by what a room takes (2,000 questions, 200 polls). {minute}.json is a
// [Minute]: the messages of a minute of the media's clock, media_ts / 60000 rounded
// down; those without messages do not exist. There are examples in testdata.
//
// Every moment has ts, when the server took it, and media_ts, the
// EXT-X-PROGRAM-DATE-TIME of the newest media then; both in Unix milliseconds. What was
// said before there was any media has ts for both. What happens to a thing later is in
// the thing, with the moment of its own: when a question was answered, when a poll was
// closed. Who replays shows a thing from its media_ts on, and what became of it from
// that moment on. Moments of one minute are in order.
//
// # Freshness
//
// A [Library] folds the log of a class when somebody asks, once for all who ask at the
// same time, and afterwards only what has been added; it looks for that once a second.
// A deletion therefore is in the next answer after a second, and behind caches after
// the time that the answer says: see [Life].
//
// # Bounds
//
// A minute has at most 2,000 messages and a class 200,000; further ones are counted in
// left_out. Transcripts are kept in memory up to a number of bytes, and the one that was
// not used for the longest time is folded again when somebody asks. No more than two
// are folded at the same time. The package starts no goroutine.
package transcript
