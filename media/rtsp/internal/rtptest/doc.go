// Package rtptest packs media into RTP packets, as an encoder or a camera does.
// It is imported by tests only and starts no goroutine.
package rtptest
