package reception

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest"
	"github.com/lectern/lectern/media/internal/paramset"
	"github.com/lectern/lectern/media/rtsp/internal/rtpclock"
)

// parameterSetWait is how long a publisher may take to send the parameter sets
// that its session description lacks.
const parameterSetWait = 5 * time.Second

// Sound that comes before the first picture waits for it: if that is no keyframe,
// the sound is of no use either. It waits for pictureWait at most, and at most
// earlyMax packets do.
const (
	pictureWait = 2 * time.Second
	earlyMax    = 256
)

// Deps are the parts a [Receiver] works with. All are required.
type Deps struct {
	// MediaTimeout is how long no media may come before Check fails.
	MediaTimeout time.Duration

	// Stop is told the first error, after which packets are ignored. It must not
	// block.
	Stop func(error)

	Metrics *Metrics
	Logger  *slog.Logger
}

// Source is what packets come from: *gortsplib.ServerSession, or
// *gortsplib.Client.
type Source interface {
	OnPacketRTP(m *description.Media, f format.Format, cb gortsplib.OnPacketRTPFunc)
	OnPacketRTCP(m *description.Media, cb gortsplib.OnPacketRTCPFunc)
}

// Receiver turns the RTP and RTCP packets of one publisher into samples of one
// publication. Its methods may be called from any goroutine, and are by the
// library: one for TCP, several for UDP. The lock is held while a sample is
// written, which never blocks.
type Receiver struct {
	// Set by New, then read-only.
	plan   Plan
	pub    ingest.Publication
	deps   Deps
	opened time.Time

	mu       sync.Mutex // guards the fields below
	clock    rtpclock.Clock
	video    *videoTrack
	packetsV *depacketizer
	audio    media.Track
	packetsA *depacketizer
	tracks   []media.Track // announced to pub; nil before
	failed   bool
	lastUnit time.Time // arrival of the last access unit
	early    []early   // sound that waits for the first picture
	pictures uint64    // written
	seen     uint64    // pictures received
}

// early is sound that waits for the first picture.
type early struct {
	unit
	ticks int64
}

// New prepares for plan and announces its tracks to pub when they are complete.
// now is the arrival time from which timeouts count.
func New(plan Plan, pub ingest.Publication, deps Deps, now time.Time) (*Receiver, error) {
	in := &Receiver{plan: plan, pub: pub, deps: deps, opened: now, lastUnit: now}
	for _, s := range plan.Streams {
		d, err := newDepacketizer(s.Format)
		if err != nil {
			return nil, err
		}
		in.clock.Expect(s.Track.ID, s.Track.Timescale)
		if s.Track.ID == media.VideoTrackID {
			in.video, in.packetsV = newVideoTrack(s), d
		} else {
			in.audio, in.packetsA = s.Track, d
		}
	}
	if tracks, ok := plan.tracks(); ok {
		if err := in.announce(tracks); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// Attach subscribes to the packets of the plan's streams. Call it once, before
// packets come.
func (in *Receiver) Attach(src Source) {
	for _, s := range in.plan.Streams {
		id := s.Track.ID
		src.OnPacketRTP(s.Media, s.Format, func(pkt *rtp.Packet) { in.packet(id, pkt, time.Now()) })
		src.OnPacketRTCP(s.Media, func(pkt rtcp.Packet) { in.control(id, pkt) })
	}
}

func (in *Receiver) announce(tracks []media.Track) error {
	if err := in.pub.SetTracks(tracks); err != nil {
		return fmt.Errorf("set tracks: %w", err)
	}
	in.tracks = tracks
	return nil
}

// packet takes an RTP packet of track id. The library gives each packet memory
// of its own.
func (in *Receiver) packet(id media.TrackID, pkt *rtp.Packet, arrival time.Time) {
	in.guard(func() error {
		d := in.packetsV
		if id == media.AudioTrackID {
			d = in.packetsA
		}
		u, missing, err := d.push(pkt)
		if missing > 0 {
			in.deps.Metrics.packetsLost.Add(float64(missing))
		}
		if err != nil {
			in.deps.Metrics.PacketsUnreadable.Inc()
		}
		if (missing > 0 || err != nil) && id == media.VideoTrackID {
			in.video.lost()
		}
		if len(u.payload) == 0 {
			return nil
		}
		in.lastUnit = arrival
		ticks, rebased := in.clock.Stamp(id, u.raw, arrival)
		if rebased {
			in.deps.Metrics.clockRebases.Inc()
		}
		if id == media.AudioTrackID {
			return in.sound(u, ticks, arrival)
		}
		return in.shown(u, ticks)
	})
}

// shown writes one picture.
func (in *Receiver) shown(u unit, ticks int64) error {
	in.seen++
	c, drop, malformed, err := in.video.sift(u.payload)
	in.deps.Metrics.setsMalformed.Add(float64(malformed))
	if err != nil {
		return err
	}
	if drop != dropNone {
		in.deps.Metrics.dropped.WithLabelValues(string(drop)).Inc()
		in.dropEarly()
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
	if err := in.writeEarly(); err != nil {
		return err
	}
	dts, pts, fellBack := in.video.stamps(c, ticks)
	if fellBack {
		in.deps.Metrics.dtsFallbacks.Inc()
	}
	in.pictures++
	return in.write(media.Sample{
		Track: media.VideoTrackID, DTS: in.clock.At(media.VideoTrackID, dts), PTS: in.clock.At(media.VideoTrackID, pts),
		RandomAccess: c.randomAccess, Payload: paramset.Clone(c.units),
	}, media.KindVideo)
}

// sound takes the audio frames of one packet.
func (in *Receiver) sound(u unit, ticks int64, arrival time.Time) error {
	// Pictures come but none to start at: the publication may yet be refused, and
	// a class must not begin with its sound.
	if in.tracks == nil || in.seen > 0 && in.pictures == 0 {
		in.dropSound(u)
		return nil
	}
	if in.video != nil && in.seen == 0 && arrival.Sub(in.opened) < pictureWait && len(in.early) < earlyMax {
		in.early = append(in.early, early{u, ticks})
		return nil
	}
	if err := in.writeEarly(); err != nil {
		return err
	}
	return in.writeSound(u, ticks)
}

func (in *Receiver) dropSound(u unit) {
	in.deps.Metrics.dropped.WithLabelValues(string(dropNoTracks)).Add(float64(len(u.payload)))
}

// dropEarly gives up the sound that waited: the first picture is no keyframe.
func (in *Receiver) dropEarly() {
	for _, e := range in.early {
		in.dropSound(e.unit)
	}
	in.early = nil
}

// writeEarly writes the sound that waited.
func (in *Receiver) writeEarly() error {
	waited := in.early
	in.early = nil
	for _, e := range waited {
		if err := in.writeSound(e.unit, e.ticks); err != nil {
			return err
		}
	}
	return nil
}

// writeSound writes the audio frames of one packet.
func (in *Receiver) writeSound(u unit, ticks int64) error {
	for i, frame := range u.payload {
		if len(frame) == 0 {
			continue
		}
		at := in.clock.At(media.AudioTrackID, ticks+int64(i*in.audio.Audio.FrameSamples))
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

func (in *Receiver) write(s media.Sample, kind media.Kind) error {
	size := s.Size()
	if err := in.pub.Write(s); err != nil {
		return fmt.Errorf("write sample: %w", err)
	}
	in.clock.Emitted(s.Track)
	in.deps.Metrics.accessUnits.WithLabelValues(kind.String()).Inc()
	in.deps.Metrics.bytes.WithLabelValues(kind.String()).Add(float64(size))
	return nil
}

// control takes an RTCP packet that belongs to track id.
func (in *Receiver) control(id media.TrackID, pkt rtcp.Packet) {
	report, ok := pkt.(*rtcp.SenderReport)
	if !ok {
		return
	}
	in.guard(func() error {
		outcome := in.clock.Report(id, report.NTPTime, report.RTPTime)
		in.deps.Metrics.senderReports.WithLabelValues(string(outcome)).Inc()
		return nil
	})
}

// Check returns why the publication cannot go on at time now, or nil. Call it
// at least once a second.
func (in *Receiver) Check(now time.Time) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case now.Sub(in.lastUnit) > in.deps.MediaTimeout:
		return ErrNoMedia
	case in.tracks == nil && now.Sub(in.opened) > parameterSetWait:
		return &media.RefusalError{
			Code: "parameter_sets",
			Text: "The video sent no keyframe with its parameter sets (SPS and PPS) for 5 seconds. Set the keyframe interval to 2 s.",
		}
	case in.seen > 0 && in.pictures == 0 && now.Sub(in.opened) > in.deps.MediaTimeout:
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
func (in *Receiver) guard(f func() error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.failed {
		return
	}
	defer func() {
		if r := recover(); r != nil {
			in.deps.Metrics.Panics.Inc()
			in.deps.Logger.Error("panic in rtsp callback", "err", fmt.Sprint(r), "stack", string(debug.Stack()))
			in.failed = true
			in.deps.Stop(errPanic)
		}
	}()
	if err := f(); err != nil {
		in.failed = true
		in.deps.Stop(err)
	}
}
