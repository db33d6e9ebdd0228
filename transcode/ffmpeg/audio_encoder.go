package ffmpeg

import (
	"errors"
	"fmt"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

const (
	// audioRate is the sampling rate of all that is encoded, in Hz.
	audioRate = 48000

	// audioFrame is how many sampling times an access unit of AAC-LC has
	// (ISO/IEC 14496-3 §4.5.1.1), and by how many the encoder is late: it subtracts
	// them from the timestamps by itself.
	audioFrame = 1024

	// audioOvershoot is the part of its bit rate by which the encoder may go over it
	// for seconds: a twentieth, where bursts of noise after silence took 2.8 %.
	audioOvershoot = 20
)

// audioEncoder makes one rendition of sound. It belongs to one goroutine.
type audioEncoder struct {
	objects *objects
	out     transcode.Output
	rung    transcode.AudioRung
	first   int64 // access units that come earlier on are not given out

	codec  *codec
	packet *packet
	track  media.Track
}

func newAudioEncoder(objects *objects, rung transcode.AudioRung, first int64, out transcode.Output) (_ *audioEncoder, err error) {
	e := &audioEncoder{objects: objects, out: out, rung: rung, first: first}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	layout := astiav.ChannelLayoutStereo
	switch {
	case rung.Channels == 1:
		layout = astiav.ChannelLayoutMono
	case rung.Channels != 2:
		return nil, fmt.Errorf("%w: rendition %s of %d channels", transcode.ErrSpec, rung.Rendition, rung.Channels)
	}
	if e.codec, err = newCodec(objects, astiav.FindEncoderByName("aac")); err != nil {
		return nil, fmt.Errorf("encode rendition %s: %w", rung.Rendition, err)
	}
	raw := e.codec.raw
	raw.SetSampleFormat(astiav.SampleFormatFltp)
	raw.SetSampleRate(audioRate)
	raw.SetChannelLayout(layout)
	raw.SetTimeBase(astiav.NewRational(1, audioRate))
	raw.SetBitRate(int64(rung.BitRate))
	raw.SetThreadCount(1)
	raw.SetFlags(astiav.NewCodecContextFlags(astiav.CodecContextFlagGlobalHeader))
	if err = e.codec.open(nil); err != nil {
		return nil, fmt.Errorf("%w: encode rendition %s: %w", transcode.ErrSpec, rung.Rendition, err)
	}
	if raw.FrameSize() != audioFrame {
		return nil, fmt.Errorf("%w: encode rendition %s in frames of %d", transcode.ErrSpec, rung.Rendition, raw.FrameSize())
	}
	if e.packet, err = newPacket(objects); err != nil {
		return nil, err
	}
	e.track = media.Track{
		ID:         rung.Track,
		Codec:      media.CodecAAC,
		Timescale:  audioRate,
		Rendition:  rung.Rendition,
		Encoded:    true,
		MaxBitRate: rung.BitRate + rung.BitRate/audioOvershoot,
		Audio: media.AudioFormat{
			Config:       raw.ExtraData(),
			ObjectType:   2,
			SampleRate:   audioRate,
			Channels:     rung.Channels,
			FrameSamples: audioFrame,
		},
	}
	return e, nil
}

// encode takes audioFrame sampling times of interleaved stereo within -1 to 1,
// which begin at pts.
func (e *audioEncoder) encode(stereo []float32, pts int64) error {
	f, err := newFrame(e.objects)
	if err != nil {
		return err
	}
	defer f.release()
	f.raw.SetSampleFormat(astiav.SampleFormatFltp)
	f.raw.SetSampleRate(audioRate)
	f.raw.SetNbSamples(audioFrame)
	layout := astiav.ChannelLayoutStereo
	if e.rung.Channels == 1 {
		layout = astiav.ChannelLayoutMono
	}
	f.raw.SetChannelLayout(layout)
	if err = f.raw.AllocBuffer(0); err != nil {
		return fmt.Errorf("allocate frame: %w", err)
	}
	left := planeOf[float32](f.raw, 0, audioFrame)
	if e.rung.Channels == 1 {
		for i := range left {
			left[i] = (stereo[2*i] + stereo[2*i+1]) / 2
		}
	} else {
		right := planeOf[float32](f.raw, 1, audioFrame)
		for i := range left {
			left[i], right[i] = stereo[2*i], stereo[2*i+1]
		}
	}
	f.raw.SetPts(pts)
	return e.send(f.raw)
}

// flush gives out what the encoder holds. Nothing can be encoded afterwards.
func (e *audioEncoder) flush() error { return e.send(nil) }

func (e *audioEncoder) send(f *astiav.Frame) error {
	if err := e.codec.raw.SendFrame(f); err != nil {
		return fmt.Errorf("encode rendition %s: %w", e.rung.Rendition, err)
	}
	for {
		e.packet.raw.Unref()
		err := e.codec.raw.ReceivePacket(e.packet.raw)
		switch {
		case errors.Is(err, astiav.ErrEagain), errors.Is(err, astiav.ErrEof):
			return nil
		case err != nil:
			return fmt.Errorf("encode rendition %s: %w", e.rung.Rendition, err)
		}
		pts := e.packet.raw.Pts()
		if pts < e.first {
			continue // the encoder's run-up: it holds no sound
		}
		e.out.AccessUnit(&media.AccessUnit{
			Track: e.rung.Track, PTS: pts, DTS: pts, RandomAccess: true,
			Payload: [][]byte{e.packet.raw.Data()},
		})
	}
}

func (e *audioEncoder) close() {
	if e.packet != nil {
		e.packet.release()
	}
	if e.codec != nil {
		e.codec.release()
	}
}
