// Package web serves the pages that people open in a browser, with everything
// they need embedded in the binary: no build step, no other host, no cookies.
//
// These are the watch page of a class, for viewers, and its studio, for the host:
//
//	GET  /watch/{class}              the page
//	GET  /watch/{class}/class.json   what whoever asks may know of the class
//	POST /watch/{class}/grant        {"pass"} or {}: what lets a viewer into the room
//	GET  /studio/{class}             the page
//	POST /studio/{class}/grant       what lets the host into the room
//	GET  /studio/{class}/status.json how the class does
//	POST /studio/{class}/end         ends the class
//	GET  /assets/{version}/{path}    scripts, styles, hls.js; kept by caches for ever
//
// The page is rendered from the class's state, so it is right before any script
// has run; the scripts then follow class.json and play the HLS presentation that
// it names. What a class is, who may see it and where its media live is somebody
// else's business: the package asks [Classes] and knows nothing more. The files
// under assets are plain ES modules, each about one subject; assets/watch/main.mjs
// says how they fit together.
//
// A class of [AccessToken] is watched by /watch/{class}#t={token}. The fragment stays
// in the browser; the page takes it out of the address, shows it to class.json as a
// bearer token, loads media from /t/{token}/live/…, and renews it by POST
// /api/v1/playback/renew, with the old one as bearer token and {"token": …} for an
// answer, when three quarters of its life are over. Without a token that
// [Deps.Admit] accepts, page and class.json tell the title and the state.
//
// Where there are [Rooms], the watch page has the class's room beside the video. Its
// scripts exchange the pass that they keep, or that the link brought as #p={pass}, or none, for a grant, say hello with it on
// /ws/{class} (package realtime), and show what they hear: assets/room/main.mjs says
// how. A class without a room answers the question for a grant with 404, and the page
// is as if there were no rooms.
//
// The page of a class that has ended has its room beside the recording, as it was, from
// the room/*.json beside the playlists (package realtime/transcript).
//
// The studio's link is /studio/{class}#k={secret}. The page takes the secret out of the
// address and shows it, as bearer token, to [Studio] alone, which exchanges it for a
// pass; that is what the page keeps, as long as its tab is open, and shows from then on.
//
// A [Handler] has no goroutines and may be used by any number of them.
package web
