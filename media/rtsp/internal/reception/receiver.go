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
	"github.com/lectern/lectern/media/rtsp/internal/rtpclock"
)

// parameterSetWait is how long a publisher may take to send the parameter sets
// that its session description lacks.
const parameterSetWait = 5 * time.Second

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
	audio    *soundTrack
	packetsA *depacketizer
	tracks   []media.Track // announced to pub; nil before
	failed   bool
	lastUnit time.Time // arrival of the last access unit
	waiting  waiting
	pictures uint64 // written, or held
	seen     uint64 // pictures received
	heard    uint64 // packets of sound, or groups of them, readable or not
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
		in.clock.Expect(s.Track.ID, s.rate)
		if s.Track.ID == media.VideoTrackID {
			in.video, in.packetsV = newVideoTrack(s), d
		} else {
			in.audio, in.packetsA = newSoundTrack(s), d
		}
	}
	if in.pending() {
		return in, nil
	}
	return in, in.announce()
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
		switch {
		case id == media.AudioTrackID && err != nil:
			in.heard++
		case id == media.VideoTrackID && (missing > 0 || err != nil):
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
		return in.shown(u, ticks, arrival)
	})
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
	case in.audio != nil && !in.audio.known && in.heard > 0 && now.Sub(in.opened) > parameterSetWait:
		// Packets come and none can be read: nobody should teach without sound
		// unawares.
		if in.video != nil && in.plan.ignoreAudio {
			in.audio = nil
			return nil
		}
		return refuseConfig(in.audio.track.Codec)
	case in.video != nil && in.tracks == nil && now.Sub(in.opened) > parameterSetWait:
		return &media.RefusalError{
			Code: "parameter_sets",
			Text: "The stream sent no keyframe with its parameter sets for 5 seconds. Set the keyframe interval to 2 s.",
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
