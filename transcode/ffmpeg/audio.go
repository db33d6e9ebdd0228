package ffmpeg

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

const (
	// audioMaxPTS bounds the timestamps that are taken, in ticks: ages, and far
	// from where arithmetic ends.
	audioMaxPTS = 1 << 45

	// audioMaxSilence is the most silence that is made at once. A longer hole, which
	// package timeline lets through in no run, stays a hole.
	audioMaxSilence = 60 * audioRate
)

// audioPath decodes the publisher's sound once and makes the renditions of sound
// from it, and measures it. All methods but stats belong to one goroutine.
//
// Access units of all renditions begin at multiples of audioFrame on the class's
// clock and follow each other without a gap: where sound is missing silence is
// made. The first is the one at the first such multiple from Spec.Start on.
type audioPath struct {
	// Set by newAudioPath, then read-only.
	objects   *objects
	timescale media.Timescale
	start     int64 // Spec.Start, in sampling times at audioRate
	encoders  []*audioEncoder
	level     *audioLevel // nil if loudness is not asked for

	decoder   *codec
	packet    *packet
	frame     *frame
	resampler *resampler // nil until there is sound, and after a break

	clock     audioClock
	heard     int64     // end of the latest sound by its timestamps
	lost      bool      // something broken came after it
	pending   []float32 // interleaved stereo up to clock.next, less than a frame
	pendingAt int64     // where it begins, a multiple of audioFrame

	decodeErrors atomic.Int64
	silence      atomic.Int64
	skipped      atomic.Int64
}

// audioStats are counters of an audioPath.
type audioStats struct {
	DecodeErrors int // access units that the decoder could not use

	// Silence is how much silence was made, Skipped how much sound was left out
	// because there was something in its place already.
	Silence, Skipped time.Duration
}

// newAudioPath opens the decoder of spec's sound and an encoder for each of its
// renditions. It returns an error that wraps transcode.ErrSpec if one of them
// cannot be.
func newAudioPath(objects *objects, spec transcode.Spec, out transcode.Output) (_ *audioPath, err error) {
	track, ok := media.Find(spec.Tracks, media.KindAudio)
	if !ok {
		return nil, fmt.Errorf("%w: there is no sound", transcode.ErrSpec)
	}
	if track.Timescale == 0 || spec.Start < 0 {
		return nil, fmt.Errorf("%w: sound with timescale %d from %s on", transcode.ErrSpec, track.Timescale, spec.Start)
	}
	p := &audioPath{
		objects:   objects,
		timescale: track.Timescale,
		start:     media.Timescale(audioRate).Ticks(spec.Start),
	}
	p.heard = p.start
	p.pendingAt = (p.start + audioFrame - 1) / audioFrame * audioFrame
	p.clock.next = p.pendingAt
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.decoder, err = newAudioDecoder(objects, track); err != nil {
		return nil, err
	}
	if p.packet, err = newPacket(objects); err != nil {
		return nil, err
	}
	if p.frame, err = newFrame(objects); err != nil {
		return nil, err
	}
	for _, rung := range spec.Audio {
		e, openErr := newAudioEncoder(objects, rung, p.clock.next, out)
		if openErr != nil {
			return nil, openErr
		}
		p.encoders = append(p.encoders, e)
	}
	if spec.Loudness {
		p.level = newAudioLevel(p.start, out)
	}
	return p, nil
}

// tracks describes the renditions, in the order of Spec.Audio.
func (p *audioPath) tracks() []media.Track {
	tracks := make([]media.Track, 0, len(p.encoders))
	for _, e := range p.encoders {
		tracks = append(tracks, e.track)
	}
	return tracks
}

// write takes the publisher's next access unit of sound. A broken one is counted;
// an error ends the run.
func (p *audioPath) write(au *media.AccessUnit) error {
	if au.PTS < 0 || au.PTS > audioMaxPTS {
		p.broken()
		return nil
	}
	if err := p.packet.fill(au.PTS, au.DTS, au.Payload...); err != nil {
		return err
	}
	return p.decode(p.packet.raw)
}

// advance tells that pictures have come to a time on the class's clock. Where
// sound has stayed away for longer than audioAbsence, silence takes its place.
func (p *audioPath) advance(pts time.Duration) error {
	at := media.Timescale(audioRate).Ticks(pts)
	if p.level != nil && at-p.level.end > audioAbsence {
		p.level.quiet(at - audioAbsence)
	}
	if len(p.encoders) == 0 {
		return nil
	}
	if p.clock.absent(at, p.delay()) == 0 {
		return nil
	}
	if err := p.endSound(); err != nil {
		return err
	}
	// Sound that comes all the same is placed anew.
	p.clock.synced, p.clock.skip = false, 0
	return p.addSilence(p.clock.absent(at, 0))
}

// drain gives out all that is buffered, filling the last access unit up with
// silence. Nothing can be written afterwards.
func (p *audioPath) drain() error {
	if err := p.decode(nil); err != nil {
		return err
	}
	if err := p.endSound(); err != nil {
		return err
	}
	if n := len(p.pending) / 2; n > 0 {
		if err := p.addSilence(int64(audioFrame - n)); err != nil {
			return err
		}
	}
	for _, e := range p.encoders {
		if err := e.flush(); err != nil {
			return err
		}
	}
	return nil
}

// close frees everything. It may be called again.
func (p *audioPath) close() {
	for _, e := range p.encoders {
		e.close()
	}
	if p.resampler != nil {
		p.resampler.release()
	}
	if p.frame != nil {
		p.frame.release()
	}
	if p.packet != nil {
		p.packet.release()
	}
	if p.decoder != nil {
		p.decoder.release()
	}
}

// stats may be called from any goroutine.
func (p *audioPath) stats() audioStats {
	return audioStats{
		DecodeErrors: int(p.decodeErrors.Load()),
		Silence:      media.Timescale(audioRate).Duration(p.silence.Load()),
		Skipped:      media.Timescale(audioRate).Duration(p.skipped.Load()),
	}
}

// decode gives a packet to the decoder, or its end if raw is nil, and works on
// what comes out.
func (p *audioPath) decode(raw *astiav.Packet) error {
	for ok := p.send(raw); ok && p.receive(); {
		if err := p.addSound(p.frame.raw); err != nil {
			return err
		}
	}
	return nil
}

// send reports whether the decoder took a packet.
func (p *audioPath) send(raw *astiav.Packet) bool {
	err := p.decoder.raw.SendPacket(raw)
	if err != nil {
		p.broken() // all frames of earlier packets were taken, so it is this one
	}
	return err == nil
}

// receive reports whether the decoder had a frame.
func (p *audioPath) receive() bool {
	p.frame.raw.Unref()
	err := p.decoder.raw.ReceiveFrame(p.frame.raw)
	if err != nil && !errors.Is(err, astiav.ErrEagain) && !errors.Is(err, astiav.ErrEof) {
		p.broken()
	}
	return err == nil
}

// addSound works on a decoded frame.
func (p *audioPath) addSound(f *astiav.Frame) error {
	in, n := soundFormatOf(f), int64(f.NbSamples())
	if n < 1 || n > audioMaxSamples || in.channels < 1 || in.rate < audioMinRate || in.rate > audioMaxRate {
		p.broken()
		return nil
	}
	at := p.heard // a further frame of the same packet has no timestamp
	if pts := f.Pts(); pts >= 0 && pts <= audioMaxPTS {
		at = p.timescale.Rescale(pts, audioRate)
	}
	hole := at - p.heard
	torn := hole > audioHole || p.lost && hole > audioLoss
	p.lost = false
	duration := n * audioRate / int64(in.rate)
	p.heard = at + duration

	measured := p.level == nil || at < p.start
	if !measured && in.channels <= 2 {
		p.level.add(p.level.interleaved(f, in), in.rate, in.channels, at)
		measured = true
	}
	if len(p.encoders) == 0 && measured {
		return nil
	}
	torn = torn || p.resampler != nil && p.resampler.in != in
	if torn || p.clock.broken(at, p.delay()) {
		if err := p.endSound(); err != nil {
			return err
		}
		if err := p.addSilence(p.clock.place(at)); err != nil {
			return err
		}
	}
	if p.resampler == nil {
		r, err := newResampler(p.objects, f)
		if err != nil {
			p.broken() // a layout of channels that cannot be mixed
			return nil //nolint:nilerr // the next frame may be another
		}
		p.resampler = r
	}
	samples, err := p.resample(f, at, duration)
	if err != nil {
		p.broken()
		p.resampler.release()
		p.resampler = nil
		return nil //nolint:nilerr // a frame that cannot be worked on is a broken one
	}
	if !measured {
		p.level.add(samples, audioRate, p.resampler.channels, at)
	}
	return p.addSamples(samples, p.resampler.channels)
}

// resample gives f to the resampler, stretched as far as the clock wants it.
func (p *audioPath) resample(f *astiav.Frame, at, duration int64) ([]float32, error) {
	if err := p.resampler.stretch(p.clock.stretch(at, p.resampler.delay(), duration)); err != nil {
		return nil, err
	}
	return p.resampler.convert(f)
}

// broken counts an access unit that was of no use.
func (p *audioPath) broken() {
	p.decodeErrors.Add(1)
	p.lost = true
}

// delay is what the resampler holds, in sampling times at audioRate.
func (p *audioPath) delay() int64 {
	if p.resampler == nil {
		return 0
	}
	return p.resampler.delay()
}

// endSound lays down what the resampler holds and lets go of it.
func (p *audioPath) endSound() error {
	if p.resampler == nil {
		return nil
	}
	samples, err := p.resampler.convert(nil)
	if err == nil {
		err = p.addSamples(samples, p.resampler.channels)
	}
	p.resampler.release()
	p.resampler = nil
	return err
}
