// Package rtpclock puts what a sender stamps with RTP timestamps on one clock.
//
// RTP gives each track a clock of its own, which starts at a random value, wraps
// after 13 hours, jumps when a camera sets its time, and runs at a rate that is
// only nearly what was announced. [Clock] unwraps it, smooths jumps over, and
// holds both tracks together: by RTCP sender reports (RFC 3550 §6.4.1) when there
// are any, by arrival otherwise, and slowly.
//
//	c.Expect(id, rate)                         once a track
//	ticks, rebased := c.Stamp(id, raw, now)    once an access unit
//	at := c.At(id, ticks)                      as often as needed: for DTS, for later frames
//	c.Emitted(id)                              once a sample was written
//	c.Report(id, ntp, rtp)                     once a sender report
//
// Time is given by the caller; the package has no goroutines and takes no locks.
// What it does not cure (reconnects, the wall clock) is package timeline's.
package rtpclock
