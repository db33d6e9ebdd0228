package rtmp

import (
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/internal/flv"
)

// demuxer turns tag bodies into samples for a publication. timestamp is the
// full 32-bit message timestamp in ms; body is lent for the call.
type demuxer interface {
	Video(timestamp uint32, body []byte) error
	Audio(timestamp uint32, body []byte) error
	Flush() error
	Stats() flv.Stats
}

func newDemuxer(sink ingest.Publication) demuxer {
	return flv.NewDemuxer(sink, flv.DefaultConfig())
}
