package reception

import (
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4/pkg/format"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

// annexB makes samples of an H.264 clip whose pictures are shown at the given
// times, in decoding order.
func annexB(tb testing.TB, name string, pts func(i int) time.Duration) []media.Sample {
	tb.Helper()
	samples := clip(tb, name, media.VideoTrackID, 0)
	for i, s := range samples {
		units, err := paramset.SplitAnnexB(nil, s.Payload[0])
		must(tb, err)
		samples[i].Payload, samples[i].PTS, samples[i].DTS = units, pts(i), time.Duration(i)*40*time.Millisecond
	}
	return samples
}

// Order of decoding 0 3 1 2 6 4 5 ...: fields have no picture order that the
// library can follow.
func TestReceiverFields(t *testing.T) {
	b := newFormatBench(t, false, &format.H264{PayloadTyp: 96, PacketizationMode: 1})
	sent := annexB(t, "h264_interlaced", func(i int) time.Duration {
		n := i
		if i > 0 {
			n = i + []int{2, -1, -1}[(i-1)%3]
		}
		return time.Duration(n) * 40 * time.Millisecond
	})
	b.feed(sent, nil)
	lists, got := b.pub.Tracks(), b.pub.Samples()
	if len(lists) != 1 || !lists[0][0].Video.Interlaced || len(got) != len(sent) {
		t.Fatalf("case 38: tracks %+v, %d samples of %d", lists, len(got), len(sent))
	}
	for i, s := range got {
		if i > 0 && s.DTS <= got[i-1].DTS || s.DTS > s.PTS {
			t.Errorf("case 38: sample %d: DTS %s after %s, PTS %s", i, s.DTS, got[max(i-1, 0)].DTS, s.PTS)
		}
		// The first pictures that come before their turn teach how far they do.
		if want := sent[i].PTS - sent[0].PTS + got[0].PTS; i > 3 && (s.PTS-want).Abs() > time.Microsecond*20 {
			t.Errorf("case 38: sample %d: PTS %s, want %s", i, s.PTS, want)
		}
	}
}

// The fields of a frame may come as access units of their own with one timestamp.
func TestReceiverFieldsApart(t *testing.T) {
	b := newFormatBench(t, false, &format.H264{PayloadTyp: 96, PacketizationMode: 1})
	sent := annexB(t, "h264_interlaced", func(i int) time.Duration { return time.Duration(i/2) * 40 * time.Millisecond })
	b.feed(sent, nil)
	got := b.pub.Samples()
	if len(got) != len(sent) {
		t.Fatalf("case 38: %d samples of %d", len(got), len(sent))
	}
	for i, s := range got {
		if off := s.PTS - got[0].PTS - sent[i].PTS; off.Abs() > 2*time.Millisecond || i > 0 && s.DTS <= got[i-1].DTS {
			t.Errorf("case 38: sample %d: PTS off by %s, DTS %s after %s", i, off, s.DTS, got[max(i-1, 0)].DTS)
		}
	}
}

func TestReceiverIntraRefresh(t *testing.T) {
	all := annexB(t, "h264_refresh", func(i int) time.Duration { return time.Duration(i) * 100 * time.Millisecond })
	joined := slices.Clone(all[1:])
	joined[0].Payload = slices.Concat(all[0].Payload[:len(all[0].Payload)-1], joined[0].Payload) // parameter sets come, the IDR picture does not
	for _, tc := range []struct {
		name     string
		sent     []media.Sample
		lists    int
		from, to time.Duration // when the second random access point is, after the first
	}{
		{"case 23: an IDR picture, then recovery points only", all, 2, 3 * time.Second, 4500 * time.Millisecond},
		{"case 23: recovery points only", joined, 1, 900 * time.Millisecond, 1100 * time.Millisecond},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newFormatBench(t, false, &format.H264{PayloadTyp: 96, PacketizationMode: 1})
			for i := range tc.sent {
				tc.sent[i].DTS = tc.sent[i].PTS
			}
			b.feed(tc.sent, nil)
			lists, got := b.pub.Tracks(), b.pub.Samples()
			if b.stopped != nil || len(lists) != tc.lists || !lists[len(lists)-1][0].Video.IntraRefresh {
				t.Fatalf("tracks %+v, stopped: %v", lists, b.stopped)
			}
			var at []time.Duration
			for _, s := range got {
				if s.RandomAccess {
					at = append(at, s.PTS)
				}
			}
			if len(at) < 3 || got[0].PTS != at[0] || at[1]-at[0] < tc.from || at[1]-at[0] > tc.to {
				t.Errorf("random access at %v", at)
			}
		})
	}
}
