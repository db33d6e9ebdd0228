// Package web serves the pages that people open in a browser, with everything
// they need embedded in the binary: no build step, no other host, no cookies.
//
// Today that is the watch page of a class:
//
//	GET /watch/{class}             the page
//	GET /watch/{class}/class.json  what whoever asks may know of the class
//	GET /assets/{version}/{path}   scripts, styles, hls.js; kept by caches for ever
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
// A [Handler] has no goroutines and may be used by any number of them.
package web
