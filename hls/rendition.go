package hls

import (
	"bytes"
	"fmt"
	"math"
	"time"

	"github.com/lectern/lectern/hls/internal/cmaf"
	"github.com/lectern/lectern/hls/playlist"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/storage/segment"
)

const (
	// silence is how far a track may fall behind, on the media clock or in real
	// time, before its latest sample is published without knowing its duration.
	silence = time.Second
	// slack is the largest hole in a track's decode times that is closed by
	// moving a decode time; presentation times never move.
	slack = 100 * time.Millisecond
	// startSlack is how far from its segment's start the first sample of a
	// rendition may be and still count as there.
	startSlack = 200 * time.Millisecond
	// fullPart is the least duration of a part, in hundredths of PART-TARGET
	// (RFC 8216bis §4.4.4.9).
	fullPart = 85
)

// sample is an access unit on its way into a part.
type sample struct {
	pts          time.Duration
	decode       int64     // ticks
	composition  int64     // ticks, PTS - decode
	capturedAt   time.Time // zero if not known
	randomAccess bool
	payload      [][]byte
}

// rendition turns one track into the parts and segments of one media playlist.
// It belongs to the packager's goroutine.
type rendition struct {
	// Set when the rendition is made, then read-only.
	name  string
	kind  media.Kind
	pack  *Packager
	track media.Track // of the current publication, or the last one that had it

	declared  bool          // the current publication has the track
	described bool          // its parameters are known
	waiting   bool          // only a random access point may come next
	joined    bool          // decoding starts with the latest random access point
	started   bool          // the rendition has had media: it has a playlist
	frame     time.Duration // latest regular duration of an access unit
	init      segment.Init  // in force
	shown     segment.Init  // of the latest segment that can be played
	formats   map[int]segment.Init
	inits     int            // how many there are
	mapLines  map[int][]byte // EXT-X-MAP by Init id
	quiet     [][]byte       // an access unit of silence, nil if none is known

	// Of an encoded rendition.
	floor     time.Duration // what is presented before it is settled
	broken    bool          // the open segment cannot become whole
	shed      bool          // not made at present
	withdrawn bool          // not offered: shed, or not whole again since

	held   *sample // newest access unit, its duration not known yet
	store  sample  // what held points to
	cursor int64   // decode time at which the next sample is due, ticks; -1 after a discontinuity

	part       []cmaf.Sample // of the part that is being filled
	partStart  int64         // its first decode time
	partTicks  int64         // its duration so far
	partEnd    time.Time     // wall clock at its end
	partSync   bool          // it has a random access point
	mediaEnd   time.Duration // presentation end of all settled samples
	stands     time.Duration // for how long of that the last one stands for what is missing
	any        bool          // the run has had samples
	lastPTS    time.Duration // highest of the run
	lastDTS    int64         // latest of the run
	firstPTS   time.Duration // where the open segment's samples begin
	hasSamples bool          // the open segment has samples, settled or not
	samples    int           // of the open segment, settled
	iFrame     int64         // where the open segment's first picture ends, if it is a random access point
	carried    captionSet    // in the open segment

	list     list // what is published
	rate     rateMeter
	iFrames  rateMeter  // of the first pictures
	fps      float64    // highest measured frame rate
	stated   float64    // highest that an encoder has stated
	captions captionSet // ever seen

	dirty   bool          // list has changed since the last publication
	changed chan struct{} // closed when the next change is published
	texts   textCache

	listsDue   bool           // the lists that change with whole segments have changed
	iFrameText *Document      // the I-frame playlist, of video only
	dvr        *playlist.Long // nil without
	recording  *playlist.Long // nil before the class has ended
}

func newRendition(p *Packager, name string, kind media.Kind, msn int) *rendition {
	return &rendition{
		name: name, kind: kind, pack: p, cursor: -1, floor: -1,
		list:     list{epoch: p.epoch, open: openSegment{msn: msn}},
		mapLines: make(map[int][]byte),
		formats:  make(map[int]segment.Init),
		changed:  make(chan struct{}),
	}
}

// announce takes over an encoded track of a new publication whose parameters are
// to come.
func (r *rendition) announce(t media.Track) {
	if t.Timescale == 0 {
		t.Timescale = media.TimescaleVideo
	}
	r.track, r.frame, r.quiet, r.described = t, nominalFrame(t), nil, false
}

// configure takes over the track of a new publication, or the parameters of an
// announced one.
func (r *rendition) configure(t media.Track) error {
	data, err := cmaf.Init(t)
	if err != nil {
		return fmt.Errorf("describe rendition %q: %w", r.name, err)
	}
	codecs, err := cmaf.Codecs(t)
	if err != nil {
		return fmt.Errorf("describe rendition %q: %w", r.name, err)
	}
	r.track, r.described = t, true
	r.frame, r.quiet = nominalFrame(t), quietFrame(t)
	if r.inits > 0 && bytes.Equal(data, r.init.Data) {
		r.init.Encoded, r.init.MaxBitRate = t.Encoded, t.MaxBitRate
		return nil // the same format: the same section goes on
	}
	width, height := cmaf.DisplaySize(t.Video)
	in := segment.Init{
		ID: r.inits, Data: data, Codecs: codecs,
		Width: width, Height: height, FrameRate: t.Video.FrameRate, Channels: t.Audio.Channels,
		Encoded: t.Encoded, MaxBitRate: t.MaxBitRate, Epoch: r.pack.epoch,
	}
	if err := r.pack.log.PutInit(r.name, in); err != nil {
		return fmt.Errorf("store init %d of rendition %q: %w", in.ID, r.name, err)
	}
	r.take(in)
	r.inits++
	r.dirty = true // the playlist names it as a hint
	return nil
}

// take makes in the Init in force.
func (r *rendition) take(in segment.Init) {
	r.init, r.formats[in.ID] = in, in
	if in.Encoded {
		r.stated = max(r.stated, in.FrameRate)
	}
	r.mapLines[in.ID] = playlist.AppendMap(nil, in.Epoch, in.ID)
	r.list.nextInit, r.list.nextEpoch = in.ID, in.Epoch
}

// nominalFrame is the duration of an access unit as far as the format tells.
func nominalFrame(t media.Track) time.Duration {
	switch {
	case t.Codec.Kind() == media.KindAudio && t.Audio.FrameSamples > 0:
		return t.Timescale.Duration(int64(t.Audio.FrameSamples))
	case t.Codec.Kind() == media.KindAudio:
		return t.Timescale.Duration(1024)
	case t.Video.FrameRate >= 1 && t.Video.FrameRate <= 1000:
		return time.Duration(float64(time.Second) / t.Video.FrameRate)
	default:
		return time.Second / 30
	}
}

// push takes the next access unit into the open segment. The caller has settled
// and finished whatever ends before it.
func (r *rendition) push(au *media.AccessUnit, payload [][]byte, pts time.Duration) error {
	ts := r.track.Timescale
	if r.held != nil {
		if err := r.settle(au.DTS); err != nil {
			return err
		}
		if err := r.closeFullPart(); err != nil {
			return err
		}
	}
	if err := r.fillBefore(r.pack.spans.get(r.list.open.msn), au.DTS); err != nil {
		return err
	}
	decode := au.DTS
	if hole := ts.Duration(au.DTS - r.cursor); r.cursor >= 0 && hole <= slack {
		decode = r.cursor
	} else if len(r.part) > 0 {
		// One fragment has one decode time: what follows a hole needs its own.
		if err := r.closePart(false); err != nil {
			return err
		}
	}
	if !r.hasSamples {
		r.hasSamples = true
		r.firstPTS = pts
		if r.list.open.fresh { // nothing before it to be continued
			r.mediaEnd = pts
		}
	}
	r.firstPTS = min(r.firstPTS, pts)
	r.started, r.stands = true, 0
	r.lastDTS = au.DTS
	if !r.any || pts > r.lastPTS {
		r.lastPTS = pts
	}
	r.any = true
	if r.kind == media.KindVideo {
		found := findCaptions(payload, r.track.Codec)
		r.carried |= found
		r.see(found)
	}
	r.store = sample{
		pts: pts, decode: decode, composition: au.PTS - decode,
		capturedAt: au.CapturedAt, randomAccess: au.RandomAccess, payload: payload,
	}
	r.held = &r.store
	return nil
}

// settle puts the held sample into the part, given the decode time of the next.
func (r *rendition) settle(next int64) error {
	ticks := next - r.held.decode
	ts := r.track.Timescale
	switch d := ts.Duration(ticks); {
	case d > silence, r.quiet != nil && d > slack+r.frame: // a hole, not a picture that stands
		ticks = ts.Ticks(r.frame)
	case ticks < 1:
		ticks = 1
	default:
		r.frame = min(d, 2*r.frame) // one late picture does not make a slow stream
	}
	return r.add(max(ticks, 1))
}

// settleAlone puts the held sample into the part with the duration of the one
// before it, since no next one is in sight, and closes the part.
func (r *rendition) settleAlone(last bool) error {
	if r.held != nil {
		if err := r.add(max(r.track.Timescale.Ticks(r.frame), 1)); err != nil {
			return err
		}
	}
	return r.closePart(last)
}

func (r *rendition) add(ticks int64) error {
	h := r.held
	ts := r.track.Timescale
	if len(r.part) > 0 {
		ticks -= r.fillPart(ticks)
		over := ts.Duration(r.partTicks+ticks) > r.pack.cfg.PartDuration
		key := r.kind == media.KindVideo && h.randomAccess && r.partIsFull()
		if over || key {
			if err := r.closePart(false); err != nil {
				return err
			}
		}
	}
	if len(r.part) == 0 {
		r.partStart, r.partTicks = h.decode, 0
		r.partSync = r.kind == media.KindAudio
	}
	r.partSync = r.partSync || h.randomAccess
	r.part = append(r.part, cmaf.Sample{
		Duration:          uint32(min(ticks, math.MaxUint32)),
		CompositionOffset: int32(min(max(h.composition, math.MinInt32), math.MaxInt32)),
		Sync:              h.randomAccess,
		Payload:           h.payload,
	})
	r.partTicks += ticks
	r.cursor = h.decode + ticks
	r.mediaEnd = max(r.mediaEnd, h.pts+ts.Duration(ticks))
	r.partEnd = time.Time{}
	if !h.capturedAt.IsZero() {
		r.partEnd = h.capturedAt.Add(ts.Duration(ticks))
	}
	r.samples++
	r.held = nil
	r.store = sample{}
	return nil
}

// fillPart makes a part legal that is too short, and would be too long with the held
// picture, which stands for ticks: where a publisher or an encoder has left some
// out. The held picture is decoded later by what the part lacks, and presented when
// it was to be. It returns by how many ticks.
func (r *rendition) fillPart(ticks int64) int64 {
	ts, target := r.track.Timescale, r.pack.cfg.PartDuration
	if r.kind != media.KindVideo || r.held.randomAccess || r.partIsFull() || ts.Duration(r.partTicks+ticks) <= target {
		return 0
	}
	lack := (ts.Ticks(target*fullPart)+99)/100 - r.partTicks
	if lack <= 0 || lack >= ticks || ts.Duration(r.partTicks+lack) > target {
		return 0
	}
	last := &r.part[len(r.part)-1]
	last.Duration += uint32(lack)
	r.partTicks += lack
	r.held.decode += lack
	r.held.composition -= lack
	return lack
}

func (r *rendition) partIsFull() bool {
	return r.track.Timescale.Duration(r.partTicks)*100 >= r.pack.cfg.PartDuration*fullPart
}

// closeFullPart closes the part when one more sample like the last would exceed
// PART-TARGET: waiting for that sample's duration would only add delay.
func (r *rendition) closeFullPart() error {
	if len(r.part) == 0 || !r.partIsFull() {
		return nil
	}
	last := int64(r.part[len(r.part)-1].Duration)
	if r.track.Timescale.Duration(r.partTicks+last) <= r.pack.cfg.PartDuration {
		return nil
	}
	return r.closePart(false)
}

// closePart stores the part and lists it. last tells that its segment ends here.
func (r *rendition) closePart(last bool) error {
	if len(r.part) == 0 {
		return nil
	}
	open := &r.list.open
	sp := r.pack.spans.get(open.msn)
	r.openHead(sp)
	if len(open.parts) == 0 {
		if err := r.begin(sp); err != nil {
			return err
		}
	}
	d := r.track.Timescale.Duration(r.partTicks)
	part := segment.Part{Index: len(open.parts), Duration: playlist.Stated(d), Independent: r.partSync}
	// Rises over segments, parts and restarts (ISO/IEC 14496-12 §8.8.5.1).
	sequence := uint32(open.msn)<<10 + uint32(part.Index) + 1
	part.Data = cmaf.Fragment(r.kind, sequence, uint64(max(r.partStart, 0)), r.part)
	if err := r.pack.log.AppendPart(r.name, open.msn, part); err != nil {
		return fmt.Errorf("store part %d of segment %d of rendition %q: %w", part.Index, open.msn, r.name, err)
	}
	if part.Index == 0 && r.kind == media.KindVideo && r.part[0].Sync {
		r.iFrame = int64(cmaf.FirstSampleEnd(r.kind, r.part))
	}
	r.observePart(d, len(part.Data), last)
	open.bytes += int64(len(part.Data))
	part.Data = nil
	open.addPart(r.list.epoch, part)
	clear(r.part) // lets go of the payloads
	r.part = r.part[:0]
	r.partTicks = 0
	r.dirty = true
	return nil
}

// begin tells the Log what the open segment is, before its first part.
func (r *rendition) begin(sp *span) error {
	h := segment.Head{
		MSN: sp.msn, InitID: r.list.open.head.InitID,
		Discontinuity: sp.discontinuity, DiscontinuitySequence: sp.sequence,
		ProgramDateTime: r.list.open.head.Date, MediaTime: r.firstPTS,
	}
	if err := r.pack.log.BeginSegment(r.name, h); err != nil {
		return fmt.Errorf("begin segment %d of rendition %q: %w", sp.msn, r.name, err)
	}
	return nil
}

func (r *rendition) observePart(d time.Duration, size int, last bool) {
	m := r.pack.metrics
	m.parts.WithLabelValues(r.kind.String()).Inc()
	m.bytes.WithLabelValues(r.kind.String()).Add(float64(size))
	if !r.partEnd.IsZero() {
		m.delay.Observe(r.pack.now().Sub(r.partEnd).Seconds())
	}
	if d > r.pack.cfg.PartDuration {
		m.irregularParts.WithLabelValues(partLong).Inc()
	}
	excused := last || r.kind == media.KindVideo && r.partSync
	if d*100 < r.pack.cfg.PartDuration*fullPart && !excused {
		m.irregularParts.WithLabelValues(partShort).Inc()
	}
}
