// Package origin serves live classes over HTTP, made to be pulled by a CDN.
//
//	/live/{class}/index.m3u8                multivariant playlist
//	/live/{class}/{rendition}/index.m3u8    media playlist
//	/live/{class}/{rendition}/iframes.m3u8  I-frame playlist, of video
//	/live/{class}/{rendition}/{hls.Name}    init, segment or part
//
// Nothing else exists, and every name has one spelling. Every answer, errors
// included, carries CORS headers and says how long it may be cached; no answer
// depends on a cookie or on a query parameter other than _HLS_msn, _HLS_part
// and _HLS_skip. The cache rules are one table, in cache.go.
//
// A request for what comes next is held until it exists: blocking playlist
// reloads of media playlists (RFC 8216bis §6.2.5.2) and the preload-hinted part (§6.2.6). A held
// request costs one goroutine and one timer, wakes when a snapshot is
// published, and ends with its client. It takes no lock, so that no number of
// viewers can delay the packager, and their number is bounded.
//
// The package starts no goroutine and keeps no media: playlists are the
// packager's immutable snapshots, media are objects of the segment log.
package origin
