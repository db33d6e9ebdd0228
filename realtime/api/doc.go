// Package api is the JSON interface under /api/v1: a school's scripts and the
// command line manage classes with it. openapi.json describes it, and a test
// holds the two together.
//
// A request comes with the one bearer token of the server, which may do
// everything. Two routes go without it: openapi.json is public, and a viewer
// renews a playback token with that token itself, which costs no more than
// computing two MACs, so that nobody can load the server with it. Browsers of other origins get no
// CORS headers: pages talk to routes of their own. Every answer is JSON, attendance on
// request CSV, and is
// never cached, since it may hold a stream key or a viewer's token, and carries an X-Request-Id
// that the log has too. Every error has one shape, see [Error] and [Code].
//
// [Handler] is the server side and [Client] the other one. Neither starts a
// goroutine; both may be used from any number of them.
package api
