// Package transcode decides which renditions a class offers and makes them.
//
//	Stream (publisher) ──▶ Job ──▶ items of the Ladder's renditions ──▶ hls.Packager
//
// Today a ladder holds what needs no encoder: the publisher's own pictures and
// sound, under the names "source" and "audio". Encoded renditions join the Job
// between its reader and its Next; neither the hub nor the packager will see a
// difference. The package is pure Go: cgo stays in its sub-package ffmpeg.
package transcode
