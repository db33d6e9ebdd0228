package flv

import (
	"time"

	"github.com/lectern/lectern/media"
)

// Sink takes what a Demuxer finds. A *stream.Publication is one.
type Sink interface {
	// SetTracks announces the tracks, first and whenever they change. An error
	// ends the demuxer.
	SetTracks(tracks []media.Track) error

	// Write takes ownership of s, a sample of an announced track.
	Write(s media.Sample) error
}

// Demuxer turns the audio and video messages of one publication into tracks and
// samples. It is not safe for concurrent use. After an error every call returns
// that error.
//
// Until both a video and an audio track have a sample, samples are held back;
// they go out when both have, or after Config.AnalysisWindow of media time with
// one, or when Config.AnalysisBytes are held. Frames that come and cannot be used
// are waited for as long as it takes to refuse them. A header alone makes no
// track: there are encoders that announce sound and never send any. A track that
// comes later, or changes, is announced by SetTracks with all tracks anew.
type Demuxer struct {
	// Set by NewDemuxer, then read-only.
	sink Sink
	cfg  Config

	clock clock
	video videoInput
	audio audioInput
	stats Stats
	err   error // ends the demuxer

	started bool // tracks were announced
	framed  bool // first is set
	first   time.Duration
	held    []media.Sample // empty once started
	heldFor int            // bytes in held, overhead included
}

// NewDemuxer returns a Demuxer that writes to sink.
func NewDemuxer(sink Sink, cfg Config) *Demuxer {
	return &Demuxer{sink: sink, cfg: cfg.withDefaults()}
}

// Stats returns the counters.
func (d *Demuxer) Stats() Stats {
	s := d.stats
	s.HeldBytes = d.heldFor
	return s
}

// Video takes the body of an RTMP video message, which it does not keep, and the
// message's timestamp. Damaged and malformed messages are counted and skipped.
//
// The error is a *media.RefusalError when the publisher must change something,
// ErrDamaged or ErrClock when the connection is useless, or what the Sink
// returned.
func (d *Demuxer) Video(timestampMS uint32, body []byte) error {
	if d.err == nil {
		d.err = d.videoMessage(timestampMS, body)
	}
	return d.err
}

// Audio takes the body of an RTMP audio message. It is otherwise like Video.
func (d *Demuxer) Audio(timestampMS uint32, body []byte) error {
	if d.err == nil {
		d.err = d.audioMessage(timestampMS, body)
	}
	return d.err
}

// Flush ends the analysis window, so that a publication that was shorter than it
// is not lost. Call it when the publisher has left.
func (d *Demuxer) Flush() error {
	if d.err == nil && len(d.held) > 0 {
		d.err = d.start()
	}
	return d.err
}

// open reads the header of a message. ok tells whether it holds anything for a
// decoder; what does not is counted, for one bad message does not end a lesson.
func (d *Demuxer) open(body []byte, parse func([]byte) (Tag, error)) (t Tag, ok bool) {
	if len(body) == 0 {
		d.stats.Empty++
		return Tag{}, false
	}
	t, err := parse(body)
	if err != nil {
		d.stats.Malformed++
		return Tag{}, false
	}
	d.stats.OtherTracks += uint64(t.OtherTracks)
	if t.Packet == PacketOther || t.Packet == PacketEnd {
		return Tag{}, false
	}
	if len(t.Body) == 0 {
		d.stats.Empty++
		return Tag{}, false
	}
	return t, true
}

// now returns the time of a message with frames. Sequence headers are not asked:
// encoders stamp them with 0 at any time.
func (d *Demuxer) now(timestampMS uint32, t Tag) (time.Duration, error) {
	at, err := d.clock.at(timestampMS)
	if err == nil && !d.framed {
		d.framed = true
		d.first = at
	}
	return at + t.NanoOffset, err
}

// announce gives the Sink the tracks that are live.
func (d *Demuxer) announce() error {
	var tracks []media.Track
	if d.video.live {
		tracks = append(tracks, d.video.track)
	}
	if d.audio.live {
		tracks = append(tracks, d.audio.track)
	}
	return d.sink.SetTracks(tracks)
}

// setVideo makes track the video track and announces it if the old one was. A
// new one is announced with its first sample.
func (d *Demuxer) setVideo(track media.Track) error {
	if err := d.beforeChange(d.video.known); err != nil {
		return err
	}
	d.video.track = track
	d.video.known = true
	if d.video.live {
		return d.announce()
	}
	return nil
}

// setAudio is like setVideo.
func (d *Demuxer) setAudio(track media.Track) error {
	if err := d.beforeChange(d.audio.known); err != nil {
		return err
	}
	d.audio.track = track
	d.audio.known = true
	if d.audio.live {
		return d.announce()
	}
	return nil
}

// beforeChange lets held samples go under the tracks that they belong to, before
// one of those is replaced.
func (d *Demuxer) beforeChange(replaces bool) error {
	if !replaces || len(d.held) == 0 {
		return nil
	}
	return d.start()
}

// start announces the tracks that have frames and lets the held samples go.
func (d *Demuxer) start() error {
	d.started = true
	d.video.live = d.video.sampled
	d.audio.live = d.audio.sampled
	if err := d.announce(); err != nil {
		return err
	}
	held := d.held
	d.held, d.heldFor = nil, 0
	for _, s := range held {
		if err := d.sink.Write(s); err != nil {
			return err
		}
	}
	return nil
}

// emit writes s, or holds it during the analysis window.
func (d *Demuxer) emit(s media.Sample) error {
	if d.started {
		live := &d.video.live
		if s.Track == media.AudioTrackID {
			live = &d.audio.live
		}
		if !*live {
			*live = true
			if err := d.announce(); err != nil {
				return err
			}
		}
		return d.sink.Write(s)
	}
	d.sampled(s.Track)
	const overhead = 256 // of a Sample in held and its allocations, rounded up
	d.held = append(d.held, s)
	d.heldFor += overhead + s.Size() + 32*len(s.Payload)

	window := d.cfg.AnalysisWindow
	switch {
	case d.video.sampled && d.audio.sampled:
		return d.start()
	case d.video.seen && d.audio.seen:
		// Frames of one kind come and cannot be used. It will be, or be refused:
		// until then the class must not begin.
		window += max(d.cfg.HeaderTimeout, d.cfg.KeyframeTimeout)
	}
	if d.heldFor < d.cfg.AnalysisBytes && (s.DTS-d.first).Abs() < window {
		return nil
	}
	return d.start()
}

// sampled notes that a track has had a sample.
func (d *Demuxer) sampled(id media.TrackID) {
	if id == media.VideoTrackID {
		d.video.sampled = true
	} else {
		d.audio.sampled = true
	}
}
