// Package class keeps the classes: what is scheduled, what is live, who may
// publish, and when an interrupted class is over.
//
//	rtmp, rtsp ──(app)──▶ Authorize, PublisherArrived, PublisherLeft ┐
//	api  ───────────────▶ Create, Update, End, Delete, RotateStreamKey ├─▶ Registry ──▶ bbolt
//	Run  ───────────────▶ grace over, start of a pull                 ┘       └──▶ Observer
//
// States go scheduled -> live <-> interrupted -> ended; ended is for ever. See
// [State]. Every change is in the database before anyone is told of it, so
// that whatever the Observer starts is found again after a kill -9.
//
// The Observer hears of the changes of one class in order and one at a time;
// different classes do not wait for each other. It is called without any lock
// held, in the goroutine of one of the callers, and may call the Registry.
//
// The package knows no media and no protocol: a publication is something that
// arrives and leaves. Credentials (stream keys, passwords in camera URLs) are
// of type [Secret] outside the database and never reach a log.
package class
