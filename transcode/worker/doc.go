// Package worker is the process boundary of the ladder: FFmpeg runs in a process
// of its own for each class, so that a C fault, a leak or a hostile stream costs
// one ladder for a second and the server nothing.
//
//	Job ──Write──▶ Host ──stdin──▶ Serve ──▶ transcode.Engine
//	Job ◀──Poll─── Host ◀─stdout── Serve ◀── transcode.Output
//
// Host lives in the server and implements transcode.Encoder. It starts the worker
// at the first Open, feeds it, restarts it when it dies, and feeds the new one
// from the latest keyframe, so that what the Job gets goes on with a keyframe and
// never goes back. It trusts nothing that a worker says. Serve is the main
// loop of the worker process; which Engine it drives is given to it, so this
// package is pure Go.
//
// Nothing here waits for a worker: what it does not take is dropped by pictures,
// up to a keyframe, and counted.
package worker
