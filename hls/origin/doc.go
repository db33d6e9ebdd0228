// Package origin serves classes over HTTP, made to be pulled by a CDN.
//
//	/live/{class}/index.m3u8                multivariant playlist
//	/live/{class}/dvr.m3u8                  multivariant playlist of the DVR lists
//	/live/{class}/steering.json             content steering manifest
//	/live/{class}/{rendition}/index.m3u8    live media playlist
//	/live/{class}/{rendition}/dvr.m3u8      media playlist of the DVR window
//	/live/{class}/{rendition}/iframes.m3u8, dvr-iframes.m3u8
//	                                        I-frame playlists of the two, of video
//	/live/{class}/{rendition}/recording.m3u8, recording-iframes.m3u8
//	                                        the whole class, once it has ended
//	/live/{class}/{rendition}/{hls.Name}    init, segment or part
//	/live/{class}/{name}.jpg, {name}.vtt    still pictures, which somebody else keeps
//	/live/{class}/room/index.json, room/{minute}.json
//	                                        what was said, which somebody else knows
//	/t/{token}/live/...                     each of them behind a viewer token
//	/t/{token}/live/{class}/check           204 if the token is good for the class
//
// Nothing else exists, and every name has one spelling. Every answer, errors
// included, carries CORS headers and says how long it may be cached; no answer
// depends on a cookie or on a query parameter other than _HLS_msn, _HLS_part
// and _HLS_skip. The cache rules are one table, in cache.go.
//
// Who may watch is decided by the path and by one header, never by where a page
// came from: a protected class is served behind a valid token, or to a CDN that
// proves who it is with the shield secret and says that it has checked the viewer's
// token ([HeaderViewer]). No token is ever repeated: not in an answer, a log or a metric.
//
// A request for what comes next is held until it exists: blocking playlist
// reloads of media playlists (RFC 8216bis §6.2.5.2) and the preload-hinted part (§6.2.6). A held
// request wakes when a snapshot is published, and ends with its client. It takes no lock,
// so that no number of viewers can delay the packager, and their number is bounded.
// Whether it may be answered at all is checked when it comes, not again while it is held.
// Behind net/http it costs one goroutine and one timer. A server that cannot spare them
// keeps it as a value and says when to look again ([Holder]); package loop is one, which
// gives the same answers without net/http's cost for a connection.
//
// The package starts no goroutine and keeps no media: playlists are the
// packager's immutable snapshots, media are objects of the segment log.
package origin
