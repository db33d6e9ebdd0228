package conformance_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"

	"github.com/lectern/lectern/media/mediatest"
)

const (
	pictures = 10    // a second, and a key frame each two seconds
	rate     = 48000 // of sound, in frames of 1024
)

// clip makes the media of a site.
type clip struct {
	inits  map[string][]byte
	codecs map[string]string
	key    int // pictures from one key frame to the next
	iFrame int // length of the first picture with all before it

	mu   sync.Mutex // guards the field below
	made map[string][]byte
}

var (
	makeClip sync.Once
	theClip  *clip
)

// shared returns the clip of all tests.
func shared(t *testing.T) *clip {
	t.Helper()
	makeClip.Do(func() { theClip = newClip(t) })
	if theClip == nil {
		t.Fatal("there is no clip")
	}
	return theClip
}

func newClip(t *testing.T) *clip {
	t.Helper()
	c := &clip{inits: map[string][]byte{}, made: map[string][]byte{}, codecs: map[string]string{}, key: 2 * pictures}
	for name, large := range map[string]bool{"high": true, "low": false} {
		sets := mediatest.New(t, mediatest.Config{Large: large}).Tracks()[0].Video.ParameterSets
		c.inits[name] = initSection(t, fmp4.InitTrack{ID: 1, TimeScale: 90000, Codec: &codecs.H264{SPS: sets[0], PPS: sets[1]}})
		c.codecs[name] = fmt.Sprintf("avc1.%x", sets[0][1:4])
	}
	c.inits["audio"] = initSection(t, sound(1))
	first := c.part("high", 0, 0)
	c.iFrame = int(binary.BigEndian.Uint32(first)) + 8 + 300 // moof, mdat's header, the picture
	return c
}

func sound(id int) fmp4.InitTrack {
	return fmp4.InitTrack{ID: id, TimeScale: rate, Codec: &codecs.MPEG4Audio{Config: mpeg4audio.AudioSpecificConfig{Type: 2, SampleRate: rate, ChannelCount: 2}}}
}

// initSection is mediacommon's, with a brand that HLS wants.
func initSection(t *testing.T, tracks ...fmp4.InitTrack) []byte {
	t.Helper()
	in := fmp4.Init{}
	for i := range tracks {
		in.Tracks = append(in.Tracks, &tracks[i])
	}
	var b seekablebuffer.Buffer
	if err := in.Marshal(&b); err != nil {
		t.Fatal(err)
	}
	return bytes.Replace(b.Bytes(), []byte("hlsf"), []byte("iso6"), 1)
}

// soundAt is the first frame of sound in the n-th part.
func soundAt(n int) int { return (n*rate + 1023) / 1024 }

// at is when the n-th part begins.
func (c *clip) at(rendition string, n int) time.Duration {
	if rendition == "audio" {
		return time.Duration(soundAt(n)) * 1024 * time.Second / rate
	}
	return time.Duration(n) * time.Second
}

func (c *clip) segment(rendition string, msn int) (b []byte) {
	for p := range 4 {
		b = append(b, c.part(rendition, msn, p)...)
	}
	return b
}

// part returns a part, which must not be changed.
func (c *clip) part(rendition string, msn, part int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := fmt.Sprint(rendition, 4*msn+part)
	b, ok := c.made[name]
	if !ok {
		b = c.make(rendition, 4*msn+part)
		c.made[name] = b
	}
	return b
}

// make is the only maker of media: its samples depend on nothing but their time.
func (c *clip) make(rendition string, n int) []byte {
	track := &fmp4.PartTrack{ID: 1}
	if rendition == "audio" {
		track.BaseTime = uint64(soundAt(n)) * 1024
		for i := soundAt(n); i < soundAt(n+1); i++ {
			track.Samples = append(track.Samples, &fmp4.Sample{Duration: 1024, Payload: bytes.Repeat([]byte{byte(i)}, 10)})
		}
	} else {
		track.BaseTime = uint64(n) * 90000
		for i := n * pictures; i < (n+1)*pictures; i++ {
			payload := bytes.Repeat([]byte{byte(i), 0x55}, 150)
			payload[4] = 0x65
			if i%c.key != 0 {
				payload = payload[:60]
				payload[4] = 0x41
			}
			binary.BigEndian.PutUint32(payload, uint32(len(payload)-4))
			track.Samples = append(track.Samples, &fmp4.Sample{Duration: 90000 / pictures, IsNonSyncSample: i%c.key != 0, Payload: payload})
		}
	}
	var b seekablebuffer.Buffer
	if err := (fmp4.Part{SequenceNumber: uint32(n), Tracks: []*fmp4.PartTrack{track}}).Marshal(&b); err != nil {
		return nil // the tests see that there is none
	}
	return b.Bytes()
}
