// Package ffmpeg decodes and encodes with FFmpeg's libraries: it implements
// transcode.Engine. It is the only package that uses cgo, and it is made to run
// in a worker process, since a fault in C ends the process it happens in.
//
//	Write ─▶ decoder ─▶ deinterlacer ─▶ keyframes ─▶ scalers ─▶ queue ─▶ libx264 ─▶ Output
//	      └▶ sound                                            └▶ queue ─▶ libx264 ─▶ Output
//
// Everything up to the queues happens in the goroutine that calls Write; each
// video rung encodes in a goroutine of its own, behind a queue of four pictures.
//
// C objects are held by the owner types of object.go alone. Each of them belongs
// to one goroutine at a time and is freed exactly once; Engine.Objects tells how
// many are alive. No C memory leaves the package: access units are copies.
//
// The package never sets a log callback (go-astiav v0.16.0 formats into 1024
// bytes on the stack, whatever the length of the line).
package ffmpeg
