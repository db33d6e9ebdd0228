//go:build e2e

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	// apart is how far video and audio may start from each other.
	apart = 200 * time.Millisecond
	// torn is how much sooner one track may end than the other when a publisher is
	// cut off.
	torn = 500 * time.Millisecond
	// exact is what is lost where times are written with few digits.
	exact = 2 * time.Millisecond
	// longestSegment rounds to the target duration.
	longestSegment = 4499 * time.Millisecond
)

// listed is one segment of a media playlist.
type listed struct {
	init, uri     string // absolute
	duration      time.Duration
	discontinuity bool
	gap           bool
}

var quotedURI = regexp.MustCompile(`URI="([^"]+)"`)

// readPlaylist returns the segments that a media playlist lists.
func readPlaylist(t *testing.T, playlist string) []listed {
	t.Helper()
	code, body := get(t, playlist)
	if code != 200 {
		t.Fatalf("%s answers %d %s", playlist, code, body)
	}
	base, err := url.Parse(playlist)
	if err != nil {
		t.Fatal(err)
	}
	absolute := func(ref string) string {
		u, err := base.Parse(ref)
		if err != nil {
			t.Fatal(err)
		}
		return u.String()
	}
	var out []listed
	var init string
	var next listed
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		tag, value, _ := strings.Cut(line, ":")
		switch {
		case tag == "#EXT-X-MAP":
			init = absolute(quotedURI.FindStringSubmatch(value)[1])
		case tag == "#EXT-X-DISCONTINUITY":
			next.discontinuity = true
		case tag == "#EXT-X-GAP":
			next.gap = true
		case tag == "#EXTINF":
			s, err := strconv.ParseFloat(strings.TrimRight(value, ","), 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			next.duration = time.Duration(s * float64(time.Second))
		case line != "" && !strings.HasPrefix(line, "#"):
			next.init, next.uri = init, absolute(line)
			out = append(out, next)
			next = listed{}
		}
	}
	return out
}

// packet is what ffprobe says of one access unit.
type packet struct {
	pts, dts time.Duration
	offset   int64
	key      bool
}

// segmentStart is where a segment's media begin.
type segmentStart struct {
	listed
	pts time.Duration // the lowest in the segment
}

// number is the segment's media sequence number, which its name tells.
func (l listed) number() string {
	name, _, _ := strings.Cut(path.Base(l.uri), "-")
	return name
}

// examine reads everything that a live class lists, as players do: the whole
// presentation with ffprobe, then each segment by itself.
func examine(t *testing.T, s source, multivariant string) {
	t.Helper()
	_, body := get(t, multivariant)
	if !strings.Contains(body, `CODECS="`+s.codecs) {
		t.Errorf("no CODECS that begin with %s in\n%s", s.codecs, body)
	}
	starts := map[string][]segmentStart{}
	for _, r := range []struct {
		name, from   string
		frame, loose time.Duration
	}{{"source", s.video, s.frame, s.loose}, {"audio", s.audio, s.sound, s.sound + exact}} { // its frames do not end where pictures do
		if r.from != "" {
			segments := withoutTorn(t, readPlaylist(t, strings.TrimSuffix(multivariant, "index.m3u8")+r.name+"/index.m3u8"))
			starts[r.name] = examineRendition(t, r.name, segments, r.frame, r.loose)
		}
	}
	for _, v := range starts["source"] {
		for _, a := range starts["audio"] {
			if a.number() == v.number() && (v.pts-a.pts).Abs() > apart {
				t.Errorf("video of %s starts at %s, audio at %s", v.uri, v.pts, a.pts)
			}
		}
	}
	streams := len(starts)
	if streams == 2 {
		streams++ // sound alone is a variant, too
	}
	probeAll(t, multivariant, streams)
}

// probeAll lets ffprobe find every stream of the presentation.
func probeAll(t *testing.T, multivariant string, streams int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-show_entries", "stream=codec_name,start_time", "-of", "json", multivariant).Output()
	if err != nil {
		t.Errorf("ffprobe %s: %v: %s", multivariant, err, out)
	}
	var read struct {
		Streams []struct {
			Codec string `json:"codec_name"`
			Start string `json:"start_time"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.Streams) != streams {
		t.Errorf("ffprobe finds %v, want %d streams", read.Streams, streams)
	}
}

// withoutTorn leaves out the gaps at the end of a publication, where one track
// ended a moment before the other. Other gaps are faults.
func withoutTorn(t *testing.T, segments []listed) []listed {
	t.Helper()
	var rest []listed
	for i, seg := range segments {
		last := i+1 == len(segments) || segments[i+1].discontinuity
		switch {
		case !seg.gap:
			rest = append(rest, seg)
		case !last || seg.duration > torn:
			t.Errorf("%s is a gap of %s", seg.uri, seg.duration)
		}
	}
	return rest
}

// examineRendition downloads the segments. Each decodes by itself and starts with
// a keyframe; together they leave no hole, and EXTINF says how long each is, give
// or take loose.
func examineRendition(t *testing.T, name string, segments []listed, frame, loose time.Duration) []segmentStart {
	t.Helper()
	if len(segments) < 3 {
		t.Fatalf("%s lists %d segments", name, len(segments))
	}
	dir := t.TempDir()
	var whole bytes.Buffer
	var offsets []int64
	var files []string
	for i, seg := range segments {
		if seg.init != segments[0].init {
			t.Errorf("%s has another initialization section, %s, than the first", seg.uri, seg.init)
		}
		if seg.duration > longestSegment {
			t.Errorf("%s lasts %s", seg.uri, seg.duration)
		}
		init, media := download(t, seg.init), download(t, seg.uri)
		if i == 0 {
			whole.WriteString(init)
		}
		offsets = append(offsets, int64(whole.Len()))
		whole.WriteString(media)
		files = append(files, writeFile(t, dir, fmt.Sprintf("%s%d.mp4", name, i), []byte(init+media)))
	}
	decode(t, files)

	var starts []segmentStart
	var before packet
	for i, p := range readPackets(t, writeFile(t, dir, name+".mp4", whole.Bytes())) {
		step := 2*frame + time.Millisecond
		if n := len(starts); n < len(offsets) && p.offset >= offsets[n] {
			if !p.key {
				t.Errorf("%s does not start with a keyframe", segments[n].uri)
			}
			if segments[n].discontinuity { // the tracks need not end together
				step = torn
			}
			starts = append(starts, segmentStart{listed: segments[n], pts: p.pts})
		}
		last := &starts[len(starts)-1]
		last.pts = min(last.pts, p.pts)
		if i > 0 && (p.dts <= before.dts || p.dts > before.dts+step) {
			t.Errorf("%s: packet %d has DTS %s after %s", name, i, p.dts, before.dts)
		}
		before = p
	}
	if len(starts) != len(offsets) {
		t.Fatalf("%s: packets in %d of %d segments", name, len(starts), len(offsets))
	}
	for i := range len(starts) - 1 {
		tolerance := loose
		if i == 0 && name == "audio" {
			tolerance = apart // it may begin after the pictures, whose segment it is
		}
		if segments[i].discontinuity || segments[i+1].discontinuity {
			tolerance = torn
		}
		lasts := starts[i+1].pts - starts[i].pts
		if (lasts - segments[i].duration).Abs() > tolerance {
			t.Errorf("%s: EXTINF %s, but the next starts %s later", starts[i].uri, segments[i].duration, lasts)
		}
	}
	return starts
}

func download(t *testing.T, u string) string {
	t.Helper()
	code, body := get(t, u)
	if code != 200 {
		t.Fatalf("%s answers %d", u, code)
	}
	return body
}

func writeFile(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// decode wants ffmpeg to decode each file, from nothing else, without a word.
func decode(t *testing.T, files []string) {
	t.Helper()
	args := []string{"-v", "error", "-xerror", "-nostdin"}
	var maps []string
	for i, f := range files {
		args = append(args, "-threads", "1", "-i", f)
		maps = append(maps, "-map", strconv.Itoa(i))
	}
	// In the file's own time base: in that of a frame rate, pictures at a varying
	// one would fall together.
	args = append(append(args, maps...), "-enc_time_base", "-1", "-f", "null", "-")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg decodes %s …: %v\n%s", files[0], err, out)
	}
}

// readPackets returns the packets of a file, in its order.
func readPackets(t *testing.T, file string) []packet {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-show_entries", "packet=pts_time,dts_time,pos,flags", "-of", "json", file).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", file, err)
	}
	var read struct {
		Packets []struct {
			PTS   string `json:"pts_time"`
			DTS   string `json:"dts_time"`
			Pos   string `json:"pos"`
			Flags string `json:"flags"`
		} `json:"packets"`
	}
	if err = json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	var packets []packet
	for _, p := range read.Packets {
		q := packet{pts: seconds(t, p.PTS), dts: seconds(t, p.DTS), key: strings.HasPrefix(p.Flags, "K")}
		if q.offset, err = strconv.ParseInt(p.Pos, 10, 64); err != nil {
			t.Fatal(err)
		}
		packets = append(packets, q)
	}
	return packets
}

func seconds(t *testing.T, s string) time.Duration {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(f * float64(time.Second))
}
