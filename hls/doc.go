// Package hls packages one class as Low-Latency HLS (RFC 8216bis).
//
//	stream.Reader ──Item──▶ Packager ──parts, segments──▶ Log (storage/segment)
//	                            └──Snapshot, Document──▶ hls/origin
//
// A [Packager] is one goroutine: Run takes access units in decode order, cuts
// them into Media Segments and Partial Segments of CMAF fragmented MP4, one
// track a rendition, and publishes each change as immutable [Snapshot]s. The
// read side takes no lock, so no number of viewers delays the packager.
//
// What holds for the life of a class, over every reconnect and server restart:
// Media Sequence Numbers and Discontinuity Sequence Numbers never go back; a
// segment that was listed never changes; EXT-X-TARGETDURATION and PART-TARGET
// are constant and no EXTINF rounds above the former. Every rendition has the
// same Media Sequence Number at the same time: cuts are decided on the keyframes
// of the lead track (the first video track, else audio) and every other track
// follows at the same presentation time. A rendition that has nothing to say in
// a segment gets EXT-X-GAP.
//
// The ladder's output is read the same way as a publisher's: several video
// tracks with keyframes at the same pictures, each with its own rendition name.
//
// The package does not know HTTP, tokens or files: see hls/origin and
// storage/segment.
package hls
