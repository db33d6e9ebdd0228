package app_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
)

// lesson is one publisher of one class, sending RTMP.
type lesson struct {
	*server
	id     string
	client *rtmptest.Client
}

func (s *server) lesson(id string) *lesson {
	s.t.Helper()
	return &lesson{server: s, id: id, client: s.push(s.create(id).StreamKey)}
}

func (l *lesson) headers(at time.Duration, tracks ...media.Track) {
	l.t.Helper()
	if err := l.client.WriteHeaders(uint32(at/time.Millisecond), tracks); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lesson) write(src *mediatest.Source, samples []media.Sample) {
	l.t.Helper()
	if err := l.client.WriteSamples(src.Tracks(), samples...); err != nil {
		l.t.Fatal(err)
	}
}

// send sends the source's headers and its next d.
func (l *lesson) send(src *mediatest.Source, d time.Duration) {
	l.t.Helper()
	samples := src.Take(d)
	l.headers(samples[0].DTS, src.Tracks()...)
	l.write(src, samples)
}

// listed is what one media playlist says, and the decode times in its segments.
type listed struct {
	durations       []time.Duration
	discontinuities int
	maps            []string
	dates           []time.Time
	starts          []time.Duration // of the first fragment of each segment
	body            string
}

func (p listed) total() (sum time.Duration) {
	for _, d := range p.durations {
		sum += d
	}
	return sum
}

var extinf = regexp.MustCompile(`^#EXTINF:([0-9.]+)`)

// playlist reads a rendition of a class that has ended, segments included, and
// checks what holds for every publisher: no EXTINF above the target, numbers
// without a hole, decode times and dates that never go back.
func (l *lesson) playlist(rendition string) listed {
	l.t.Helper()
	base := "/live/" + l.id + "/" + rendition + "/"
	var p listed
	mediatest.Eventually(l.t, func() string {
		var code int
		code, p.body = l.get(base + "index.m3u8")
		if code != http.StatusOK || !strings.Contains(p.body, "#EXT-X-ENDLIST") {
			return fmt.Sprintf("%s: %d, no end in\n%s", base, code, p.body)
		}
		return ""
	})
	scales := map[string]uint32{}
	timescale := uint32(0)
	gap := false
	for line := range strings.Lines(p.body) {
		line = strings.TrimSpace(line)
		if m := extinf.FindStringSubmatch(line); m != nil {
			sec, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				l.t.Fatal(err)
			}
			p.durations = append(p.durations, time.Duration(math.Round(sec*1e6))*time.Microsecond)
		}
		if m := mapURI.FindStringSubmatch(line); m != nil {
			p.maps = append(p.maps, m[1])
			if _, ok := scales[m[1]]; !ok {
				_, section := l.get(base + m[1])
				scales[m[1]] = mdhdTimescale(l.t, []byte(section))
			}
			timescale = scales[m[1]]
		}
		if date, ok := strings.CutPrefix(line, "#EXT-X-PROGRAM-DATE-TIME:"); ok {
			at, err := time.Parse("2006-01-02T15:04:05.999Z07:00", date)
			if err != nil {
				l.t.Fatal(err)
			}
			p.dates = append(p.dates, at)
		}
		switch {
		case line == "#EXT-X-DISCONTINUITY":
			p.discontinuities++
		case line == "#EXT-X-GAP":
			gap = true
		case segmentLine.MatchString(line) && !gap:
			_, section := l.get(base + line)
			p.starts = append(p.starts, tfdt(l.t, []byte(section), timescale))
		case segmentLine.MatchString(line):
			gap = false
		}
	}
	numbers := segments(p.body)
	for i := range numbers {
		if i > 0 && numbers[i] != numbers[i-1]+1 {
			l.t.Errorf("%s: segment %d follows %d", base, numbers[i], numbers[i-1])
		}
	}
	for _, d := range p.durations {
		if d >= 4500*time.Millisecond || d <= 0 {
			l.t.Errorf("%s: a segment of %s with a target of 4 s", base, d)
		}
	}
	if !slices.IsSorted(p.starts) || !slices.IsSortedFunc(p.dates, time.Time.Compare) {
		l.t.Errorf("%s: time goes back: %v, %v", base, p.starts, p.dates)
	}
	if len(numbers) == 0 || len(numbers) != len(p.durations) {
		l.t.Errorf("%s: %d segments with %d durations in\n%s", base, len(numbers), len(p.durations), p.body)
	}
	return p
}

// box returns the content of the first box of the path, such as moof/traf/tfdt.
func box(b []byte, path ...string) []byte {
	for len(b) >= 8 && len(path) > 0 {
		size := int(binary.BigEndian.Uint32(b))
		if size < 8 || size > len(b) {
			return nil
		}
		if string(b[4:8]) == path[0] {
			if len(path) == 1 {
				return b[8:size]
			}
			b, path = b[8:size], path[1:]
			continue
		}
		b = b[size:]
	}
	return nil
}

func mdhdTimescale(t *testing.T, init []byte) uint32 {
	t.Helper()
	b := box(init, "moov", "trak", "mdia", "mdhd")
	if len(b) < 16 {
		t.Fatalf("no mdhd in %d bytes", len(init))
	}
	if b[0] == 1 {
		return binary.BigEndian.Uint32(b[20:])
	}
	return binary.BigEndian.Uint32(b[12:])
}

func tfdt(t *testing.T, segment []byte, timescale uint32) time.Duration {
	t.Helper()
	b := box(segment, "moof", "traf", "tfdt")
	if len(b) < 12 || b[0] != 1 {
		t.Fatalf("no tfdt in %d bytes", len(segment))
	}
	return media.Timescale(timescale).Duration(int64(binary.BigEndian.Uint64(b[4:])))
}

const ms = time.Millisecond

// as returns the server for a subtest.
func (s *server) as(t *testing.T) *server {
	t.Helper()
	c := *s
	c.t = t
	return &c
}

func className(test string) string {
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(test), "-")
	return strings.Trim(name[:min(len(name), 40)], "-")
}

func within(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if d := got - want; d < -100*ms || d > 100*ms {
		t.Errorf("%s: %s, want %s", what, got, want)
	}
}
