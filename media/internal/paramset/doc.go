// Package paramset reads what publishers announce about their media: parameter
// sets of H.264 and HEVC and the AudioSpecificConfig of AAC become media.Track
// values, and the NAL units of access units are sorted into what is kept, what
// is dropped and what belongs to the announcement. Packages flv and rtsp share
// it, so that a stream means the same however it arrived.
//
// All input is hostile: no function here panics, recurses or allocates more
// than a small multiple of its input, and sizes are checked before anyone opens
// a decoder. Nothing is kept of the arguments unless a comment says so. The
// package starts no goroutine; functions are safe for concurrent use, values of
// Sets and Picture belong to one goroutine.
//
// Which formats are served is decided elsewhere (package transcode): 10-bit,
// 4:2:2, interlaced and unusual AAC are described truthfully here. Only pictures
// beyond MaxLongSide x MaxShortSide are refused.
package paramset
