// Package bench loads a server and says what that cost the server. "lectern
// bench SCENARIO" runs it: it starts a server of its own from the same binary on
// free loopback ports, so that the figures are of one known build, and reads the
// server's CPU time from the kernel.
//
// Absolute times on a busy machine prove little. The figure to compare is CPU
// per unit of work; compare two builds in one session, several runs each, by the
// ratio of their medians.
package bench
