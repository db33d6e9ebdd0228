// Package rtsp takes media over RTSP 1.0 (RFC 2326): [Server] is what encoders
// push to (ANNOUNCE and RECORD to rtsp://HOST/live/<stream key>), [Puller] fetches
// from a lecture-hall camera. Both end in one ingest:
//
//	Server ─┐                 ┌ depacketiser ─ video: NAL units, DTS ─┐
//	        ├▶ RTP, RTCP ─▶ ──┤                                        ├▶ stream.Publication
//	Puller ─┘                 └ depacketiser ─ audio ──── clock ──────┘
//
// H.264, HEVC and AAC (RFC 6184, 7798, 3640) are taken, one video and one audio
// track. Other codecs are refused with a sentence for the person who publishes.
//
// RTP gives each track a clock of its own. Type clock puts both on one: by
// RTCP sender reports when there are any, by arrival otherwise, and slowly. It
// cures wraps, jumps and drift of the RTP clock; what is left (reconnects, wall
// clock) is cured by package timeline. RTP carries no DTS: it is derived from
// the picture order. After a loss, video resumes at the next keyframe.
//
// The wire protocol is package gortsplib's (v4.16.2), whose types stop here.
// What it lacks is added around it: caps, deadlines and back-off on the listener,
// recover in callbacks, right sender reports, and checks before the calls on
// which it would fault (see puller_client.go).
//
// Stream keys, request paths, camera URLs and credentials reach neither logs nor
// metrics nor errors.
package rtsp
