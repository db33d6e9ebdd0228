package reception

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/ingest/ingesttest"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
)

var epoch = time.Date(2030, time.March, 4, 9, 0, 0, 0, time.UTC)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

type bench struct {
	*Receiver
	pub     *ingesttest.Publication
	send    *rtptest.Sender
	metrics *Metrics
	stopped error
}

func newBench(t *testing.T, tracks []media.Track, bare bool) *bench {
	t.Helper()
	b := &bench{pub: ingesttest.NewPublication(), send: rtptest.New(t, tracks, bare), metrics: NewMetrics(prometheus.NewRegistry())}
	p, err := Map(b.send.Desc, false)
	must(t, err)
	b.Receiver, err = New(p, b.pub, Deps{
		MediaTimeout: 10 * time.Second, Stop: func(err error) { b.stopped = err },
		Metrics: b.metrics, Logger: slog.New(slog.DiscardHandler),
	}, epoch)
	must(t, err)
	return b
}

// feed delivers the samples in real time; edit may change the packets of each.
func (b *bench) feed(samples []media.Sample, edit func(i int, pkts []*rtp.Packet) []*rtp.Packet) {
	for i, s := range samples {
		pkts := b.send.Pack(s)
		if edit != nil {
			pkts = edit(i, pkts)
		}
		for _, p := range pkts {
			b.packet(s.Track, p, epoch.Add(s.DTS))
		}
	}
}

func TestReceiverKeepsMedia(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  mediatest.Config
		bare bool
	}{
		{"H.264 and AAC", mediatest.Config{}, false},
		{"case 13: H.264 with parameter sets in band only", mediatest.Config{InBand: true}, true},
		{"case 8: H.264 with B pictures", mediatest.Config{BFrames: true, GOP: 30}, false},
		{"HEVC", mediatest.Config{Codec: media.CodecHEVC}, false},
		{"case 8: HEVC with B pictures", mediatest.Config{Codec: media.CodecHEVC, BFrames: true, GOP: 30, InBand: true}, true},
		{"case 15: audio only", mediatest.Config{NoVideo: true, SampleRate: 44100}, false},
		{"case 16: video only", mediatest.Config{NoAudio: true}, false},
		{"case 26: two pictures a second", mediatest.Config{FPS: 2, GOP: 4}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := mediatest.New(t, tc.cfg)
			b := newBench(t, src.Tracks(), tc.bare)
			sent := src.Take(10 * time.Second)
			b.feed(sent, nil)
			if b.stopped != nil {
				t.Fatalf("stopped: %v", b.stopped)
			}
			lists := b.pub.Tracks()
			if len(lists) != 1 || !slices.EqualFunc(lists[0], src.Tracks(), media.Track.SameFormat) {
				t.Fatalf("tracks announced: %+v, want once %+v", lists, src.Tracks())
			}
			got := b.pub.Samples()
			rtptest.CheckSamples(t, sent, got, media.VideoTrackID)
			rtptest.CheckSamples(t, sent, got, media.AudioTrackID)
			if n := testutil.ToFloat64(b.metrics.dtsFallbacks); n != 0 {
				t.Errorf("%v DTS fallbacks", n)
			}
		})
	}
}

// A camera is joined between two keyframes. A lone frame of sound that precedes
// the first, useless, picture must not begin the class a second before the rest.
func TestReceiverJoinsBetweenKeyframes(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{GOP: 60})
	b := newBench(t, src.Tracks(), false)
	src.Take(1210 * time.Millisecond)
	late := src.Take(3 * time.Second)
	first := slices.IndexFunc(late, func(s media.Sample) bool { return s.Track == media.AudioTrackID })
	b.feed(late[first:first+1], nil)
	b.feed(slices.Delete(slices.Clone(late), first, first+1), nil)
	got := b.pub.Samples()
	if len(got) == 0 || got[0].Track != media.VideoTrackID || !got[0].RandomAccess {
		t.Fatalf("%d samples, want a keyframe first: %+v", len(got), got[:min(len(got), 1)])
	}
}

// Sound that waited for a picture is not lost: not before a keyframe, and not
// when no picture comes.
func TestReceiverKeepsEarlySound(t *testing.T) {
	for _, tc := range []struct {
		name string
		cfg  mediatest.Config
		then mediatest.Config
	}{
		{"before the keyframe", mediatest.Config{AudioStart: -500 * time.Millisecond, Start: time.Second}, mediatest.Config{}},
		{"no picture", mediatest.Config{}, mediatest.Config{NoVideo: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			src := mediatest.New(t, tc.cfg)
			b := newBench(t, src.Tracks(), false)
			sent := src.Take(4 * time.Second)
			if tc.then.NoVideo {
				sent = slices.DeleteFunc(sent, func(s media.Sample) bool { return s.Track == media.VideoTrackID })
			}
			b.feed(sent, nil)
			got := b.pub.Samples()
			rtptest.CheckSamples(t, sent, got, media.AudioTrackID)
			if len(got) != len(sent) {
				t.Errorf("%d samples of %d", len(got), len(sent))
			}
		})
	}
}

func TestReceiverLoss(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{NoAudio: true, GOP: 30})
	b := newBench(t, src.Tracks(), false)
	sent := src.Take(3 * time.Second)
	// Case 43: a packet of picture 10 is lost; 11 to 29 refer to it.
	b.feed(sent, func(i int, pkts []*rtp.Packet) []*rtp.Packet {
		if i == 10 {
			return nil
		}
		return pkts
	})
	want := slices.Concat(sent[:10], sent[30:])
	got := b.pub.Samples()
	if len(got) != len(want) {
		t.Fatalf("case 43: %d samples, want %d", len(got), len(want))
	}
	if !got[10].RandomAccess {
		t.Error("case 43: the first picture after the loss is no keyframe")
	}
	if n := testutil.ToFloat64(b.metrics.packetsLost); n < 1 {
		t.Errorf("case 43: packets lost = %v", n)
	}
	if n := testutil.ToFloat64(b.metrics.dropped.WithLabelValues(string(dropNoKeyframe))); n != 19 {
		t.Errorf("case 43: pictures dropped = %v, want 19", n)
	}
}

func TestReceiverFragmentLoss(t *testing.T) {
	// A keyframe that lost its first slice must not be taken for a whole one.
	src := mediatest.New(t, mediatest.Config{NoAudio: true, GOP: 30})
	b := newBench(t, src.Tracks(), false)
	sent := src.Take(3 * time.Second)
	b.feed(sent, func(i int, pkts []*rtp.Packet) []*rtp.Packet {
		if i != 30 {
			return pkts
		}
		whole := *pkts[0]
		second := *pkts[0]
		second.SequenceNumber++ // what follows is shifted too
		second.Payload = slices.Clone(whole.Payload)
		second.Payload[1] &^= 0x80 // first_mb_in_slice is no longer 0
		second.Marker = true
		return []*rtp.Packet{&second}
	})
	got := b.pub.Samples()
	if len(got) != 60 || !got[30].RandomAccess || got[30].PTS-got[29].PTS < time.Second {
		t.Errorf("%d samples; want the pictures of the second GOP left out", len(got))
	}
	if n := testutil.ToFloat64(b.metrics.dropped.WithLabelValues(string(dropPartial))); n != 1 {
		t.Errorf("partial pictures = %v", n)
	}
}

func TestReceiverWithoutMarkers(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{NoAudio: true})
	b := newBench(t, src.Tracks(), false)
	sent := src.Take(2 * time.Second)
	b.feed(sent, func(_ int, pkts []*rtp.Packet) []*rtp.Packet {
		for _, p := range pkts {
			p.Marker = false
		}
		return pkts
	})
	rtptest.CheckSamples(t, sent[:len(sent)-1], b.pub.Samples(), media.VideoTrackID)
}

func TestReceiverParameterChange(t *testing.T) {
	small := mediatest.New(t, mediatest.Config{NoAudio: true, InBand: true})
	large := mediatest.New(t, mediatest.Config{NoAudio: true, InBand: true, Large: true, Start: 2 * time.Second})
	b := newBench(t, small.Tracks(), false)
	b.feed(slices.Concat(small.Take(2*time.Second), large.Take(2*time.Second)), nil)
	lists := b.pub.Tracks()
	if len(lists) != 2 || lists[1][0].Video.Width != 128 {
		t.Fatalf("case 11: tracks announced %d times: %+v", len(lists), lists)
	}
	if n := len(b.pub.Samples()); n != 120 {
		t.Errorf("case 11: %d samples, want 120", n)
	}
}

func TestReceiverTimeouts(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{})
	picture := func(b *bench, at time.Duration) {
		s := media.Sample{Track: media.VideoTrackID, PTS: at, Payload: [][]byte{{0x41, 0x9a, 0x00}}}
		for _, p := range b.send.Pack(s) {
			b.packet(media.VideoTrackID, p, epoch.Add(at))
		}
	}
	code := func(err error) string {
		var refusal *media.RefusalError
		if errors.As(err, &refusal) {
			return refusal.Code
		}
		return ""
	}
	t.Run("case 13: no parameter sets for 5 s", func(t *testing.T) {
		b := newBench(t, src.Tracks(), true)
		picture(b, 4*time.Second)
		if err := b.Check(epoch.Add(5 * time.Second)); err != nil {
			t.Errorf("after 5 s: %v", err)
		}
		if err := b.Check(epoch.Add(5*time.Second + 1)); code(err) != "parameter_sets" {
			t.Errorf("after more: %v", err)
		}
	})
	t.Run("case 24: no keyframe", func(t *testing.T) {
		b := newBench(t, src.Tracks(), false)
		picture(b, 9*time.Second)
		if err := b.Check(epoch.Add(10*time.Second + 1)); code(err) != "keyframe_interval" {
			t.Errorf("check = %v", err)
		}
	})
	t.Run("case 24: no keyframe, the class does not begin with the sound", func(t *testing.T) {
		b := newBench(t, src.Tracks(), false)
		picture(b, time.Second)
		sound := mediatest.New(t, mediatest.Config{})
		b.feed(slices.DeleteFunc(sound.Take(5*time.Second), func(s media.Sample) bool { return s.Track == media.VideoTrackID }), nil)
		if n := len(b.pub.Samples()); n != 0 || b.stopped != nil {
			t.Errorf("%d samples, stopped: %v", n, b.stopped)
		}
	})
	t.Run("no media", func(t *testing.T) {
		b := newBench(t, src.Tracks(), false)
		b.feed(src.Take(time.Second), nil)
		if err := b.Check(epoch.Add(10 * time.Second)); err != nil {
			t.Errorf("after 9 s of silence: %v", err)
		}
		if err := b.Check(epoch.Add(12 * time.Second)); !errors.Is(err, ErrNoMedia) {
			t.Errorf("after 11 s of silence: %v", err)
		}
	})
}

func TestReceiverRecovers(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{})
	b := newBench(t, src.Tracks(), false)
	b.pub.OnWrite(func() { panic("bug") })
	b.feed(src.Take(time.Second), nil)
	if !errors.Is(b.stopped, errPanic) {
		t.Errorf("stopped = %v", b.stopped)
	}
	if n := testutil.ToFloat64(b.metrics.Panics); n != 1 {
		t.Errorf("panics = %v, want one and then silence", n)
	}
}

func TestReceiverRefusedWrite(t *testing.T) {
	src := mediatest.New(t, mediatest.Config{})
	b := newBench(t, src.Tracks(), false)
	refusal := &media.RefusalError{Code: "keyframe_interval", Text: "Set the keyframe interval to 2 s."}
	b.pub.Refuse(nil, refusal)
	b.feed(src.Take(time.Second), nil)
	if !errors.Is(b.stopped, refusal) {
		t.Errorf("stopped = %v", b.stopped)
	}
}
