// Package ops serves the admin listener: metrics, health, readiness and
// profiles. It has no password and changes nothing: the listener's address is
// its only protection, so it belongs on loopback or a management network.
package ops
