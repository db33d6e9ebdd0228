// Package lecture is a teacher made of software: it renders a short lecture with
// slides, a speaker, a voice and a running clock, and pushes it over RTMP with
// the ffmpeg program, as OBS would. The demo and the end-to-end tests use it.
//
// The clock burned into the picture shows this machine's time of day at the
// moment the frame was made: a person who holds the playing page beside a clock
// reads off the whole delay, from camera to screen.
package lecture
