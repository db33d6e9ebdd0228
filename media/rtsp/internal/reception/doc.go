// Package reception receives media over RTP (RFC 3550): it takes of a session
// description what can be served, and turns the packets of one publisher into
// samples of one publication.
//
//	Map(description) ─▶ Plan ─▶ New ─▶ Receiver
//	                                  ┌ depacketiser ─ video: units, DTS ─┐
//	     packets from a Source ─▶ ────┤                                    ├▶ ingest.Publication
//	                                  └ depacketiser ─ audio ── rtpclock ──┘
//
// One video and one audio track are taken: H.264, HEVC, AV1, VP8, VP9 (RFC 6184,
// 7798, AOM's format, RFC 7741, 9628); AAC, also in LATM, Opus, MP3, AC-3, G.711,
// linear PCM, Speex (RFC 3640, 6416, 7587, 2250, 4184, 3551, 5574). Others are
// refused with a sentence for the person who publishes. Whether what is read can
// be served too, the publication says when it is given the tracks.
//
// Tracks whose description lacks something are announced when it has come in band.
// RTP carries no DTS: for H.264 and HEVC it is derived from the picture order. After
// a loss, video resumes at the next random access point.
//
// The package starts no goroutine. Who connects, announces and ends is package
// rtsp's business, which owns the names of the metrics too: they are
// lectern_rtsp_*.
package reception
