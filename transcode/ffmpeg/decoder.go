package ffmpeg

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// decoder decodes one video track. It belongs to one goroutine.
type decoder struct {
	track media.Track
	codec *codec
	in    *packet
	out   *frame
}

func newDecoder(objects *objects, track media.Track, threads int) (_ *decoder, err error) {
	v := track.Video
	if !sizeAllowed(v.Width, v.Height) {
		return nil, fmt.Errorf("%w: pictures of %dx%d", transcode.ErrSpec, v.Width, v.Height)
	}
	what := findDecoder(track.Codec)
	if what == nil {
		return nil, fmt.Errorf("%w: no decoder for %s", transcode.ErrSpec, track.Codec)
	}
	d := &decoder{track: track}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.codec, err = newCodec(objects, what); err != nil {
		return nil, err
	}
	if d.in, err = newPacket(objects); err != nil {
		return nil, err
	}
	if d.out, err = newFrame(objects); err != nil {
		return nil, err
	}
	if track.Codec == media.CodecH264 || track.Codec == media.CodecHEVC {
		var extra []byte
		for _, c := range annexB(v.ParameterSets) {
			extra = append(extra, c...)
		}
		if err = d.codec.raw.SetExtraData(extra); err != nil {
			return nil, fmt.Errorf("give parameter sets to decoder %s: %w", what.Name(), err)
		}
	}
	// max_pixels makes the decoder itself refuse what an SPS in band may ask for,
	// before it allocates.
	err = d.codec.open(map[string]string{
		"threads":    strconv.Itoa(threads),
		"max_pixels": strconv.Itoa(maxLongSide * maxShortSide),
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", transcode.ErrSpec, err)
	}
	return d, nil
}

// findDecoder returns nil for what cannot be decoded here.
func findDecoder(c media.Codec) *astiav.Codec {
	switch c {
	case media.CodecH264:
		return astiav.FindDecoder(astiav.CodecIDH264)
	case media.CodecHEVC:
		return astiav.FindDecoder(astiav.CodecIDHevc)
	case media.CodecAV1:
		return astiav.FindDecoderByName("libdav1d") // FFmpeg's own needs a GPU
	case media.CodecVP8:
		return astiav.FindDecoderByName("vp8")
	case media.CodecVP9:
		return astiav.FindDecoderByName("vp9")
	default:
		return nil
	}
}

// decode gives au, or nil to flush, to the decoder and calls yield for each
// picture, which is valid until yield returns. broken is how many times the
// decoder complained; err is yield's.
func (d *decoder) decode(au *media.AccessUnit, yield func(*astiav.Frame) error) (broken int, err error) {
	in := (*astiav.Packet)(nil)
	if au != nil {
		payload := au.Payload
		if d.track.Codec == media.CodecAV1 && au.RandomAccess {
			// Repeated sequence headers are allowed (AV1 §7.5); publishers leave them out.
			payload = append(append([][]byte(nil), d.track.Video.ParameterSets...), payload...)
		}
		if err = d.in.fill(au.PTS, au.DTS, chunks(d.track.Codec, payload)...); err != nil {
			return 0, err
		}
		if d.in.raw.Size() == 0 {
			return 1, nil // FFmpeg takes an empty packet for the end
		}
		in = d.in.raw
	}
	if err = d.codec.raw.SendPacket(in); err != nil {
		broken++
	}
	d.in.raw.Unref()
	for {
		err = d.codec.raw.ReceiveFrame(d.out.raw)
		switch {
		case err == nil:
		case errors.Is(err, astiav.ErrEagain), errors.Is(err, astiav.ErrEof):
			return broken, nil
		default:
			// A decoder that complains for ever must not keep us here.
			if broken++; broken > 8 {
				return broken, nil
			}
			continue
		}
		if !sizeAllowed(d.out.raw.Width(), d.out.raw.Height()) || d.out.raw.Pts() == astiav.NoPtsValue {
			broken++
		} else if err = yield(d.out.raw); err != nil {
			return broken, err
		}
		d.out.raw.Unref()
	}
}

func (d *decoder) close() {
	if d.codec != nil {
		d.codec.release()
	}
	if d.in != nil {
		d.in.release()
	}
	if d.out != nil {
		d.out.release()
	}
}
