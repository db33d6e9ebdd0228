// Package rtmp takes lessons in over RTMP and RTMPS.
//
//	ingest.Listener ─▶ sniff ─▶ chunk.Sanitizer ─▶ go-rtmp ─▶ handler ─▶ flv.Demuxer ─▶ Publication
//
// It owns the connection from accept to close: deadlines, handshake,
// refusals that a teacher can read in the encoder, and the translation of how a
// connection ended into how the publication ended. It knows neither classes nor
// codecs: who may publish is the ingest.Authorizer's decision, what can be served
// that of the hub behind ingest.Publication.
//
// A connection has three goroutines: one that watches it (serve), and the
// library's reader and writer. All callbacks, and with them every call of
// SetTracks, Write and Close on a publication, happen on the reader. A
// publication that is closed from outside is noticed by the watcher, which
// tells the encoder why and interrupts the reader.
//
// The stream key is a secret: no log line, metric, error or status holds it.
package rtmp
