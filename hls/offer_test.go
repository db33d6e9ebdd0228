package hls_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

// captionUnit is an SEI NAL unit with a pair of CEA-608 bytes of the first field.
func captionUnit() []byte {
	return []byte{6, 4, 14, 0xb5, 0, 0x31, 'G', 'A', '9', '4', 3, 0x41, 0xff, 0xfc, 0xc8, 0xe5, 0xff, 0x80}
}

func variantOf(tb testing.TB, d *hls.Document, uri string) *playlist.MultivariantVariant {
	tb.Helper()
	var l playlist.Multivariant
	if err := l.Unmarshal(d.Body); err != nil {
		tb.Fatalf("%v in\n%s", err, d.Body)
	}
	i := slices.IndexFunc(l.Variants, func(v *playlist.MultivariantVariant) bool { return v.URI == uri })
	if i < 0 {
		tb.Fatalf("no variant %s in\n%s", uri, d.Body)
	}
	return l.Variants[i]
}

// What is stated of the ladder is true: caps where encoders keep them, best
// first, sound by itself last.
func TestOfferOfLadder(t *testing.T) {
	s := newLadderSim(t, 0)
	s.play(media.DiscontinuityStart, 20*time.Second)
	p := run(t, hls.DefaultConfig(), newMemoryLog(), s.class.items, true, nil)
	body := string(p.Multivariant().Body)
	var order []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z0-9-]+)/recording\.m3u8$`).FindAllStringSubmatch(body, -1) {
		order = append(order, m[1])
	}
	if !slices.Equal(order, []string{"source", "720p", "480p", "360p", "audio-only"}) {
		t.Errorf("variants %v", order)
	}
	for uri, limit := range map[string][2]int{
		"720p/recording.m3u8": {2500000, 2600000}, "480p/recording.m3u8": {1000000, 1100000}, "360p/recording.m3u8": {600000, 700000},
		"audio-only/recording.m3u8": {64000, 80000},
	} {
		v := variantOf(t, p.Multivariant(), uri)
		if v.Bandwidth < limit[0] || v.Bandwidth > limit[1] || *v.AverageBandwidth > v.Bandwidth {
			t.Errorf("%s: BANDWIDTH %d, average %d", uri, v.Bandwidth, *v.AverageBandwidth)
		}
		sound := strings.HasPrefix(uri, "audio")
		if (v.Audio == "audio") == sound || (v.Resolution == "") != sound || slices.Contains(v.Codecs, "mp4a.40.2") != true || len(v.Codecs) == 1 != sound {
			t.Errorf("%s: %+v", uri, v)
		}
	}
	if strings.Count(body, "#EXT-X-MEDIA:") != 1 || strings.Count(body, "CLOSED-CAPTIONS=NONE") != 5 {
		t.Errorf("playlist:\n%s", body)
	}
	for _, name := range order[:4] {
		if !strings.Contains(body, `URI="`+name+`/recording-iframes.m3u8"`) {
			t.Errorf("no I-frame playlist of %s", name)
		}
	}
}

// Caps that an encoder exceeds are not believed.
func TestBandwidthIsNeverBelowWhatWasMeasured(t *testing.T) {
	s := newLadderSim(t, 0)
	s.play(media.DiscontinuityStart, 20*time.Second)
	for _, item := range s.class.items {
		if au := item.AccessUnit; au != nil && au.Track == s.rung("360p").track.ID {
			au.Payload = append(au.Payload, make([]byte, 5000)) // 1.2 Mbit/s
		}
	}
	l := newMemoryLog()
	p := run(t, hls.DefaultConfig(), l, s.class.items, true, nil)
	measured := 0.0
	for _, x := range l.renditions["360p"].segments {
		measured = max(measured, float64(x.Bytes*8)/x.Duration.Seconds())
	}
	if v := variantOf(t, p.Multivariant(), "360p/recording.m3u8"); float64(v.Bandwidth) < measured || float64(v.Bandwidth) > measured*1.1+60000 {
		t.Errorf("BANDWIDTH %d, measured %.0f", v.Bandwidth, measured)
	}
}

// The multivariant playlist waits for renditions that are announced, but not for
// ever.
func TestOfferWaitsForAnnounced(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault fault
		want  bool
	}{
		{"in time", fault{until: 1500 * time.Millisecond}, true},
		{"too late", fault{until: 9 * time.Second}, false},
		{"breaks off at once", fault{from: 1500 * time.Millisecond, until: 9 * time.Second}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newLadderSim(t, 0)
			for _, r := range s.rungs {
				r.lag = func(time.Duration) time.Duration { return time.Second }
			}
			s.rung("480p").faults = []fault{tc.fault}
			s.play(media.DiscontinuityStart, 20*time.Second)
			var first []byte
			p := run(t, hls.DefaultConfig(), newMemoryLog(), s.class.items, true, func(p *hls.Packager) {
				if d := p.Multivariant(); d != nil && first == nil {
					first = d.Body
					if n := p.Snapshot("source").NextMSN; n > 2 {
						t.Errorf("source is at segment %d", n)
					}
				}
			})
			if got := bytes.Contains(first, []byte("\n480p/index")); got != tc.want {
				t.Errorf("offered from the start: %v", got)
			}
			if !bytes.Contains(p.Multivariant().Body, []byte("\n480p/recording")) {
				t.Error("not offered later")
			}
		})
	}
}

// Captions are advertised on every video variant once they were seen, also after a
// restart and after the end.
func TestCaptionsAreAdvertised(t *testing.T) {
	s := newLadderSim(t, 0)
	s.play(media.DiscontinuityStart, 20*time.Second)
	for _, item := range s.class.items {
		if au := item.AccessUnit; au != nil && au.Track == s.source.ID && au.PTS == 90000*9 {
			au.Payload = append([][]byte{captionUnit()}, au.Payload...)
		}
	}
	l := newMemoryLog()
	before := false
	p := run(t, hls.DefaultConfig(), l, s.class.items, true, func(p *hls.Packager) {
		if d := p.Multivariant(); d != nil && p.Snapshot("source").NextMSN < 3 {
			before = before || strings.Contains(string(d.Body), "TYPE=CLOSED-CAPTIONS")
		}
	})
	if before {
		t.Error("advertised before they came")
	}
	again := newPackager(t, hls.DefaultConfig(), &script{ended: true}, l)
	for name, d := range map[string]*hls.Document{"live": p.Multivariant(), "after a restart": again.Multivariant()} {
		body := string(d.Body)
		if strings.Count(body, `#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",`) != 1 || !strings.Contains(body, `INSTREAM-ID="CC1"`) ||
			strings.Count(body, `,CLOSED-CAPTIONS="cc"`) != 4 || strings.Contains(body, "NONE") {
			t.Errorf("%s:\n%s", name, body)
		}
	}
}

// What was measured and stated is stated after a restart too, though the latest
// segments are smaller.
func TestRatesSurviveRestart(t *testing.T) {
	c := newClass()
	c.publish(mediatest.New(t, mediatest.Config{Large: true}), media.DiscontinuityStart, 8*time.Second)
	for _, item := range c.items {
		if au := item.AccessUnit; au != nil && au.DTS < int64(5*media.TimescaleVideo) {
			au.Payload = append(slices.Clone(au.Payload), make([]byte, 5000))
		}
	}
	c.more(mediatest.New(t, mediatest.Config{Large: true}), 40*time.Second)
	l := newMemoryLog()
	p := run(t, hls.DefaultConfig(), l, c.items, false, nil)
	again := newPackager(t, hls.DefaultConfig(), &script{ended: true}, l)
	if was, is := p.Multivariant().Body, again.Multivariant().Body; !bytes.Equal(was, is) {
		t.Errorf("was\n%s\nis\n%s", was, is)
	}
	if was, is := p.DVRMultivariant().Body, again.DVRMultivariant().Body; !bytes.Equal(was, is) {
		t.Errorf("was\n%s\nis\n%s", was, is)
	}
}

// A restart, and the end, leave what is offered as it was.
func TestOfferSurvivesRestart(t *testing.T) {
	s := newLadderSim(t, 2*time.Second)
	s.play(media.DiscontinuityStart, 20*time.Second)
	l := newMemoryLog()
	p := run(t, hls.DefaultConfig(), l, s.class.items, false, nil)
	again := newPackager(t, hls.DefaultConfig(), &script{ended: true}, l)
	if !bytes.Equal(p.Multivariant().Body, again.Multivariant().Body) {
		t.Errorf("was\n%s\nis\n%s", p.Multivariant().Body, again.Multivariant().Body)
	}
	for _, name := range p.Renditions() {
		was, is := p.Snapshot(name).IFrames, again.Snapshot(name).IFrames
		if (was == nil) != strings.HasPrefix(name, "audio") || (is == nil) != (was == nil) || was != nil && !bytes.Equal(was.Body, is.Body) {
			t.Errorf("I-frame playlist of %s changed", name)
		}
	}
	if !slices.Equal(p.Renditions(), again.Renditions()) && !slices.Equal(again.Renditions(), []string{"source", "720p", "480p", "360p", "audio", "audio-only"}) {
		t.Errorf("renditions %v, were %v", again.Renditions(), p.Renditions())
	}
}

// The I-frame playlist names exactly the first picture of each whole segment, and
// stays the same while no segment is finished.
func TestIFramePlaylists(t *testing.T) {
	s := newLadderSim(t, 0)
	s.rung("720p").faults = []fault{{from: 9500 * time.Millisecond, until: 14 * time.Second}}
	s.play(media.DiscontinuityStart, 30*time.Second)
	l := newMemoryLog()
	documents, segments := map[*hls.Document]bool{}, map[int]bool{}
	p := run(t, hls.DefaultConfig(), l, s.class.items, true, func(p *hls.Packager) {
		if v := p.Snapshot("720p"); v != nil && v.IFrames != nil {
			documents[v.IFrames], segments[v.NextMSN] = true, true
		}
	})
	if len(documents) != len(segments) {
		t.Errorf("%d documents in %d states", len(documents), len(segments))
	}
	for _, name := range []string{"source", "720p"} {
		text := string(p.Snapshot(name).IFrames.Body)
		r := l.renditions[name]
		firsts := make(map[int]packed)
		for _, x := range readBack(t, r) {
			if x.first {
				firsts[x.msn] = x
			}
		}
		for _, x := range r.segments {
			uri := hls.Name{Kind: hls.NameSegment, Epoch: "k3x9", MSN: x.MSN}.String()
			if x.Gap {
				if !strings.Contains(text, fmt.Sprintf("#EXT-X-GAP\n#EXTINF:%.3f,\n%s\n", x.Duration.Seconds(), uri)) {
					t.Errorf("%s: segment %d is no gap in\n%s", name, x.MSN, text)
				}
				continue
			}
			data := r.bytes(x.MSN)
			at := bytes.Index(data, firsts[x.MSN].payload)
			if end := int64(at + len(firsts[x.MSN].payload)); at < 0 || x.IFrameBytes != end {
				t.Errorf("%s: segment %d: first picture ends at %d, said to at %d", name, x.MSN, end, x.IFrameBytes)
			}
			if !strings.Contains(text, fmt.Sprintf("#EXTINF:%.3f,\n#EXT-X-BYTERANGE:%d@0\n%s\n", x.Duration.Seconds(), x.IFrameBytes, uri)) {
				t.Errorf("%s: segment %d is missing in\n%s", name, x.MSN, text)
			}
		}
		if !strings.Contains(text, "#EXT-X-I-FRAMES-ONLY\n") || !strings.Contains(text, "#EXT-X-MAP:") || !strings.HasSuffix(text, "#EXT-X-ENDLIST\n") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if p.Snapshot("audio").IFrames != nil {
		t.Error("I-frame playlist of sound")
	}
}

// Golden playlists of the ladder.
func TestGoldenLadder(t *testing.T) {
	for _, tc := range []struct {
		name  string
		grid  time.Duration
		build func(t *testing.T, s *ladderSim, l *memoryLog)
	}{
		{"ladder", 0, func(t *testing.T, s *ladderSim, _ *memoryLog) {
			t.Helper()
			s.play(media.DiscontinuityStart, 21*time.Second)
		}},
		{"grid", 2 * time.Second, func(t *testing.T, s *ladderSim, _ *memoryLog) {
			t.Helper()
			s.class.at = 9500 * time.Millisecond
			s.play(media.DiscontinuityStart, 21*time.Second)
		}},
		{"crash", 0, func(t *testing.T, s *ladderSim, _ *memoryLog) {
			t.Helper()
			s.rung("720p").faults = []fault{{from: 17500 * time.Millisecond, until: 19 * time.Second}}
			s.play(media.DiscontinuityStart, 25*time.Second)
		}},
		{"shed", 0, func(t *testing.T, s *ladderSim, _ *memoryLog) {
			t.Helper()
			s.rung("720p").faults = []fault{{from: 9 * time.Second, until: 16 * time.Second, shed: true}, {from: 25 * time.Second, until: time.Hour, shed: true}}
			s.play(media.DiscontinuityStart, 33*time.Second)
		}},
		{"restart", 0, func(t *testing.T, s *ladderSim, l *memoryLog) {
			t.Helper()
			s.play(media.DiscontinuityStart, 11*time.Second)
			run(t, hls.DefaultConfig(), l, s.class.items, false, nil)
			s.class.items = nil
			s.class.away(5 * time.Second)
			s.play(media.DiscontinuityReconnect, 11*time.Second)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newLadderSim(t, tc.grid)
			s.keep("source", "720p", "audio-only")
			l := newMemoryLog()
			tc.build(t, s, l)
			texts := map[string][]byte{}
			run(t, hls.DefaultConfig(), l, s.class.items, false, func(p *hls.Packager) {
				for _, name := range p.Renditions() {
					v := p.Snapshot(name)
					if v.NextPart == 0 && name != "720p" {
						continue // what is live is looked at before the stop ends the segment
					}
					texts[name] = v.Full.Body
					if name == "720p" && v.IFrames != nil {
						texts["720p.iframes"] = v.IFrames.Body
					}
				}
				if d := p.Multivariant(); d != nil {
					texts["multivariant"] = d.Body
				}
			})
			aligned(t, l)
			for name, text := range texts {
				golden(t, "ladder."+tc.name+"."+name, text)
				if name != "720p.iframes" {
					parseBack(t, name, text)
				}
			}
		})
	}
}
