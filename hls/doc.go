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
// The multivariant playlist states the caps that encoders keep, and measurements
// where there are none. Beside the media playlist every video rendition has an
// I-frame playlist.
//
// The package does not know HTTP, tokens or files: see hls/origin and
// storage/segment.
package hls
