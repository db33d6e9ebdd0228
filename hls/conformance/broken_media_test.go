package conformance_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
)

// moved adds ticks to every tfdt in b.
func moved(b []byte, ticks uint64) []byte {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("tfdt"))
		if i < 0 {
			return b
		}
		at += i + 8
		binary.BigEndian.PutUint64(b[at:], binary.BigEndian.Uint64(b[at:])+ticks)
	}
}

// ofSegment edits one segment and its parts.
func ofSegment(msn int, edit func([]byte) []byte) *site {
	return bytesOf(fmt.Sprintf("high/s%d.", msn), edit)
}

// avcC edits the decoder configuration in the initialization section.
func avcC(edit func(config []byte)) *site {
	return bytesOf("high/init", func(b []byte) []byte {
		edit(b[bytes.Index(b, []byte("avcC"))+4:])
		return b
	})
}

func brokenBoxes() []brokenCase {
	return []brokenCase{
		{52, "an old brand", bytesOf("init", renamed("iso6", "isom", 1))},
		{52, "no mvex", bytesOf("init", renamed("mvex", "free", 1))},
		{52, "no ftyp", bytesOf("init", renamed("ftyp", "free", 1))},
		{52, "a duration", bytesOf("init", func(b []byte) []byte {
			b[bytes.Index(b, []byte("mvhd"))+4+16+3] = 9
			return b
		})},
		{53, "no tfdt", ofSegment(15, renamed("tfdt", "free", -1))},
		{53, "not from the moof", ofSegment(15, func(b []byte) []byte {
			b[bytes.Index(b, []byte("tfhd"))+5] = 0
			return b
		})},
		{53, "no boxes", ofSegment(15, func(b []byte) []byte { return b[:len(b)-100] })},
		{53, "data elsewhere", bytesOf("init", func(b []byte) []byte {
			b[bytes.Index(b, []byte("url "))+7] = 0
			return b
		})},
		{54, "a hole before a segment", ofSegment(15, func(b []byte) []byte { return moved(b, 900) })},
		{54, "a hole within a segment", ofSegment(15, func(b []byte) []byte {
			half := len(b) / 2
			return append(b[:half:half], moved(b[half:], 900)...)
		})},
		{55, "no IDR picture", bytesOf("high/s", func(b []byte) []byte {
			b[bytes.Index(b, []byte("mdat"))+4+4] = 0x41
			return b
		})},
		{56, "EXTINF that is not the media's", in("high/index.m3u8", "EXTINF:4.000000", "EXTINF:4.200000")},
		{58, "a high level", avcC(func(c []byte) { c[3] = 61 })},
		{58, "a high profile", avcC(func(c []byte) { c[1] = 122 })},
		{58, "many frames", bytesOf("high/s", func(b []byte) []byte {
			// Every sample a hundred ticks of 90000.
			for at := 0; ; {
				i := bytes.Index(b[at:], []byte("trun"))
				if i < 0 {
					return b
				}
				at += i + 4
				flags, n := binary.BigEndian.Uint32(b[at:])&0xffffff, int(binary.BigEndian.Uint32(b[at+4:]))
				each := 8
				if flags&0x400 != 0 {
					each += 4
				}
				for k := range n {
					binary.BigEndian.PutUint32(b[at+12+k*each:], 100)
				}
			}
		})},
		{59, "no program map", streams(func(b []byte) []byte { return b[188:] })},
		{59, "a counter that jumps", streams(func(b []byte) []byte {
			b[3*188+3] ^= 7
			return b
		})},
		{57, "two audio streams", streams(func(b []byte) []byte {
			b[188+5+12] = 0x0f // the video's stream type, in the PMT
			return b
		})},
	}
}

// A presentation in transport streams without faults has none of box and stream.
func TestTransportStream(t *testing.T) {
	for _, f := range check(t, streams(func(b []byte) []byte { return b })).Findings {
		if f.Number >= 52 && f.Number <= 59 {
			t.Errorf("on a good transport stream: %s", f)
		}
	}
}

// streams is a site whose segments are transport streams.
func streams(spoil func([]byte) []byte) *site {
	s := &site{noParts: true}
	s.text = func(_ string, _ time.Duration, b string) string {
		return strings.ReplaceAll(strings.ReplaceAll(b, "#EXT-X-MAP:URI=\"init.mp4\"\n", ""), ".m4s", ".ts")
	}
	s.answer = func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
		var msn int
		if !scan(path.Base(r.URL.Path), "s%d.ts", &msn) {
			return false
		}
		w.Header().Set("Content-Type", "video/mp2t")
		w.Header().Set("Cache-Control", "max-age=60")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(spoil(transportStream(msn))))
		return true
	}
	return s
}

// transportStream is a PAT, a PMT and five packets of video, as many in every segment.
func transportStream(msn int) []byte {
	var b []byte
	packet := func(pid uint16, start bool, counter int, payload []byte) {
		p := bytes.Repeat([]byte{0xff}, 188)
		p[0], p[3] = 0x47, 0x10|byte(counter&15)
		binary.BigEndian.PutUint16(p[1:], pid)
		if start {
			p[1] |= 0x40
		}
		copy(p[4:], payload)
		b = append(b, p...)
	}
	packet(0, true, msn, []byte{0, 0x00, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xe1, 0x00, 0, 0, 0, 0})
	packet(0x100, true, msn, append(
		[]byte{0, 0x02, 0xb0, 23, 0, 1, 0xc1, 0, 0, 0xe1, 0x01, 0xf0, 0},
		0x1b, 0xe1, 0x01, 0xf0, 0, 0x0f, 0xe1, 0x02, 0xf0, 0, 0, 0, 0, 0))
	for i := range 5 {
		packet(0x101, i == 0, 5*msn+i, []byte{0, 0, 1, 0xe0})
	}
	return b
}

func brokenLowLatency() []brokenCase {
	const high = "high/index.m3u8"
	reports := func(edit func(msn, part string) string) *site {
		e := regexp.MustCompile(`LAST-MSN=(\d+),LAST-PART=(\d+)`)
		return rewritten(high, 0, func(b string) string {
			return e.ReplaceAllStringFunc(b, func(s string) string {
				m := e.FindStringSubmatch(s)
				return edit(m[1], m[2])
			})
		})
	}
	return []brokenCase{
		{60, "no part hold back", replace("PART-HOLD-BACK=3.030000,", "")},
		{60, "no part target", pattern("index.m3u8", 0, "#EXT-X-PART-INF.*\n", "")},
		{61, "short part hold back", replace("PART-HOLD-BACK=3.030000,", "PART-HOLD-BACK=2.525,")},
		{62, "short hold back", replace(",HOLD-BACK=12", ",HOLD-BACK=11")},
		{62, "short skip boundary", replace("CAN-SKIP-UNTIL=24", "CAN-SKIP-UNTIL=23")},
		{63, "part target changes", after(high, 5*time.Second, "PART-TARGET=1.01", "PART-TARGET=1.02")},
		{64, "long part", in(high, "#EXT-X-PART:DURATION=1.00", "#EXT-X-PART:DURATION=1.05")},
		{64, "short part", pattern(high, 0, `DURATION=1\.000000(,URI="p\d+\.1)`, "DURATION=0.800000$1")},
		{65, "two parts at a time", &site{watch: 20 * time.Second, late: func(_ string, n int) time.Duration { return time.Duration(1-n%2) * time.Second }}},
		{66, "other bytes in a part", bytesOf(".2.m4s", func(b []byte) []byte {
			b[len(b)-1]++
			return b
		})},
		{66, "other times in a part", bytesOf(".2.m4s", func(b []byte) []byte { return moved(b, 1) })},
		{67, "all parts independent", pattern(high, 0, `(#EXT-X-PART:.*\.[13]\.m4s")`, "$1,INDEPENDENT=YES")},
		{67, "none independent", in(high, ",INDEPENDENT=YES", "")},
		{68, "a date after the first part", pattern(high, 0, `(#EXT-X-PROGRAM-DATE-TIME.*\n)(#EXT-X-PART:.*\n)`, "$2$1")},
		{69, "old parts listed", each(high, 0, func(msn int, s string) string {
			if strings.Contains(s, "EXT-X-PART:") {
				return s
			}
			return strings.Replace(s, "#EXTINF", fmt.Sprintf("#EXT-X-PART:DURATION=1.000000,URI=\"p%d.0.m4s\",INDEPENDENT=YES\n#EXTINF", msn), 1)
		})},
		{70, "no hint", in(high, "#EXT-X-PRELOAD-HINT", "#EXT-X-OTHER")},
		{70, "a hint that does not come true", in(high, "TYPE=PART,URI=\"p", "TYPE=PART,URI=\"x")},
		{70, "no hint at the map", pattern(high, 0, `(#EXT-X-PART:.*p1[6-9]\.0\.m4s)`, "#EXT-X-MAP:URI=\"init.mp4?\"\n$1")},
		{71, "a part that grows", grows()},
		{72, "no report", in(high, "#EXT-X-RENDITION-REPORT", "#EXT-X-OTHER")},
		{72, "absolute report", in(high, `REPORT:URI="..`, `REPORT:URI="https://live.test/live`)},
		{72, "a report far ahead", reports(func(string, string) string { return "LAST-MSN=999,LAST-PART=0" })},
		{72, "a report far behind", reports(func(string, string) string { return "LAST-MSN=3,LAST-PART=0" })},
		{72, "a part that never was", reports(func(msn, _ string) string { return "LAST-MSN=" + msn + ",LAST-PART=7" })},
	}
}

// grows sends the hinted part as it grows.
func grows() *site {
	s := &site{}
	s.answer = func(w http.ResponseWriter, r *http.Request, _ time.Duration) bool {
		var msn, part int
		if !scan(path.Base(r.URL.Path), "p%d.%d.m4s", &msn, &part) || r.Method != http.MethodGet {
			return false
		}
		rendition := path.Base(path.Dir(r.URL.Path))
		if 4*msn+part != s.published(rendition) {
			return false
		}
		b := s.clip.part(rendition, msn, part)
		_, _ = w.Write(b[:10])
		if s.wait(r.Context(), rendition, 4*msn+part+1) != nil {
			return true
		}
		_, _ = w.Write(b[10:])
		return true
	}
	return s
}

// Two audio tracks in one initialization section break rule 57 too.
func TestTwoAudioTracks(t *testing.T) {
	two := initSection(t, sound(1), fmp4.InitTrack{ID: 2, TimeScale: rate, Codec: sound(1).Codec})
	sum := check(t, bytesOf("audio/init", func([]byte) []byte { return two }))
	for _, f := range sum.Findings {
		if f.Number == 57 {
			return
		}
	}
	t.Errorf("not found; findings: %v", sum.Findings)
}
