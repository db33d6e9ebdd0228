package lecture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"strings"
	"time"
)

// sampleRate of the lecture's sound in Hz: what espeak-ng speaks at.
const sampleRate = 22050

// sound is 16-bit mono PCM at sampleRate.
type sound []int16

func (s sound) duration() time.Duration {
	return time.Duration(len(s)) * time.Second / sampleRate
}

// pad returns s lengthened with silence to d.
func (s sound) pad(d time.Duration) sound {
	n := int(d * sampleRate / time.Second)
	return append(s, make(sound, max(0, n-len(s)))...)
}

// speak returns text spoken by the espeak-ng program. It returns an error that
// wraps [exec.ErrNotFound] where the program is missing.
func speak(ctx context.Context, text string) (sound, error) {
	cmd := exec.CommandContext(ctx, "espeak-ng", "-v", "en-gb", "-s", "150", "-g", "4", "--stdin", "--stdout")
	cmd.Stdin = strings.NewReader(text)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	wav, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("speak with espeak-ng: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return parseWAV(wav)
}

var errNotSpeech = errors.New("not 16-bit mono sound at 22050 Hz")

// parseWAV returns the samples of a RIFF file. The sizes in a file written to a
// pipe are not to be trusted, so the data chunk runs to the end at most.
func parseWAV(b []byte) (sound, error) {
	const headerBytes = 44
	if len(b) < headerBytes || string(b[:4]) != "RIFF" || string(b[36:40]) != "data" ||
		binary.LittleEndian.Uint16(b[22:]) != 1 || binary.LittleEndian.Uint32(b[24:]) != sampleRate || binary.LittleEndian.Uint16(b[34:]) != 16 {
		return nil, fmt.Errorf("read speech: %w", errNotSpeech)
	}
	data := b[headerBytes:]
	s := make(sound, len(data)/2)
	for i := range s {
		s[i] = int16(binary.LittleEndian.Uint16(data[2*i:])) //nolint:gosec // reinterprets the bits
	}
	return s, nil
}

// chime is what is heard where nobody can speak: a soft tone that says a slide
// has changed.
func chime() sound {
	s := make(sound, sampleRate)
	for i := range s {
		t := float64(i) / sampleRate
		s[i] = int16(9000 * math.Exp(-4*t) * (math.Sin(2*math.Pi*523.25*t) + 0.5*math.Sin(2*math.Pi*783.99*t)))
	}
	return s
}

// wav returns s as a RIFF file.
func (s sound) wav() []byte {
	var b bytes.Buffer
	data := uint32(2 * len(s)) //nolint:gosec // a lecture lasts minutes
	b.WriteString("RIFF")
	for _, v := range []any{
		36 + data, [8]byte([]byte("WAVEfmt ")), uint32(16), uint16(1), uint16(1),
		uint32(sampleRate), uint32(2 * sampleRate), uint16(2), uint16(16), [4]byte([]byte("data")), data, []int16(s),
	} {
		_ = binary.Write(&b, binary.LittleEndian, v) // a bytes.Buffer does not fail
	}
	return b.Bytes()
}
