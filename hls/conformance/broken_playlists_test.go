package conformance_test

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func brokenMultivariants() []brokenCase {
	const m = "/live/index.m3u8"
	return []brokenCase{
		{1, "not a playlist", in("high/index.m3u8", "#EXTM3U\n", "")},
		{1, "byte order mark", in(m, "#EXTM3U", "\ufeff#EXTM3U")},
		{1, "control character", in("low/index.m3u8", "#EXT-X-VERSION", "# \x07\n#EXT-X-VERSION")},
		{1, "not UTF-8", in("low/index.m3u8", "#EXT-X-VERSION", "# \xff\n#EXT-X-VERSION")},
		{2, "neither path nor type", &site{entry: "/live/list", header: func(r *http.Request, h http.Header) {
			if r.URL.Path == "/live/list" {
				h.Set("Content-Type", "text/plain")
			}
		}}},
		{3, "tag of a media playlist", in(m, "#EXT-X-INDEP", "#EXT-X-TARGETDURATION:4\n#EXT-X-INDEP")},
		{3, "tag of a multivariant playlist", in("high/index.m3u8", "#EXT-X-TARGET", "#EXT-X-MEDIA:TYPE=AUDIO\n#EXT-X-TARGET")},
		{3, "attribute twice", in(m, "BANDWIDTH=2000000,", "BANDWIDTH=2000000,BANDWIDTH=2000000,")},
		{4, "no bandwidth", in(m, ":BANDWIDTH=2000000,", ":")},
		{4, "no bandwidth of I-frames", in(m, "BANDWIDTH=90000,", "")},
		{4, "no URI", in(m, "low/index.m3u8\n", "")},
		{5, "no codecs", pattern(m, 0, `CODECS="avc1[^"]*",`, "")},
		{5, "sound left out", in(m, ",mp4a.40.2\"", "\"")},
		{6, "other codec string", pattern(m, 0, `avc1\.......`, "avc1.4d4028")},
		{7, "no resolution", in(m, "RESOLUTION=128x72,", "")},
		{7, "other resolution", in(m, "RESOLUTION=128x72,", "RESOLUTION=1280x720,")},
		{8, "no frame rate", in(m, ",FRAME-RATE=10.000", "")},
		{8, "five decimals", in(m, "FRAME-RATE=10.000", "FRAME-RATE=10.00001")},
		{8, "other frame rate", in(m, "FRAME-RATE=10.000", "FRAME-RATE=25.000")},
		{9, "no average", in(m, "AVERAGE-BANDWIDTH=1900000,", "")},
		{10, "bandwidth below the pictures' and the sound's", in(m, "BANDWIDTH=2000000,AVERAGE", "BANDWIDTH=12000,AVERAGE")},
		{11, "bandwidth far below", in(m, "BANDWIDTH=2000000,AVERAGE", "BANDWIDTH=10000,AVERAGE")},
		{12, "average far below", in(m, "AVERAGE-BANDWIDTH=1900000", "AVERAGE-BANDWIDTH=100").with(func(s *site) { s.scale, s.window, s.watch = 100, 12, 10*time.Minute })},
		{13, "no such captions", in(m, "CLOSED-CAPTIONS=NONE", `CLOSED-CAPTIONS="cc"`)},
		{13, "no such group", in(m, `AUDIO="audio"`, `AUDIO="sound"`)},
		{14, "none in quotes", in(m, "CLOSED-CAPTIONS=NONE", `CLOSED-CAPTIONS="NONE"`)},
		{14, "none on some", in(m, `CODECS="mp4a.40.2",CLOSED-CAPTIONS=NONE`, `CODECS="mp4a.40.2"`)},
		{15, "no name", in(m, `NAME="Audio",`, "")},
		{15, "a name twice", in(m, "#EXT-X-STREAM-INF:BANDWIDTH=2", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Audio\",LANGUAGE=\"de\"\n#EXT-X-STREAM-INF:BANDWIDTH=2")},
		{15, "two defaults", in(m, "#EXT-X-STREAM-INF:BANDWIDTH=2", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"B\",LANGUAGE=\"de\",DEFAULT=YES\n#EXT-X-STREAM-INF:BANDWIDTH=2")},
		{15, "captions without a channel", in(m, "#EXT-X-STREAM-INF:BANDWIDTH=2", "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"B\",LANGUAGE=\"de\"\n#EXT-X-STREAM-INF:BANDWIDTH=2")},
		{16, "no language", in(m, `LANGUAGE="en",`, "")},
		{17, "one bit rate of video", in(m, "BANDWIDTH=500000,", "BANDWIDTH=2000000,")},
		{18, "not independent", in(m, "#EXT-X-INDEPENDENT-SEGMENTS\n", "")},
		{19, "version too high", in("high/index.m3u8", "VERSION:9", "VERSION:12")},
		{20, "a heavy first variant", in(m, "BANDWIDTH=2000000,AVERAGE", "BANDWIDTH=9000000,AVERAGE")},
		{20, "another aspect ratio", in(m, "RESOLUTION=64x36", "RESOLUTION=64x48")},
		{21, "no I-frame playlist", in(m, "#EXT-X-I-FRAME-STREAM-INF", "#EXT-X-OTHER")},
		{98, "no sound alone", in(m, `CODECS="mp4a.40.2",`, `CODECS="avc1.64000b,mp4a.40.2",RESOLUTION=256x144,`)},
		{99, "version too low", in("high/index.m3u8", "VERSION:9", "VERSION:4")},
	}
}

// each edits every segment of a media playlist with its tags: from its date to its URI.
func each(suffix string, d time.Duration, edit func(msn int, s string) string) *site {
	entry := regexp.MustCompile(`(?s)#EXT-X-PROGRAM-DATE-TIME.*?\ns(\d+)\.m4s\n`)
	return rewritten(suffix, d, func(b string) string {
		return entry.ReplaceAllStringFunc(b, func(s string) string {
			msn, _ := strconv.Atoi(entry.FindStringSubmatch(s)[1])
			return edit(msn, s)
		})
	})
}

func brokenSnapshots() []brokenCase {
	const high = "high/index.m3u8"
	return []brokenCase{
		{22, "no target duration", replace("#EXT-X-TARGETDURATION:4\n", "")},
		{22, "two of them", in(high, "#EXT-X-TARGETDURATION:4\n", "#EXT-X-TARGETDURATION:4\n#EXT-X-TARGETDURATION:4\n")},
		{22, "no integer", in(high, "#EXT-X-TARGETDURATION:4\n", "#EXT-X-TARGETDURATION:4.0\n")},
		{23, "long segment", in(high, "EXTINF:4.000000,", "EXTINF:4.500000,")},
		{24, "longer segment", in(high, "EXTINF:4.000000,", "EXTINF:4.600000,")},
		{24, "longer media", replace("TARGETDURATION:4", "TARGETDURATION:3", "EXTINF:4.", "EXTINF:3.", "EXTINF:3.9", "EXTINF:2.9")},
		{25, "no map", in(high, "#EXT-X-MAP:URI=\"init.mp4\"\n", "")},
		{25, "samples in the map", bytesOf("high/init", func(b []byte) []byte { return append(b, "\x00\x00\x00\x09mdat1"...) })},
		{26, "no dates", in(high, "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-OTHER")},
		{27, "a discontinuity without a date", each(high, 0, func(msn int, s string) string {
			if msn != 14 {
				return s
			}
			return regexp.MustCompile(`#EXT-X-PROGRAM-DATE-TIME.*\n`).ReplaceAllString(s, "#EXT-X-DISCONTINUITY\n")
		})},
		{28, "dates repeat", each(high, 0, func(msn int, s string) string {
			return regexp.MustCompile(`(T\d\d:\d\d:\d\d)\.000Z`).ReplaceAllString(s, fmt.Sprintf("${1}.%d00Z", msn%2*9))
		})},
		{29, "four segments", (&site{}).with(func(s *site) { s.window = 4 })},
		{30, "half a minute", &site{}},
		{31, "no discontinuity sequence", in(high, "#EXT-X-DISCONTINUITY-SEQUENCE:0\n", "")},
		{32, "an event that forgets", in(high, "#EXT-X-TARGET", "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-TARGET")},
		{32, "on demand without an end", in(high, "#EXT-X-TARGET", "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGET")},
		{33, "another format unsaid", each(high, 0, func(msn int, s string) string {
			if msn != 16 {
				return s
			}
			return "#EXT-X-MAP:URI=\"../low/init.mp4\"\n" + s
		})},
	}
}

func brokenDateRanges() []brokenCase {
	const high = "high/index.m3u8"
	one := func(attributes string) *site { return in(high, `,X-N="1"`, attributes) }
	delta := func(old, with string) *site {
		return rewritten(high, 0, func(b string) string {
			if !strings.Contains(b, "#EXT-X-SKIP") {
				return b
			}
			return strings.Replace(b, old, with, 1)
		})
	}
	return []brokenCase{
		{100, "no ID", in(high, `ID="lesson",`, "")},
		{100, "no start", in(high, `START-DATE=`, "X-DATE=")},
		{100, "no date as start", in(high, `START-DATE="`, `START-DATE="in `)},
		{100, "less than nothing", one(",DURATION=-1")},
		{100, "planned for less than nothing", one(",PLANNED-DURATION=-0.5")},
		{100, "an end before the start", one(`,END-DATE="1999-01-01T00:00:00Z"`)},
		{100, "no date as end", one(`,END-DATE="later"`)},
		{100, "an end and another duration", one(`,DURATION=3,END-DATE="2100-01-01T00:00:00Z"`)},
		{100, "ends on the next of no class", in(high, `CLASS="test"`, "END-ON-NEXT=YES")},
		{100, "not to be read", one(`,X-N="`)},
		{100, "no dates", in(high, "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-OTHER")},
		{101, "an attribute changes", after(high, 5*time.Second, `X-N="1"`, `X-N="2"`)},
		{101, "two of one ID that differ", one(",X-N=\"1\"\n#EXT-X-DATERANGE:ID=\"lesson\",START-DATE=\"2030-01-01T00:00:00Z\"")},
		{102, "left out of a delta update", delta("#EXT-X-DATERANGE", "#EXT-X-OTHER")},
		{102, "said to be removed", delta("#EXT-X-SKIP:", "#EXT-X-SKIP:RECENTLY-REMOVED-DATERANGES=\"a\tb\",")},
		{102, "not said what was removed", in(high, "HOLD-BACK=12", "CAN-SKIP-DATERANGES=YES,HOLD-BACK=12")},
	}
}

func brokenChanges() []brokenCase {
	const high = "high/index.m3u8"
	gone := func(what string) *site {
		s := &site{}
		s.answer = func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
			var msn, part int
			listed := s.published("high")/4 - 7
			name := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
			if what == "s" && scan(name, "s%d.m4s", &msn) && msn < listed || what == "p" && scan(name, "p%d.%d.m4s", &msn, &part) && msn < listed+4 {
				w.WriteHeader(http.StatusNotFound)
				return true
			}
			return false
		}
		return s
	}
	return []brokenCase{
		{34, "target duration changes", after(high, 5*time.Second, "DURATION:4\n", "DURATION:5\n")},
		{35, "media sequence goes back", pattern(high, 5*time.Second, `SEQUENCE:\d+\n#EXT-X-D`, "SEQUENCE:1\n#EXT-X-D")},
		{36, "discontinuity sequence jumps", after(high, 5*time.Second, "DISCONTINUITY-SEQUENCE:0", "DISCONTINUITY-SEQUENCE:3")},
		{37, "a date changes", each(high, 5*time.Second, func(msn int, s string) string {
			if msn != 13 {
				return s
			}
			return strings.Replace(s, ".000Z", ".004Z", 1)
		})},
		{37, "a URI changes", after(high, 5*time.Second, "\ns14.m4s", "\ns14.m4s?")},
		{38, "segments left out", pattern(high, 5*time.Second, `SEQUENCE:\d+\n#EXT-X-D`, "SEQUENCE:99\n#EXT-X-D")},
		{39, "a long pause", &site{watch: 20 * time.Second, late: func(_ string, n int) time.Duration {
			if n >= 66 {
				return 9 * time.Second
			}
			return 0
		}}},
		{40, "removed segment gone", gone("s")},
		{69, "removed part gone", gone("p")},
		{90, "gone before caches forget it", gone("s")},
		{41, "half a line", rewritten("low/index.m3u8", 5*time.Second, func(b string) string { return b[:len(b)-20] })},
		{41, "half an entry", rewritten("low/index.m3u8", 5*time.Second, func(b string) string { return b[:strings.LastIndex(b, ",\ns")+2] })},
		{41, "half a file", answering(func(w http.ResponseWriter, r *http.Request, at time.Duration) bool {
			if at < 5*time.Second || !strings.HasSuffix(r.URL.Path, high) || r.Header.Get("Accept-Encoding") != "gzip" {
				return false
			}
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write([]byte("#EXTM3U\n"))
			_ = z.Flush()
			return true
		})},
		{42, "hint after the end", in(high, "#EXT-X-ENDLIST", "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n#EXT-X-ENDLIST").with(func(s *site) { s.ends = 5 * time.Second })},
		{43, "another life after a restart", pattern(high, 8*time.Second, `SEQUENCE:\d+\n#EXT-X-D`, "SEQUENCE:0\n#EXT-X-D").with(func(s *site) {
			s.watch = 16 * time.Second
			s.answer = func(w http.ResponseWriter, _ *http.Request, at time.Duration) bool {
				if at < 4*time.Second || at > 8*time.Second {
					return false
				}
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
		})},
	}
}

func brokenAcross() []brokenCase {
	const audio, m = "audio/index.m3u8", "/live/index.m3u8"
	return []brokenCase{
		{44, "target durations differ", in(audio, "DURATION:4\n", "DURATION:6\n")},
		{45, "server controls differ", in(audio, "HOLD-BACK=12", "HOLD-BACK=13")},
		{46, "discontinuity numbers differ", in(audio, "DISCONTINUITY-SEQUENCE:0", "DISCONTINUITY-SEQUENCE:1")},
		{46, "timestamps differ", bytesOf("low/", func(b []byte) []byte { return moved(b, 90000*10) })},
		{47, "boundaries differ", each(audio, 0, func(msn int, s string) string {
			if msn != 14 {
				return s
			}
			return regexp.MustCompile(`EXTINF:[\d.]+`).ReplaceAllString(s, "EXTINF:3.7")
		})},
		{48, "dates differ", rewritten(audio, 0, func(b string) string {
			return regexp.MustCompile(`\.\d\d\dZ`).ReplaceAllString(b, ".900Z")
		})},
		{49, "one rendition ends much earlier", pattern(audio, 0, `(?s)(#EXT-X-PROGRAM-DATE-TIME[^#]*#EXTINF[^#]*){2}#EXT-X-ENDLIST`, "#EXT-X-ENDLIST").with(func(s *site) { s.ended = true })},
		{50, "sound comes later", &site{late: func(r string, _ int) time.Duration {
			if r == "audio" {
				return 1800 * time.Millisecond
			}
			return 0
		}}},
		{51, "other sound for the low variant", in(m, "36,FRAME-RATE=10.000,AUDIO=\"audio\"", "36,FRAME-RATE=10.000",
			"#EXT-X-STREAM-INF:BANDWIDTH=2", "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"B\",LANGUAGE=\"de\"\n#EXT-X-STREAM-INF:BANDWIDTH=2")},
		{96, "a gap everywhere", each("index.m3u8", 0, func(msn int, s string) string {
			if msn != 14 {
				return s
			}
			return "#EXT-X-GAP\n" + s
		})},
		{95, "listed segment missing", status(http.StatusNotFound, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "high/s14.m4s") })},
		{95, "listed part missing", status(http.StatusNotFound, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".1.m4s") })},
		{95, "listed playlist missing", in(m, "\nlow/index.m3u8", "\nlow/nothing.m3u8")},
		{97, "not for I-frames only", in("iframes.m3u8", "#EXT-X-I-FRAMES-ONLY\n", "")},
		{97, "no map for I-frames", in("iframes.m3u8", "#EXT-X-MAP:URI=\"init.mp4\"\n", "")},
		{97, "no such I-frame", pattern("iframes.m3u8", 0, `\ns1(\d)`, "\nx1$1")},
		{97, "no such I-frame playlist", in(m, `URI="high/iframes.m3u8"`, `URI="high/nothing.m3u8"`)},
	}
}
