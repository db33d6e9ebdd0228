package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/lectern/lectern/media"
)

// Pictures are H.264 pictures at 30 a second in decoding order, which is also
// that of presentation: each is its NAL units.
type Pictures [][][]byte

// pictureTicks is the distance of pictures in ticks of media.TimescaleVideo.
const pictureTicks = int64(media.TimescaleVideo) / 30

// The types of NAL units (ITU-T H.264 table 7-1).
const (
	nalIDR       = 5
	nalSPS       = 7
	nalPPS       = 8
	nalDelimiter = 9
)

// ReadPictures reads a file of H.264 with start codes and an access unit
// delimiter before each picture.
func ReadPictures(path string) (Pictures, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read pictures: %w", err)
	}
	p := splitPictures(data)
	if len(p) == 0 {
		return nil, errors.New("read pictures: the file has none with delimiters")
	}
	return p, nil
}

// splitPictures splits a byte stream (ITU-T H.264 annex B) at its delimiters.
func splitPictures(data []byte) Pictures {
	var out Pictures
	for chunk := range bytes.SplitSeq(data, []byte{0, 0, 1}) {
		unit := bytes.TrimRight(chunk, "\x00")
		switch {
		case len(unit) == 0:
		case unit[0]&0x1f == nalDelimiter:
			out = append(out, nil)
		case len(out) > 0:
			out[len(out)-1] = append(out[len(out)-1], unit)
		}
	}
	return out
}

// Track describes the pictures, whose size is given.
func (p Pictures) Track(width, height int) media.Track {
	var sets [][]byte
	for _, u := range p[0] {
		if kind := u[0] & 0x1f; kind == nalSPS || kind == nalPPS {
			sets = append(sets, u)
		}
	}
	return media.Track{
		ID: media.VideoTrackID, Codec: media.CodecH264, Timescale: media.TimescaleVideo,
		Video: media.VideoFormat{
			Width: width, Height: height, SARWidth: 1, SARHeight: 1, FrameRate: 30,
			Profile: 100, Level: 40, BitDepth: 8, ChromaFormat: 1, ParameterSets: sets,
		},
	}
}

// AccessUnit returns picture i of pictures that begin at start, in ticks of
// media.TimescaleVideo.
func (p Pictures) AccessUnit(i int, start int64) *media.AccessUnit {
	at := start + int64(i)*pictureTicks
	au := &media.AccessUnit{Track: media.VideoTrackID, PTS: at, DTS: at, Payload: p[i]}
	for _, u := range p[i] {
		au.RandomAccess = au.RandomAccess || u[0]&0x1f == nalIDR
	}
	return au
}

// splitADTS takes the AAC frames out of an ADTS stream (ISO/IEC 14496-3 §1.A.2).
func splitADTS(data []byte) ([][]byte, error) {
	var out [][]byte
	for len(data) > 0 {
		if len(data) < 7 || data[0] != 0xff || data[1]&0xf6 != 0xf0 {
			return nil, errors.New("not an ADTS stream")
		}
		header := 7
		if data[1]&1 == 0 {
			header = 9 // with a checksum
		}
		size := int(data[3]&3)<<11 | int(data[4])<<3 | int(data[5])>>5
		if size < header || size > len(data) {
			return nil, errors.New("an ADTS frame is cut off")
		}
		out = append(out, data[header:size])
		data = data[size:]
	}
	return out, nil
}
