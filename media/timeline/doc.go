// Package timeline turns samples on a publisher's clock into access units on the
// class's clock. One [Timeline] lives as long as the class; publications come
// and go on it.
//
//	Sample ─▶ judge ─▶ place ─▶ interleave ─▶ AccessUnit
//	          jumps    ticks,   both tracks
//	                   sound    by DTS
//
// What goes in may start anywhere, jump, repeat, stall and drift. What comes out
// keeps these promises:
//
//   - A run of access units opens with a Discontinuity, which carries the tracks.
//     The leading track (video if there is any) then starts at a random access
//     point; sound starts at most 1 s before it.
//     A video track that was announced and sends nothing is waited for 5 s of
//     sound; then the run opens without it, and it joins with a run of its own.
//   - DTS rises strictly within a track, for ever: over jumps, reconnects and
//     server restarts. A run starts where the one before it ended, so media time
//     has no holes; the wall clock (CapturedAt) jumps instead.
//   - Access units come ordered by DTS across tracks. PTS is never below DTS.
//   - CapturedAt follows the server's clock, at a rate within 1 ms a second of
//     media time, and starts every run at or after the end of the run before.
//   - Frames of AAC, MP3, AC-3 and E-AC-3 are exactly FrameSamples ticks apart as
//     long as the publisher's timestamps agree within 40 ms on average. Timestamps
//     of other sound, whose frames may differ in length, and of video are kept as
//     they are, whatever the frame rate.
//   - What is held back is bounded in media time (1 s), samples and bytes.
//
// A Timeline starts no goroutine and no timer, and belongs to one goroutine or
// one lock. It knows no wire protocol; 32-bit timestamps are unwrapped before.
package timeline
