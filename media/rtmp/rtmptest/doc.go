// Package rtmptest is an RTMP publisher for tests. It shares no code with the
// server: handshake, chunks and AMF0 are written here a second time, as plainly
// as the specification says them, and can be bent to send what no encoder sends.
//
//	c, err := rtmptest.Push(ctx, address, key)
//	...
//	err = c.WriteVideo(0, tag)
//	err = c.Close(ctx)
package rtmptest
