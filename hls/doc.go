// Package hls packages one class as Low-Latency HLS (RFC 8216bis).
//
//	stream.Reader ──Item──▶ Packager ──parts, segments──▶ Log (storage/segment)
//	                            └──Snapshot, Document──▶ hls/origin
//
// What playlists look like is package hls/playlist's.
//
// A [Packager] is one goroutine: Run takes access units in decode order, cuts
// them into Media Segments and Partial Segments of CMAF fragmented MP4, one
// track a rendition, and publishes each change as immutable [Snapshot]s. The
// read side takes no lock, so no number of viewers delays the packager.
//
// What holds for the life of a class, over every reconnect and server restart:
// Media Sequence Numbers and Discontinuity Sequence Numbers never go back; a
// segment that was listed never changes; EXT-X-TARGETDURATION and PART-TARGET
// are constant and no EXTINF rounds above the former. Every rendition has the same
// Media Sequence Numbers with the same dates, durations and discontinuities: cuts
// are decided on the keyframes of the lead track (the publisher's own pictures, if
// they are passed through), or at absolute multiples of the keyframe distance where
// a Discontinuity says so, and every other track follows at the same presentation
// time. A rendition that has nothing to say in a segment gets EXT-X-GAP.
//
// Encoded tracks of a ladder (media.Track.Encoded) lag behind what is passed
// through, each at its own pace: their segments are finished by their own access
// units, or by a media.Gap. A segment of encoded video that cannot be played from
// its start to its end is EXT-X-GAP, though parts of it may have been listed; the
// rendition goes on with the next segment that starts with a random access point.
// One that was shed is not offered until it has a whole segment again.
//
// Where sound has a hole, begins late or ends early, and it is AAC-LC in mono or stereo,
// silence is put in: players stall in holes, and the sum of EXTINF has to be that of the
// media. At the end of a publication the last picture stands until the sound ends, as
// far as PART-TARGET lets it. Sound before the first picture is left out, unless it is
// published already. A segment whose keyframe has leading pictures (HEVC's open groups)
// begins where the first of them is shown.
//
// The multivariant playlist states the caps that encoders keep, and measurements
// where there are none; what it states never falls, and is learnt again from the Log.
// Beside the media playlist every video rendition has an I-frame playlist, of the live
// window and of the DVR window.
//
// # Cues
//
// What happens in the class's room, polls and markers, is in the live, DVR and recording
// lists of every rendition, for who comes late, whom the room cannot reach, other
// players and the recording:
//
//	#EXT-X-DATERANGE:ID="cue-poll.opened-p12-1898845203000",CLASS="org.lectern.cue",
//	  START-DATE="2030-03-04T09:00:03.000Z",X-EVENT="poll.opened",X-CUE="p12"
//
// X-EVENT is poll.opened, poll.closed, poll.revealed or marker, X-CUE the poll or
// marker; nobody's words are in it. Each event is a Date Range of its own with an ID that
// all its attributes follow from, so that they never change: DURATION is 0, but
// poll.opened has none, since nobody knows it then. It lasts until the poll.closed of
// the same poll, and both are listed for as long as their time is. Delta updates have
// them all, and CAN-SKIP-DATERANGES is not offered: what a list has is bounded. I-frame
// playlists have none.
//
// The truth of cues is the room's log, which is durable before anybody hears of them.
// The Log's index has a copy: what was listed is listed again at once after a
// restart, and the recording does not depend on how long the room's log is kept. What
// had not come to it when the process was killed is told once more by whoever took up
// the class (see [Packager.Cue]).
//
// # What is not kept
//
// Three rules of package conformance are left to break, on purpose:
//
//   - 50 (all renditions get a part within one PART-TARGET, RFC 8216bis §B.1) holds while
//     encoders keep up: they look about 12 pictures ahead, 0.43 s at 30 a second beside
//     a PART-TARGET of 0.5 s. It breaks below some 16 pictures a second, and where a
//     rung is as late as the governor lets it be before it sheds (0.5 s more). To hold
//     back what was passed through until every rung has it would add that lateness to
//     every viewer's delay, and let a rung that hangs stall those who watch the source.
//     A player that changes down reads the rung's position in EXT-X-RENDITION-REPORT.
//   - 30 (a quarter of an hour in a live playlist, Apple 8.12) is for the DVR list: each
//     minute costs 1.5 kB in a list that 2,000 players read with every part.
//   - 56 (EXTINF and media) breaks by up to a part where the process was killed in the
//     middle of a segment: the segment has one duration in all renditions, and what they
//     had on disk differs. It breaks too where sound that is not AAC-LC, or pictures,
//     have a hole.
//
// EXT-X-PRELOAD-HINT of TYPE=MAP stands from the moment that another format is known.
// After a discontinuity that is too late for a reload that waits for the first part.
//
// The package does not know HTTP, tokens or files: see hls/origin and
// storage/segment.
package hls
