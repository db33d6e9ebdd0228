// Package reception receives media over RTP (RFC 3550): it takes of a session
// description what can be served, and turns the packets of one publisher into
// samples of one publication.
//
//	Map(description) ─▶ Plan ─▶ New ─▶ Receiver
//	                                  ┌ depacketiser ─ video: NAL units, DTS ─┐
//	     packets from a Source ─▶ ────┤                                        ├▶ ingest.Publication
//	                                  └ depacketiser ─ audio ── rtpclock ─────┘
//
// H.264, HEVC and AAC (RFC 6184, 7798, 3640) are taken, one video and one audio
// track. Other codecs are refused with a sentence for the person who publishes.
// RTP carries no DTS: it is derived from the picture order. After a loss, video
// resumes at the next keyframe.
//
// The package starts no goroutine. Who connects, announces and ends is package
// rtsp's business, which owns the names of the metrics too: they are
// lectern_rtsp_*.
package reception
