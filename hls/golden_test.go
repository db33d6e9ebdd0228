package hls_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gohlslib/v2/pkg/playlist"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestGolden(t *testing.T) {
	for _, tc := range []struct {
		name  string
		ended bool
		build func(*testing.T, *class)
	}{
		{"live", false, func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 39*time.Second)
		}},
		{"reconnect", false, func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{BFrames: true}), media.DiscontinuityStart, 6*time.Second)
			c.away(20 * time.Second)
			c.publish(mediatest.New(t, mediatest.Config{Large: true}), media.DiscontinuityReconnect, 5*time.Second)
		}},
		{"gaps", true, func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{}), media.DiscontinuityStart, 5*time.Second)
			c.publish(mediatest.New(t, mediatest.Config{NoAudio: true}), media.DiscontinuityReconnect, 5*time.Second)
		}},
		{"audio", true, func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{NoVideo: true, SampleRate: 44100}), media.DiscontinuityStart, 9*time.Second)
		}},
		{"hevc", true, func(t *testing.T, c *class) {
			t.Helper()
			c.publish(mediatest.New(t, mediatest.Config{Codec: media.CodecHEVC, FPS: 25}), media.DiscontinuityStart, 5*time.Second)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newClass()
			tc.build(t, c)
			// What is live is looked at before the stop finishes the segment.
			texts := map[string][]byte{}
			p := run(t, hls.DefaultConfig(), newMemoryLog(), c.items, tc.ended, func(p *hls.Packager) {
				for _, name := range p.Renditions() {
					s := p.Snapshot(name)
					if tc.ended && !s.Ended || !tc.ended && s.NextPart == 0 {
						continue
					}
					texts[name] = s.Full.Body
					texts[name+".delta"] = s.Delta.Body
				}
			})
			texts["multivariant"], texts["dvr.multivariant"] = p.Multivariant().Body, p.DVRMultivariant().Body
			for _, name := range p.Renditions() {
				snap := p.Snapshot(name)
				full, _ := snap.DVR()
				texts[name+".dvr"] = full.Body
				if tc.ended {
					texts[name+".recording"] = snap.Recording().Body
				}
				if d := snap.DVRIFrames(); d != nil {
					texts[name+".dvr-iframes"] = d.Body
				}
				if d := snap.RecordingIFrames(); d != nil {
					texts[name+".recording-iframes"] = d.Body
				}
			}
			for name, text := range texts {
				golden(t, tc.name+"."+name, text)
				if !strings.Contains(name, "iframes") { // that parser does not know
					parseBack(t, name, text)
				}
			}
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update writes it anew):\n%s\nwant\n%s", file, got, want)
	}
}

// parseBack reads a playlist with an independent parser.
func parseBack(t *testing.T, name string, text []byte) {
	t.Helper()
	parsed, err := playlist.Unmarshal(text)
	if err != nil {
		t.Fatalf("%s: %v in\n%s", name, err, text)
	}
	switch l := parsed.(type) {
	case *playlist.Multivariant:
		if !strings.HasSuffix(name, "multivariant") || len(l.Variants) == 0 {
			t.Errorf("%s: %+v", name, l)
		}
		for _, v := range l.Variants {
			if v.URI == "" || len(v.Codecs) == 0 || v.AverageBandwidth == nil || v.Bandwidth < *v.AverageBandwidth {
				t.Errorf("variant %+v", v)
			}
		}
		for _, r := range l.Renditions {
			if r.GroupID != l.Variants[0].Audio || r.URI == nil || !r.Default || r.Language == "" {
				t.Errorf("audio rendition %+v", r)
			}
		}
	case *playlist.Media:
		if l.TargetDuration != 4 || l.DiscontinuitySequence == nil {
			t.Errorf("%s: %+v", name, l)
		}
		if n := strings.Count(string(text), "#EXTINF"); len(l.Segments) != n {
			t.Errorf("%s: %d segments, parsed %d", name, n, len(l.Segments))
		}
		switch {
		case strings.Contains(name, "recording"):
			if !l.Endlist || l.PlaylistType == nil || l.ServerControl != nil {
				t.Errorf("%s: %+v", name, l)
			}
			return
		case strings.Contains(name, ".dvr"):
			if !l.ServerControl.CanBlockReload || *l.ServerControl.CanSkipUntil != 24*time.Second || l.PartInf != nil {
				t.Errorf("%s: %+v", name, l)
			}
			return
		}
		if l.PartInf == nil || !l.ServerControl.CanBlockReload {
			t.Fatalf("%s: %+v", name, l)
		}
		if l.PartInf.PartTarget != 500*time.Millisecond || *l.ServerControl.PartHoldBack != 1500*time.Millisecond ||
			*l.ServerControl.CanSkipUntil != 24*time.Second {
			t.Errorf("%s: %+v", name, l.ServerControl)
		}
	}
}
