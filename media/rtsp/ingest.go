package rtsp

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
	"github.com/lectern/lectern/media/stream"
)

// parameterSetWait is how long a publisher may take to send the parameter sets
// that its session description lacks.
const parameterSetWait = 5 * time.Second

// ingest turns the RTP and RTCP packets of one publisher into samples of one
// publication. Its methods may be called from any goroutine, and are by the
// library: one for TCP, several for UDP. The lock is held while a sample is
// written, which never blocks.
type ingest struct {
	// Set by newIngest, read-only.
	pub          Publication
	metrics      *Metrics
	logger       *slog.Logger
	stop         func(error) // told the first error; must not block
	mediaTimeout time.Duration
	opened       time.Time

	mu       sync.Mutex // guards the fields below
	clock    clock
	video    *videoTrack
	packetsV *depacketizer
	audio    media.Track
	packetsA *depacketizer
	tracks   []media.Track // announced to pub; nil before
	failed   bool
	lastUnit time.Time // arrival of the last access unit
	pictures uint64    // written
	seen     uint64    // pictures received
}

// newIngest prepares for p, which must be the result of mapDescription, and
// announces the tracks to pub when they are complete. now is the arrival time
// from which timeouts count.
func newIngest(p plan, pub Publication, mediaTimeout time.Duration, metrics *Metrics, logger *slog.Logger, now time.Time, stop func(error)) (*ingest, error) {
	in := &ingest{
		pub: pub, metrics: metrics, logger: logger, stop: stop,
		mediaTimeout: mediaTimeout, opened: now, lastUnit: now,
	}
	for _, s := range p.streams {
		d, err := newDepacketizer(s.format)
		if err != nil {
			return nil, err
		}
		in.clock.expect(s.track.ID, s.track.Timescale)
		if s.track.ID == media.VideoTrackID {
			in.video, in.packetsV = newVideoTrack(s), d
		} else {
			in.audio, in.packetsA = s.track, d
		}
	}
	if tracks, ok := p.tracks(); ok {
		if err := in.announce(tracks); err != nil {
			return nil, err
		}
	}
	return in, nil
}

func (in *ingest) announce(tracks []media.Track) error {
	if err := in.pub.SetTracks(tracks); err != nil {
		return fmt.Errorf("set tracks: %w", err)
	}
	in.tracks = tracks
	return nil
}

// packet takes an RTP packet of track id. The library gives each packet memory
// of its own.
func (in *ingest) packet(id media.TrackID, pkt *rtp.Packet, arrival time.Time) {
	in.guard(func() error {
		d := in.packetsV
		if id == media.AudioTrackID {
			d = in.packetsA
		}
		u, missing, err := d.push(pkt)
		if missing > 0 {
			in.metrics.packetsLost.Add(float64(missing))
		}
		if err != nil {
			in.metrics.packetsUnreadable.Inc()
		}
		if (missing > 0 || err != nil) && id == media.VideoTrackID {
			in.video.lost()
		}
		if len(u.payload) == 0 {
			return nil
		}
		in.lastUnit = arrival
		ticks, rebased := in.clock.stamp(id, u.raw, arrival)
		if rebased {
			in.metrics.clockRebases.Inc()
		}
		if id == media.AudioTrackID {
			return in.sound(u, ticks)
		}
		return in.shown(u, ticks)
	})
}

// shown writes one picture.
func (in *ingest) shown(u unit, ticks int64) error {
	in.seen++
	c, drop, malformed, err := in.video.sift(u.payload)
	in.metrics.setsMalformed.Add(float64(malformed))
	if err != nil {
		return err
	}
	if drop != dropNone {
		in.metrics.dropped.WithLabelValues(string(drop)).Inc()
		return nil
	}
	if c.newTrack || in.tracks == nil {
		tracks := []media.Track{in.video.track}
		if in.packetsA != nil {
			tracks = append(tracks, in.audio)
		}
		if err := in.announce(tracks); err != nil {
			return err
		}
	}
	dts, pts, fellBack := in.video.stamps(c, ticks)
	if fellBack {
		in.metrics.dtsFallbacks.Inc()
	}
	in.pictures++
	return in.write(media.Sample{
		Track: media.VideoTrackID, DTS: in.clock.at(media.VideoTrackID, dts), PTS: in.clock.at(media.VideoTrackID, pts),
		RandomAccess: c.randomAccess, Payload: paramset.Clone(c.units),
	}, media.KindVideo)
}

// sound writes the audio frames of one packet.
func (in *ingest) sound(u unit, ticks int64) error {
	if in.tracks == nil {
		in.metrics.dropped.WithLabelValues(string(dropNoTracks)).Add(float64(len(u.payload)))
		return nil
	}
	for i, frame := range u.payload {
		if len(frame) == 0 {
			continue
		}
		at := in.clock.at(media.AudioTrackID, ticks+int64(i*in.audio.Audio.FrameSamples))
		err := in.write(media.Sample{
			Track: media.AudioTrackID, DTS: at, PTS: at, RandomAccess: true,
			Payload: paramset.Clone([][]byte{frame}),
		}, media.KindAudio)
		if err != nil {
			return err
		}
	}
	return nil
}

func (in *ingest) write(s media.Sample, kind media.Kind) error {
	size := s.Size()
	if err := in.pub.Write(s); err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	in.clock.emitted(s.Track)
	in.metrics.accessUnits.WithLabelValues(kind.String()).Inc()
	in.metrics.bytes.WithLabelValues(kind.String()).Add(float64(size))
	return nil
}

// control takes an RTCP packet that belongs to track id.
func (in *ingest) control(id media.TrackID, pkt rtcp.Packet) {
	report, ok := pkt.(*rtcp.SenderReport)
	if !ok {
		return
	}
	in.guard(func() error {
		outcome := in.clock.report(id, report.NTPTime, report.RTPTime)
		in.metrics.senderReports.WithLabelValues(string(outcome)).Inc()
		return nil
	})
}

// check returns why the publication cannot go on at time now, or nil. It is
// called about once a second.
func (in *ingest) check(now time.Time) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case now.Sub(in.lastUnit) > in.mediaTimeout:
		return errNoMedia
	case in.tracks == nil && now.Sub(in.opened) > parameterSetWait:
		return &media.RefusalError{
			Code: "parameter_sets",
			Text: "The video sent no keyframe with its parameter sets (SPS and PPS) for 5 seconds. Set the keyframe interval to 2 s.",
		}
	case in.seen > 0 && in.pictures == 0 && now.Sub(in.opened) > in.mediaTimeout:
		return &media.RefusalError{
			Code: "keyframe_interval",
			Text: "The video sent no keyframe. Set the keyframe interval to 2 s.",
		}
	default:
		return nil
	}
}

// guard runs f under the lock, ends the publication on its error, and keeps a
// panic from ending the process: the library has no recover of its own.
func (in *ingest) guard(f func() error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.failed {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			in.metrics.panics.Inc()
			in.logger.Error("panic in rtsp callback", "err", fmt.Sprint(r), "stack", string(debug.Stack()))
			in.failed = true
			in.stop(errPanic)
		}
	}()
	if err := f(); err != nil {
		in.failed = true
		in.stop(err)
	}
}

// closeReason tells how a publication ends that failed with err.
func closeReason(err error) stream.CloseReason {
	var refusal *media.RefusalError
	switch {
	case err == nil:
		return stream.CloseClean
	case errors.As(err, &refusal):
		return stream.CloseRefused
	case errors.Is(err, errNoMedia):
		return stream.CloseSilent
	case errors.Is(err, errStopping):
		return stream.CloseShutdown
	default:
		return stream.CloseDropped
	}
}
