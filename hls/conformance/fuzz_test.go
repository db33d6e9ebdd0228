package conformance

import (
	"strings"
	"testing"
)

// A playlist, whatever it holds, is parsed or refused, and what is parsed is within
// its bounds.
func FuzzPlaylists(f *testing.F) {
	f.Add("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"a,b\"\nx.m3u8\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"\"\n")
	f.Add("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-SKIP:SKIPPED-SEGMENTS=-9\n#EXT-X-MAP:URI=\"i\",BYTERANGE=\"5@1\"\n#EXTINF:4,\n#EXT-X-BYTERANGE:3\ns\n#EXT-X-PART:DURATION=1,URI=\"p\",BYTERANGE=\"1\"\n")
	f.Add("#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXT-X-PRELOAD-HINT:A=\"")
	f.Add("#EXTM3U\n#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=1e9,END-DATE=\"9999-01-01T00:00:00Z\"\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1,RECENTLY-REMOVED-DATERANGES=\"a\tb\"\n")
	f.Fuzz(func(t *testing.T, body string) {
		if m, err := parseMultivariant(body); err == nil && (len(m.variants) > maxRenditions || len(m.renditions) > maxRenditions || len(m.iFrames) > maxRenditions) {
			t.Fatalf("%d variants, %d renditions", len(m.variants), len(m.renditions))
		}
		m, err := parseMedia(body)
		if err != nil {
			return
		}
		if n := strings.Count(body, "\n") + 1; len(m.segments) > n {
			t.Fatalf("%d segments in %d lines", len(m.segments), n)
		}
		for _, s := range m.segments {
			if got, ok := m.at(s.msn); !ok || got.uri != s.uri {
				t.Fatalf("segment %d is not where it is", s.msn)
			}
		}
		discontinuityNumbers(m)
		for _, a := range m.ranges {
			badDateRange(a)
		}
		m.nextPart()
	})
}

// A file, whatever it holds, is parsed or refused.
func FuzzFiles(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x10ftypiso6\x00\x00\x00\x00"), []byte("\x00\x00\x00\x18moof\x00\x00\x00\x10traf\x00\x00\x00\x08tfhd"))
	f.Add([]byte("\x00\x00\x00\x18moov\x00\x00\x00\x10trak\x00\x00\x00\x08tkhd"), []byte("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x10"))
	f.Add([]byte{}, append([]byte{0x47, 0x40, 0, 0x30, 0xb7}, make([]byte, 183)...))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		in, _ := parseInit(first)
		if len(in.tracks) > maxTracks {
			t.Fatalf("%d tracks", len(in.tracks))
		}
		runs, _ := parseFragments(second, in)
		if len(runs) > maxTracks {
			t.Fatalf("%d runs", len(runs))
		}
		for _, r := range runs {
			if len(r.samples) > maxSamples {
				t.Fatalf("%d samples", len(r.samples))
			}
			r.duration()
			r.independent()
			r.track.in(r.start)
		}
		var ts transport
		ts.segment(second, false)
		if len(ts.counters) > maxPIDs+1 {
			t.Fatalf("%d counters", len(ts.counters))
		}
		isTransportStream(second)
		isFragmented(second)
	})
}
