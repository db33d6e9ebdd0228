package ffmpeg

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// The video encoders.
const (
	encoderX264  = "libx264"
	encoderNVENC = "h264_nvenc"
)

const (
	// keyframeInterval is so long that keyframes come from the placer alone.
	keyframeInterval = 1 << 20

	bFrames   = 2
	lookahead = 10 // pictures; with B pictures and one thread, 12 wait inside

	defaultFrameRate = 30 // of a source that does not tell
)

// encoderSpec is what an encoder is opened for.
type encoderSpec struct {
	name      string // encoderX264 or encoderNVENC
	rung      transcode.VideoRung
	frameRate float64 // pictures a second that the rate control counts on at first
	colour    colour
	threads   int
	fast      bool
}

// encoder encodes one run of pictures that starts with an IDR picture. It belongs
// to one goroutine.
type encoder struct {
	fast  bool
	codec *codec
	out   *packet
}

func newEncoder(objects *objects, spec encoderSpec) (_ *encoder, err error) {
	e := &encoder{fast: spec.fast}
	defer func() {
		if err != nil {
			e.close()
		}
	}()
	if e.codec, err = newCodec(objects, astiav.FindEncoderByName(spec.name)); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errNoEncoder, spec.name, err)
	}
	if e.out, err = newPacket(objects); err != nil {
		return nil, err
	}
	c := e.codec.raw
	c.SetWidth(spec.rung.Width)
	c.SetHeight(spec.rung.Height)
	c.SetPixelFormat(astiav.PixelFormatYuv420P)
	c.SetSampleAspectRatio(astiav.NewRational(1, 1))
	c.SetTimeBase(astiav.NewRational(1, int(media.TimescaleVideo)))
	c.SetFramerate(astiav.NewRational(int(math.Round(spec.frameRate*1000)), 1000))
	c.SetGopSize(keyframeInterval)
	// The parameter sets go to the extradata and nowhere else.
	c.SetFlags(c.Flags().Add(astiav.CodecContextFlagGlobalHeader).Add(astiav.CodecContextFlagClosedGop))
	if err = e.codec.open(spec.options()); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoEncoder, err)
	}
	return e, nil
}

func (s encoderSpec) options() map[string]string {
	o := map[string]string{
		"profile":    "high",
		"maxrate":    strconv.Itoa(s.rung.MaxRate),
		"bufsize":    strconv.Itoa(s.rung.Buffer),
		"bf":         strconv.Itoa(bFrames),
		"forced-idr": "1", // without it, a picture of type I is no IDR picture
		"a53cc":      "1",
	}
	quality := strconv.FormatFloat(s.rung.CRF, 'f', -1, 64)
	if s.name == encoderNVENC {
		o["preset"], o["rc"], o["cq"] = "p4", "vbr", quality
		if s.fast {
			o["preset"] = "p2"
		}
		o["rc-lookahead"] = strconv.Itoa(lookahead)
		o["no-scenecut"] = "1"
		o["level"] = strconv.Itoa(s.rung.Level)
		o["b"] = strconv.Itoa(s.rung.MaxRate / 2)
	} else {
		o["preset"], o["crf"] = "veryfast", quality
		if s.fast {
			o["preset"] = "superfast"
		}
		o["rc-lookahead"] = strconv.Itoa(lookahead)
		o["sc_threshold"] = "0"
		o["level"] = fmt.Sprintf("%d.%d", s.rung.Level/10, s.rung.Level%10)
		o["threads"] = strconv.Itoa(s.threads)
	}
	maps.Copy(o, s.colour.options())
	return o
}

// encode gives f, or nil to flush, to the encoder and calls yield for each
// packet: an access unit as the encoder made it, which yield may keep.
func (e *encoder) encode(f *astiav.Frame, yield func(data []byte, pts, dts int64) error) error {
	if err := e.codec.raw.SendFrame(f); err != nil && !errors.Is(err, astiav.ErrEof) {
		return fmt.Errorf("encoder %s: send picture: %w", e.codec.what.Name(), err)
	}
	for {
		err := e.codec.raw.ReceivePacket(e.out.raw)
		if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("encoder %s: receive packet: %w", e.codec.what.Name(), err)
		}
		err = yield(e.out.raw.Data(), e.out.raw.Pts(), e.out.raw.Dts())
		e.out.raw.Unref()
		if err != nil {
			return err
		}
	}
}

// header returns the parameter sets as the encoder wrote them.
func (e *encoder) header() []byte { return e.codec.raw.ExtraData() }

func (e *encoder) close() {
	if e.codec != nil {
		e.codec.release()
	}
	if e.out != nil {
		e.out.release()
	}
}

// describe returns the track that an encoder with this header makes.
func (s encoderSpec) describe(header []byte) (media.Track, error) {
	t := media.Track{
		ID: s.rung.Track, Codec: media.CodecH264, Timescale: media.TimescaleVideo,
		Rendition: s.rung.Rendition, Encoded: true, MaxBitRate: s.rung.MaxRate,
		Video: media.VideoFormat{
			Width: s.rung.Width, Height: s.rung.Height, SARWidth: 1, SARHeight: 1,
			FrameRate: s.frameRate, BitDepth: 8, ChromaFormat: 1,
		},
	}
	var sps, pps []byte
	for _, u := range splitAnnexB(header) {
		switch u[0] & 0x1f {
		case nalSPS:
			sps = u
		case nalPPS:
			pps = u
		}
	}
	if len(sps) < 4 || pps == nil {
		return media.Track{}, fmt.Errorf("encoder %s gave no parameter sets", s.name)
	}
	t.Video.ParameterSets = [][]byte{sps, pps}
	t.Video.Profile, t.Video.Level = int(sps[1]), int(sps[3]) // ITU-T H.264 §7.3.2.1.1
	return t, nil
}
