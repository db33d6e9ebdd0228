// Package stream is the hub between one publisher and its readers.
//
//	rtmp, rtsp ──Sample──▶ Publication ──timeline──▶ Stream ──queue──▶ transcode.Job
//	                                                       └──queue──▶ (any other Reader)
//
// A Stream lives as long as its class is live or interrupted: publications come
// and go on it, and its media time never goes back. Publication.Write is called
// by the publisher's goroutine alone and never blocks: a slow reader loses
// access units, not the publisher's time. AddReader and End may be called from
// any goroutine. A reader sees items in the order they were written, a
// Discontinuity first and then access units from a random access point on; when
// the publication ends it is told so.
// What is written comes out up to a second of media time later, when the tracks
// are in order of DTS; the end of a publication passes on all that was held.
//
// DTS and PTS count ticks of the timescale of the newest Discontinuity's tracks:
// when the sampling rate changes, ticks change and media time does not.
//
// The package knows no wire protocol and no class: names are opaque. It starts
// no goroutine.
package stream
