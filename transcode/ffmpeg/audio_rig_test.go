package ffmpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/asticode/go-astiav"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
)

// soundRecorder is an Output that keeps what it gets.
type soundRecorder struct {
	mu         sync.Mutex // guards the fields below
	units      map[media.TrackID][]*media.AccessUnit
	loudness   []transcode.Loudness
	thumbnails []transcode.Thumbnail
}

func newSoundRecorder() *soundRecorder {
	return &soundRecorder{units: map[media.TrackID][]*media.AccessUnit{}}
}

func (r *soundRecorder) AccessUnit(au *media.AccessUnit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.units[au.Track] = append(r.units[au.Track], au)
}

func (r *soundRecorder) Stopped(media.TrackID, int64) {}

func (r *soundRecorder) Thumbnail(t transcode.Thumbnail) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.thumbnails = append(r.thumbnails, t)
}

func (r *soundRecorder) Loudness(l transcode.Loudness) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.loudness = append(r.loudness, l)
}

// beeps is the test signal: silence, with 100 ms of a 1 kHz tone at half scale at
// each of the times, in seconds, in all channels.
func beeps(times ...float64) func(at float64) float64 {
	return func(at float64) float64 {
		for _, t := range times {
			if at >= t && at < t+0.1 {
				return 0.5 * math.Sin(2*math.Pi*1000*(at-t))
			}
		}
		return 0
	}
}

func tone(amplitude float64) func(at float64) float64 {
	return func(at float64) float64 { return amplitude * math.Sin(2*math.Pi*1000*at) }
}

// soundSource says how a publisher codes its sound.
type soundSource struct {
	codec          media.Codec
	encoder        string // FFmpeg's name
	sample         astiav.SampleFormat
	rate, channels int
	bitRate        int64
}

// encodeSound codes seconds of a signal that begins at offset on the class's
// clock. What the encoder puts before the signal's beginning is left in.
func encodeSound(tb testing.TB, s soundSource, seconds float64, offset time.Duration, signal func(at float64) float64) (media.Track, []*media.AccessUnit) {
	tb.Helper()
	astiav.SetLogLevel(astiav.LogLevelFatal)
	var live objects
	what := astiav.FindEncoderByName(s.encoder)
	enc, err := newCodec(&live, what)
	if err != nil {
		tb.Fatalf("encoder %s: %v", s.encoder, err)
	}
	defer enc.release()
	layouts := map[int]astiav.ChannelLayout{1: astiav.ChannelLayoutMono, 2: astiav.ChannelLayoutStereo, 6: astiav.ChannelLayout5Point1Back}
	enc.raw.SetSampleFormat(s.sample)
	enc.raw.SetSampleRate(s.rate)
	enc.raw.SetChannelLayout(layouts[s.channels])
	enc.raw.SetTimeBase(astiav.NewRational(1, s.rate))
	enc.raw.SetBitRate(s.bitRate)
	enc.raw.SetFlags(astiav.NewCodecContextFlags(astiav.CodecContextFlagGlobalHeader))
	if err = enc.open(nil); err != nil {
		tb.Fatalf("open encoder %s: %v", s.encoder, err)
	}
	track := media.Track{
		ID: media.AudioTrackID, Codec: s.codec, Timescale: media.Timescale(s.rate),
		Audio: media.AudioFormat{Config: enc.raw.ExtraData(), SampleRate: s.rate, Channels: s.channels},
	}
	first := track.Timescale.Ticks(offset)

	pkt, err := newPacket(&live)
	if err != nil {
		tb.Fatalf("packet: %v", err)
	}
	defer pkt.release()
	var units []*media.AccessUnit
	send := func(f *astiav.Frame) {
		if err := enc.raw.SendFrame(f); err != nil {
			tb.Fatalf("encode: %v", err)
		}
		for {
			pkt.raw.Unref()
			err := enc.raw.ReceivePacket(pkt.raw)
			if errors.Is(err, astiav.ErrEagain) || errors.Is(err, astiav.ErrEof) {
				return
			}
			if err != nil {
				tb.Fatalf("encode: %v", err)
			}
			pts := pkt.raw.Pts() + first
			if pts < 0 || pkt.raw.Size() == 0 { // FLAC ends with a packet of side data alone
				continue
			}
			units = append(units, &media.AccessUnit{
				Track: track.ID, PTS: pts, DTS: pts, RandomAccess: true, Payload: [][]byte{pkt.raw.Data()},
			})
		}
	}
	size := enc.raw.FrameSize()
	if size == 0 {
		size = s.rate / 50
	}
	for at := 0; at < int(seconds*float64(s.rate)); at += size {
		send(soundFrame(tb, &live, s, layouts[s.channels], at, size, signal).raw)
	}
	send(nil)
	return track, units
}

// soundFrame makes a frame of the signal. It is freed at the end of the test.
func soundFrame(tb testing.TB, live *objects, s soundSource, layout astiav.ChannelLayout, at, size int, signal func(at float64) float64) *frame {
	tb.Helper()
	f, err := newFrame(live)
	if err != nil {
		tb.Fatalf("frame: %v", err)
	}
	tb.Cleanup(f.release)
	f.raw.SetSampleFormat(s.sample)
	f.raw.SetSampleRate(s.rate)
	f.raw.SetChannelLayout(layout)
	f.raw.SetNbSamples(size)
	f.raw.SetPts(int64(at))
	if err = f.raw.AllocBuffer(0); err != nil {
		tb.Fatalf("allocate frame: %v", err)
	}
	values := make([]float64, size)
	for i := range values {
		values[i] = signal(float64(at+i) / float64(s.rate))
	}
	switch s.sample {
	case astiav.SampleFormatS16:
		for i, plane := 0, planeOf[int16](f.raw, 0, size*s.channels); i < len(plane); i++ {
			plane[i] = int16(values[i/s.channels] * 32767)
		}
	case astiav.SampleFormatFltp:
		for c := range s.channels {
			for i, plane := 0, planeOf[float32](f.raw, c, size); i < size; i++ {
				plane[i] = float32(values[i])
			}
		}
	case astiav.SampleFormatS32:
		for i, plane := 0, planeOf[int32](f.raw, 0, size*s.channels); i < len(plane); i++ {
			plane[i] = int32(values[i/s.channels] * math.MaxInt32)
		}
	case astiav.SampleFormatU8:
		for i, plane := 0, planeOf[uint8](f.raw, 0, size*s.channels); i < len(plane); i++ {
			plane[i] = uint8(128 + values[i/s.channels]*127)
		}
	default:
		tb.Fatalf("no signal in %s", s.sample)
	}
	return f
}

var (
	pcmSource = soundSource{codec: media.CodecPCM, encoder: "pcm_s16le", sample: astiav.SampleFormatS16, rate: 48000, channels: 2}
	aacSource = soundSource{codec: media.CodecAAC, encoder: "aac", sample: astiav.SampleFormatFltp, rate: 48000, channels: 2, bitRate: 128000}
)

const soundTrack media.TrackID = 9

// soundSpec asks for one stereo rendition.
func soundSpec(t media.Track) transcode.Spec {
	return transcode.Spec{
		Tracks: []media.Track{t},
		Audio:  []transcode.AudioRung{{Track: soundTrack, Rendition: "audio", Channels: 2, BitRate: 128000}},
	}
}

// soundRig is a path, what it gave, and the count of what it owns.
type soundRig struct {
	*audioPath
	live objects
	out  *soundRecorder
}

// newSoundRig opens a path that is closed at the end of the test, when nothing of
// it may be left.
func newSoundRig(tb testing.TB, spec transcode.Spec) *soundRig {
	tb.Helper()
	r := &soundRig{out: newSoundRecorder()}
	p, err := newAudioPath(&r.live, spec, r.out)
	if err != nil {
		tb.Fatalf("open path: %v", err)
	}
	r.audioPath = p
	tb.Cleanup(func() {
		p.close()
		if n := r.live.live.Load(); n != 0 {
			tb.Errorf("%d objects are left after close", n)
		}
	})
	return r
}

func (r *soundRig) writeAll(tb testing.TB, units []*media.AccessUnit) {
	tb.Helper()
	for _, au := range units {
		if err := r.write(au); err != nil {
			tb.Fatalf("write: %v", err)
		}
	}
}

func (r *soundRig) finish(tb testing.TB) []*media.AccessUnit {
	tb.Helper()
	if err := r.drain(); err != nil {
		tb.Fatalf("drain: %v", err)
	}
	units := r.out.units[soundTrack]
	checkContiguous(tb, units)
	return units
}

// checkContiguous fails tb unless units stand on the grid, one after the other.
func checkContiguous(tb testing.TB, units []*media.AccessUnit) {
	tb.Helper()
	if len(units) == 0 {
		tb.Fatal("there are no access units")
	}
	for i, au := range units {
		if au.PTS%audioFrame != 0 || au.PTS < 0 || au.DTS != au.PTS || !au.RandomAccess || au.Size() == 0 {
			tb.Fatalf("access unit %d: PTS %d, DTS %d, random access %t, %d bytes", i, au.PTS, au.DTS, au.RandomAccess, au.Size())
		}
		if i > 0 && au.PTS != units[i-1].PTS+audioFrame {
			tb.Fatalf("access unit %d at %d follows %d", i, au.PTS, units[i-1].PTS)
		}
	}
}

// decodeSound decodes a rendition with the ffmpeg program and returns the first
// channel and the time of its first sample.
func decodeSound(tb testing.TB, track media.Track, units []*media.AccessUnit) (samples []float32, start float64) {
	tb.Helper()
	var adts bytes.Buffer
	for _, au := range units {
		n := au.Size() + 7
		adts.Write([]byte{ // ISO/IEC 14496-3 §1.A.2.2: AAC-LC, 48 kHz
			0xff, 0xf1, 0x4c, byte(track.Audio.Channels<<6) | byte(n>>11), byte(n >> 3), byte(n<<5) | 0x1f, 0xfc,
		})
		for _, b := range au.Payload {
			adts.Write(b)
		}
	}
	name := filepath.Join(tb.TempDir(), "sound.aac")
	if err := os.WriteFile(name, adts.Bytes(), 0o600); err != nil {
		tb.Fatalf("write sound: %v", err)
	}
	cmd := exec.CommandContext(tb.Context(), "ffmpeg", "-nostdin", "-v", "error", "-i", name,
		"-af", "pan=mono|c0=c0", "-ar", strconv.Itoa(audioRate), "-f", "f32le", "-")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	raw, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		tb.Fatalf("decode sound: %v\n%s", err, complaints.Bytes())
	}
	samples = make([]float32, len(raw)/4)
	if err = binary.Read(bytes.NewReader(raw), binary.LittleEndian, samples); err != nil {
		tb.Fatalf("read samples: %v", err)
	}
	if want := len(units) * audioFrame; len(samples) != want {
		tb.Errorf("decoded %d samples, want %d", len(samples), want)
	}
	return samples, float64(units[0].PTS) / audioRate
}

// onsets returns when tones begin after silence, in seconds.
func onsets(samples []float32, start float64) []float64 {
	var found []float64
	quiet := audioRate / 20
	for i, v := range samples {
		if math.Abs(float64(v)) < 0.15 {
			quiet++
			continue
		}
		if quiet >= audioRate/50 {
			found = append(found, start+float64(i)/audioRate)
		}
		quiet = 0
	}
	return found
}

func checkOnsets(tb testing.TB, got []float64, tolerance time.Duration, want ...float64) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Fatalf("tones begin at %.3f, want %.3f", got, want)
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > tolerance.Seconds() {
			tb.Errorf("tone %d begins at %.4f s, want %.4f s ± %s", i, got[i], want[i], tolerance)
		}
	}
}
