// Package playlist writes the playlists of HTTP Live Streaming (RFC 8216bis): media
// playlists of a live class, of its DVR window and of its recording, their delta updates
// and I-frame playlists, and multivariant playlists.
//
//	hls ──Row, Live, Long, Multivariant──▶ text ──Writer──▶ Document
//
// Everything here is a value or a function of its arguments; what is listed, and when,
// package hls decides. A [Document] is immutable. A [Writer] belongs to one goroutine; a
// [Long], which makes its text when somebody first asks, to any.
package playlist
