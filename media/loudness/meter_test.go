package loudness_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/lectern/lectern/media/loudness"
)

// tone is a run of a sine.
type tone struct {
	dBFS, seconds float64
}

// sine makes interleaved samples of the same sine in every channel.
func sine(rate, channels int, frequency float64, tones ...tone) []float32 {
	var out []float32
	n := 0
	for _, t := range tones {
		amplitude := math.Pow(10, t.dBFS/20)
		for range int(t.seconds * float64(rate)) {
			v := float32(amplitude * math.Sin(2*math.Pi*frequency*float64(n)/float64(rate)))
			for range channels {
				out = append(out, v)
			}
			n++
		}
	}
	return out
}

func newMeter(tb testing.TB, rate, channels int) *loudness.Meter {
	tb.Helper()
	m, err := loudness.NewMeter(rate, channels)
	if err != nil {
		tb.Fatalf("new meter: %v", err)
	}
	return m
}

func within(tb testing.TB, what string, got, want, tolerance float64) {
	tb.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		tb.Errorf("%s = %.3f, want %.3f ± %.3f", what, got, want, tolerance)
	}
}

// TestTech3341 are those of the minimum requirements test signals of EBU Tech
// 3341 (2016), table 1, that need neither gating nor surround sound.
func TestTech3341(t *testing.T) {
	for _, tc := range []struct {
		name           string
		rate, channels int
		tones          []tone
		want           float64 // LUFS
	}{
		{"signal 1: -23 dBFS stereo", 48000, 2, []tone{{-23, 5}}, -23},
		{"signal 2: -33 dBFS stereo", 48000, 2, []tone{{-33, 5}}, -33},
		{"signal 9: alternating, short-term is constant", 48000, 2, []tone{{-20, 1.34}, {-30, 1.66}, {-20, 1.34}, {-30, 1.66}}, -23},
		{"mono is 3 dB lower", 48000, 1, []tone{{-23, 4}}, -26.01},
		{"44.1 kHz", 44100, 2, []tone{{-23, 4}}, -23},
		{"8 kHz", 8000, 2, []tone{{-23, 4}}, -23},
		{"11.025 kHz, blocks of unequal length", 11025, 2, []tone{{-23, 4}}, -23},
		{"192 kHz", 192000, 2, []tone{{-23, 4}}, -23},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMeter(t, tc.rate, tc.channels)
			m.AddFloat32(sine(tc.rate, tc.channels, 1000, tc.tones...))
			within(t, "short-term loudness", m.Read().ShortTerm, tc.want, 0.1)
		})
	}
}

// TestMomentary is signal 12 of EBU Tech 3341: the momentary loudness of a tone
// that alternates within 400 ms is constant.
func TestMomentary(t *testing.T) {
	m := newMeter(t, 48000, 2)
	for range 10 {
		m.AddFloat32(sine(48000, 2, 1000, tone{-20, 0.18}, tone{-30, 0.22}))
	}
	within(t, "momentary loudness", m.Read().Momentary, -23, 0.1)

	m.AddFloat32(sine(48000, 2, 1000, tone{-10, 0.4}))
	r := m.Read()
	within(t, "momentary loudness after a step", r.Momentary, -10, 0.1)
	if r.ShortTerm > -17 {
		t.Errorf("short-term loudness = %.1f 400 ms after a step, want the slower window", r.ShortTerm)
	}
}

func TestPeakAndClipping(t *testing.T) {
	for _, tc := range []struct {
		name    string
		samples []float32
		peak    float64
		clipped int
	}{
		{"silence", make([]float32, 9600), loudness.Floor, 0},
		{"half scale", sine(48000, 2, 1000, tone{-6.02, 0.1}), -6.02, 0},
		{"just under full scale", []float32{0.999, -0.999}, -0.0087, 0},
		{"full scale of 16 bits", []float32{32767.0 / 32768, -1, 0.5, 0.5}, 0, 2},
		{"over full scale", []float32{2, -2}, 6.02, 2},
		{"not numbers", []float32{float32(math.NaN()), float32(math.NaN())}, loudness.Floor, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMeter(t, 48000, 2)
			m.AddFloat32(tc.samples)
			r := m.Read()
			within(t, "peak", r.Peak, tc.peak, 0.01)
			if r.Clipped != tc.clipped {
				t.Errorf("clipped = %d, want %d", r.Clipped, tc.clipped)
			}
			if next := m.Read(); next.Peak != loudness.Floor || next.Clipped != 0 || next.Duration != 0 {
				t.Errorf("the next reading begins with %+v, want nothing", next)
			}
		})
	}
}

func TestRecovers(t *testing.T) {
	m := newMeter(t, 48000, 2)
	inf := float32(math.Inf(1))
	nan := float32(math.NaN())
	m.AddFloat32([]float32{inf, -inf, nan, math.MaxFloat32, -math.MaxFloat32, nan})
	m.AddFloat32(sine(48000, 2, 1000, tone{-23, 8}))
	within(t, "short-term loudness after broken samples", m.Read().ShortTerm, -23, 0.1)
	m.AddSilence(4 * 48000)
	if got := m.Read().ShortTerm; got != loudness.Floor {
		t.Errorf("short-term loudness of silence = %.1f, want %.1f", got, loudness.Floor)
	}
}

func TestDuration(t *testing.T) {
	m := newMeter(t, 44100, 1)
	m.AddInt16(make([]int16, 44100))
	m.AddSilence(22050)
	if got := m.Read().Duration; got != 1500*time.Millisecond {
		t.Errorf("duration = %s, want 1.5s", got)
	}
}

func TestStart(t *testing.T) {
	m := newMeter(t, 48000, 2)
	m.AddFloat32(sine(48000, 2, 1000, tone{-23, 0.05}))
	within(t, "loudness of the first 50 ms", m.Read().ShortTerm, -23, 1)
	m.AddFloat32(sine(48000, 2, 1000, tone{-23, 0.95}))
	within(t, "loudness of the first second", m.Read().ShortTerm, -23, 0.1)
	if empty := newMeter(t, 48000, 2).Read(); empty.ShortTerm != loudness.Floor || empty.Momentary != loudness.Floor {
		t.Errorf("a meter without sound shows %+v, want the floor", empty)
	}
}

func TestNewMeterRefuses(t *testing.T) {
	for _, tc := range []struct{ rate, channels int }{{0, 2}, {-1, 2}, {1000, 2}, {1 << 30, 2}, {48000, 0}, {48000, 6}} {
		t.Run(fmt.Sprintf("%d Hz, %d channels", tc.rate, tc.channels), func(t *testing.T) {
			if _, err := loudness.NewMeter(tc.rate, tc.channels); !errors.Is(err, loudness.ErrFormat) {
				t.Errorf("error = %v, want %v", err, loudness.ErrFormat)
			}
		})
	}
}

// TestAgreesWithEBUR128 compares with the ebur128 filter of the ffmpeg program,
// on sound that is shaped like speech: bursts of coloured noise with pauses.
func TestAgreesWithEBUR128(t *testing.T) {
	for _, tc := range []struct{ rate, channels int }{{48000, 2}, {44100, 1}, {16000, 2}} {
		t.Run(fmt.Sprintf("%d Hz, %d channels", tc.rate, tc.channels), func(t *testing.T) {
			samples := speech(tc.rate, tc.channels, 6)
			m := newMeter(t, tc.rate, tc.channels)
			m.AddInt16(samples)
			got := m.Read()
			momentary, shortTerm := ebur128(t, samples, tc.rate, tc.channels)
			// The filter prints one decimal.
			within(t, "momentary loudness", got.Momentary, momentary, 0.1)
			within(t, "short-term loudness", got.ShortTerm, shortTerm, 0.1)
		})
	}
}

func speech(rate, channels, seconds int) []int16 {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]int16, 0, rate*channels*seconds)
	var low [2]float64
	for i := range rate * seconds {
		at := float64(i) / float64(rate)
		envelope := math.Pow(math.Abs(math.Sin(math.Pi*1.7*at)), 2) * (0.3 + 0.7*math.Abs(math.Sin(0.9*at)))
		for c := range channels {
			low[c] += 0.2 * (r.Float64()*2 - 1 - low[c])
			v := envelope * (0.5*low[c] + 0.15*math.Sin(2*math.Pi*(140+40*float64(c))*at))
			out = append(out, int16(v*32767))
		}
	}
	return out
}

// ebur128 returns the last reading that the ffmpeg program prints.
func ebur128(t *testing.T, samples []int16, rate, channels int) (momentary, shortTerm float64) {
	t.Helper()
	var pcm bytes.Buffer
	if err := binary.Write(&pcm, binary.LittleEndian, samples); err != nil {
		t.Fatalf("encode samples: %v", err)
	}
	name := filepath.Join(t.TempDir(), "speech.raw")
	if err := os.WriteFile(name, pcm.Bytes(), 0o600); err != nil {
		t.Fatalf("write samples: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-hide_banner", "-f", "s16le",
		"-ar", strconv.Itoa(rate), "-ac", strconv.Itoa(channels), "-i", name,
		"-af", "ebur128=framelog=verbose", "-loglevel", "verbose", "-f", "null", "-")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("run ffmpeg: %v\n%s", err, out)
	}
	lines := regexp.MustCompile(`M:\s*(-?[\d.]+) S:\s*(-?[\d.]+)`).FindAllSubmatch(out, -1)
	if len(lines) == 0 {
		t.Fatalf("ffmpeg printed no reading:\n%s", out)
	}
	last := lines[len(lines)-1]
	for i, to := range []*float64{&momentary, &shortTerm} {
		if *to, err = strconv.ParseFloat(string(last[i+1]), 64); err != nil {
			t.Fatalf("parse reading %q: %v", last[0], err)
		}
	}
	return momentary, shortTerm
}

func TestAddAllocatesNothing(t *testing.T) {
	m := newMeter(t, 48000, 2)
	floats, ints := sine(48000, 2, 1000, tone{-23, 0.2}), make([]int16, 9600)
	if got := testing.AllocsPerRun(10, func() {
		m.AddFloat32(floats)
		m.AddInt16(ints)
		m.AddSilence(4800)
		m.Read()
	}); got != 0 {
		t.Errorf("allocations = %.0f, want none", got)
	}
}

func BenchmarkAddFloat32(b *testing.B) {
	m := newMeter(b, 48000, 2)
	second := sine(48000, 2, 1000, tone{-23, 1})
	b.ReportAllocs()
	b.SetBytes(int64(len(second) * 4))
	for b.Loop() {
		m.AddFloat32(second)
	}
}
