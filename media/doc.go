// Package media holds the words every later stage speaks: Track, Codec,
// AccessUnit, Timescale. It depends on the standard library only, knows no wire
// protocol and no container, and starts no goroutine.
//
// A demuxer (package rtmp, package rtsp) turns what a publisher sends into
// Samples on the publisher's own clock. Package timeline turns Samples into
// AccessUnits on the class's clock. Everything downstream of it (stream, hls,
// storage) sees AccessUnits only.
package media
