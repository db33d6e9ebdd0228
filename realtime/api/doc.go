// Package api is the JSON interface under /api/v1: a school's scripts and the
// command line manage classes with it. openapi.json describes it, and a test
// holds the two together.
//
// A request comes with the one bearer token of the server, which may do
// everything; openapi.json alone is public. Browsers of other origins get no
// CORS headers: pages talk to routes of their own. Every answer is JSON and is
// never cached, since it may hold a stream key, and carries an X-Request-Id
// that the log has too. Every error has one shape, see [Error] and [Code].
//
// [Handler] is the server side and [Client] the other one. Neither starts a
// goroutine; both may be used from any number of them.
package api
