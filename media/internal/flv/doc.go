// Package flv reads the bodies of RTMP audio and video messages, which are FLV
// tag bodies (Adobe FLV specification 10.1, annex E.4) or those of Enhanced RTMP
// v2. It knows no files, no tag headers and no script data: onMetaData decides
// nothing here.
//
//	rtmp ──body──▶ ParseVideoTag, ParseAudioTag ──▶ Demuxer ──▶ Sink (a stream.Publication)
//
// A Demuxer serves one publication and belongs to its goroutine. It lends the
// message body for the time of the call and copies each access unit once. What
// it gives to the Sink is in order: tracks first, a random access point next, and
// then samples of the announced tracks only, on the publisher's clock with the
// 32-bit wrap removed. Jumps and drift of that clock are left to package
// timeline, and what may be served to the Sink.
//
// Of H.264, HEVC, AV1, VP8 and VP9, AAC, Opus, MP3, AC-3, E-AC-3, FLAC, G.711,
// linear PCM and Speex it makes samples; other codecs are refused. Tracks come from
// sequence headers, from the media themselves where there is none, and for legacy
// sound from the message header.
//
// All bytes are hostile: nothing here panics, and memory is bounded by the
// message, plus Config.AnalysisBytes while it is not known yet whether both video
// and audio will come. The package starts no goroutine.
package flv
