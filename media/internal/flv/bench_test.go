package flv_test

import (
	"bytes"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/flv"
)

// null is a sink that keeps nothing.
type null struct{ samples int }

func (*null) SetTracks([]media.Track) error { return nil }

func (n *null) Write(media.Sample) error {
	n.samples++
	return nil
}

// BenchmarkDemuxerVideo takes pictures of the sizes of 1080p at 5 Mbit/s: a
// keyframe of 120 kB in four slices with parameter sets in band every 2 s, and
// pictures of 18 kB between.
func BenchmarkDemuxerVideo(b *testing.B) {
	lesson := record(b, "h264_aac.flv")
	header := only(only(lesson, isVideo), message.header)[0]
	slice := func(kind byte, size int) []byte { return append([]byte{kind}, bytes.Repeat([]byte{0x5A}, size-1)...) }
	sets := setsOf(b, lesson)
	key := append([]byte{0x17, 1, 0, 0, 0}, lengths([]byte{9, 0xF0}, sets[0], sets[1], []byte{6, 5, 1, 0}, slice(0x65, 30_000), slice(0x65, 30_000), slice(0x65, 30_000), slice(0x65, 30_000))...)
	delta := append([]byte{0x27, 1, 0, 0, 33}, lengths([]byte{9, 0xF0}, slice(0x41, 18_000))...)
	const gop = 60

	sink := &null{}
	d := flv.NewDemuxer(sink, flv.Config{})
	if err := d.Video(0, header.body); err != nil {
		b.Fatal(err)
	}
	if err := d.Audio(0, []byte{0xAF, 0, 0x11, 0x90}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(key)+(gop-1)*len(delta)) / gop)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		body := delta
		if n%gop == 0 {
			body = key
		}
		if err := d.Video(uint32(n*33), body); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if sink.samples != n {
		b.Fatalf("%d samples from %d messages", sink.samples, n)
	}
}
