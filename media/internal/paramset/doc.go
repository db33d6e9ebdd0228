// Package paramset reads what publishers announce about their media: parameter
// sets of H.264 and HEVC, the AudioSpecificConfig of AAC, the headers of other
// codecs or of their frames become media.Track values, and the NAL units or OBUs
// of access units are sorted into what is kept, what is dropped and what belongs to
// the announcement. It judges where decoding can start. Packages flv and rtsp share
// it, so that a stream means the same however it arrived.
//
// All input is hostile: no function here panics, recurses or allocates more
// than a small multiple of its input, and sizes are checked before anyone opens
// a decoder. Nothing is kept of the arguments unless a comment says so. The
// package starts no goroutine; functions are safe for concurrent use, values of
// Sets, Picture, Refresh and Frames belong to one goroutine.
//
// Which formats are served is decided elsewhere (package transcode): 10-bit,
// 4:2:2, interlaced and unusual AAC are described truthfully here. Only pictures
// beyond MaxLongSide x MaxShortSide are refused.
package paramset
