package bench

import (
	"bytes"
	"testing"

	"github.com/lectern/lectern/media"
)

func TestSplitPictures(t *testing.T) {
	data := []byte{
		0, 0, 0, 1, 0x09, 0x10, 0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 1, 0x65, 3, 4,
		0, 0, 0, 1, 0x09, 0x30, 0, 0, 1, 0x41, 5,
	}
	p := splitPictures(data)
	if len(p) != 2 || len(p[0]) != 3 || len(p[1]) != 1 || !bytes.Equal(p[0][2], []byte{0x65, 3, 4}) {
		t.Fatalf("pictures = %v", p)
	}
	track := p.Track(640, 360)
	if sets := track.Video.ParameterSets; len(sets) != 2 || track.Video.Width != 640 {
		t.Errorf("track = %+v", track)
	}
	first, second := p.AccessUnit(0, 90000), p.AccessUnit(1, 90000)
	if !first.RandomAccess || second.RandomAccess {
		t.Error("the first picture alone is to be a keyframe")
	}
	if first.PTS != 90000 || second.PTS != 90000+int64(media.TimescaleVideo)/30 || second.DTS != second.PTS {
		t.Errorf("times = %d, %d", first.PTS, second.PTS)
	}
	if got := splitPictures([]byte("no video")); len(got) != 0 {
		t.Errorf("pictures of something else = %v", got)
	}
}

func TestSplitADTS(t *testing.T) {
	frame := []byte{0xff, 0xf1, 0x4c, 0x80, 0x01, 0x3f, 0xfc, 7, 8}      // 7 + 2 bytes
	checked := []byte{0xff, 0xf0, 0x4c, 0x80, 0x01, 0x5f, 0xfc, 0, 0, 9} // 9 + 1 bytes
	for _, tc := range []struct {
		name string
		data []byte
		want [][]byte
		bad  bool
	}{
		{"nothing", nil, nil, false},
		{"two frames", append(bytes.Clone(frame), checked...), [][]byte{{7, 8}, {9}}, false},
		{"cut off", frame[:8], nil, true},
		{"half a header", frame[:5], nil, true},
		{"something else", []byte("0123456789"), nil, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := splitADTS(tc.data)
			if (err != nil) != tc.bad || len(got) != len(tc.want) {
				t.Fatalf("splitADTS = %v, %v", got, err)
			}
			for i := range got {
				if !bytes.Equal(got[i], tc.want[i]) {
					t.Errorf("frame %d = %v, want %v", i, got[i], tc.want[i])
				}
			}
		})
	}
}
