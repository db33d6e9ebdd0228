// Package rtsp takes media over RTSP 1.0 (RFC 2326): [Server] is what encoders
// push to (ANNOUNCE and RECORD to rtsp://HOST/live/<stream key>), [Puller] fetches
// from a lecture-hall camera. Both end in one place:
//
//	ingest.Listener ─▶ Server ─┐
//	                           ├▶ RTP, RTCP ─▶ reception.Receiver ─▶ ingest.Publication
//	                   Puller ─┘
//
// This package connects, authorises and ends; what RTP needs (codecs, loss, DTS,
// sender clocks) is package reception's.
//
// The wire protocol is package gortsplib's (v4.16.2), whose types stop here.
// What it lacks is added around it: caps and back-off (package ingest) and
// deadlines on the listener, recover in callbacks, right sender reports, and
// checks before the calls on which it would fault (see puller_client.go).
//
// Stream keys, request paths, camera URLs and credentials reach neither logs nor
// metrics nor errors.
package rtsp
