package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// magic begins every Hello, whatever its version.
const magic = "lectern worker\n"

// AppendHello appends the first frame of either side. build names the program, so
// that a worker of another build is noticed.
func AppendHello(dst []byte, build string) ([]byte, error) {
	start := len(dst)
	dst = append(begin(dst, KindHello), magic...)
	dst = binary.BigEndian.AppendUint16(dst, Version)
	return seal(append(dst, build...), start)
}

// ParseHello returns the build of the peer. The error wraps ErrVersion if it
// speaks another version of the protocol.
func ParseHello(body []byte) (string, error) {
	rest, ok := bytes.CutPrefix(body, []byte(magic))
	if !ok || len(rest) < 2 {
		return "", fmt.Errorf("%w: the hello begins with %q", ErrFrame, body[:min(len(body), 32)])
	}
	if v := binary.BigEndian.Uint16(rest); v != Version {
		return "", fmt.Errorf("%w: %d, not %d", ErrVersion, v, Version)
	}
	return Printable(string(rest[2:])), nil
}

// AppendOpen appends the start of a run.
func AppendOpen(dst []byte, run uint32, spec transcode.Spec) ([]byte, error) {
	return appendJSON(dst, KindOpen, run, spec)
}

// ParseOpen reads the start of a run.
func ParseOpen(body []byte) (run uint32, spec transcode.Spec, err error) {
	run, err = parseJSON(KindOpen, body, &spec)
	return run, spec, err
}

// AppendEffort appends a change of effort.
func AppendEffort(dst []byte, run uint32, e transcode.Effort) ([]byte, error) {
	return appendJSON(dst, KindEffort, run, e)
}

// ParseEffort reads a change of effort.
func ParseEffort(body []byte) (run uint32, e transcode.Effort, err error) {
	run, err = parseJSON(KindEffort, body, &e)
	return run, e, err
}

// AppendDrain appends the wish for all that is buffered.
func AppendDrain(dst []byte, run uint32) ([]byte, error) { return appendRun(dst, KindDrain, run, nil) }

// ParseRun reads a frame of kind k that is only the number of a run: drain and
// drained.
func ParseRun(k Kind, body []byte) (uint32, error) {
	run, _, err := splitRun(k, body, 0)
	return run, err
}

// AppendOpened appends the description of the encoded tracks.
func AppendOpened(dst []byte, run uint32, tracks []media.Track) ([]byte, error) {
	return appendJSON(dst, KindOpened, run, tracks)
}

// ParseOpened reads the description of the encoded tracks, which says nothing
// about their sense.
func ParseOpened(body []byte) (run uint32, tracks []media.Track, err error) {
	run, err = parseJSON(KindOpened, body, &tracks)
	return run, tracks, err
}

// AppendDrained appends the end of a run that was drained.
func AppendDrained(dst []byte, run uint32) ([]byte, error) {
	return appendRun(dst, KindDrained, run, nil)
}

// AppendStats appends what an Encoding counts; run is 0 if there is none.
func AppendStats(dst []byte, run uint32, s transcode.Stats) ([]byte, error) {
	return appendJSON(dst, KindStats, run, s)
}

// ParseStats reads what an Encoding counts.
func ParseStats(body []byte) (run uint32, s transcode.Stats, err error) {
	run, err = parseJSON(KindStats, body, &s)
	return run, s, err
}

// AppendFailed appends the end of a run by an error; spec reports whether the run
// could never work. A long text is cut.
func AppendFailed(dst []byte, run uint32, spec bool, text string) ([]byte, error) {
	flag := byte(0)
	if spec {
		flag = 1
	}
	text = text[:min(len(text), maxSmallBytes-runHeader-1)]
	return appendRun(dst, KindFailed, run, append([]byte{flag}, text...))
}

// ParseFailed reads the end of a run by an error.
func ParseFailed(body []byte) (run uint32, spec bool, text string, err error) {
	run, rest, err := splitRun(KindFailed, body, -1)
	if err != nil {
		return 0, false, "", err
	}
	if len(rest) == 0 || rest[0] > 1 {
		return 0, false, "", fmt.Errorf("%w: failed without a flag", ErrFrame)
	}
	return run, rest[0] == 1, Printable(string(rest[1:])), nil
}

// Printable returns s fit for a log line: without control characters and without
// what is not UTF-8.
func Printable(s string) string {
	s = strings.ToValidUTF8(s, "?")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x2028 || r == 0x2029 || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

func appendJSON(dst []byte, k Kind, run uint32, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrUnsendable, err)
	}
	return appendRun(dst, k, run, b)
}

func parseJSON(k Kind, body []byte, v any) (uint32, error) {
	run, rest, err := splitRun(k, body, -1)
	if err != nil {
		return 0, err
	}
	if err = json.Unmarshal(rest, v); err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrFrame, k, err)
	}
	return run, nil
}
