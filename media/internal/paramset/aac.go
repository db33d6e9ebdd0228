package paramset

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"

	"github.com/lectern/lectern/media"
)

// MPEG-4 audio object types (ISO/IEC 14496-3 Table 1.17).
const (
	objectMain  = 1
	objectLC    = 2
	objectSSR   = 3
	objectLTP   = 4
	objectSBR   = 5
	objectERLC  = 17
	objectERLTP = 19
	objectLD    = 23
	objectPS    = 29
	objectELD   = 39
	objectXHE   = 42
)

const maxConfigSize = 1 << 10

// AAC describes the audio track that asc, an AudioSpecificConfig (ISO/IEC
// 14496-3 §1.6.2.1), announces. The track has ID media.AudioTrackID and holds a
// copy of asc. The error wraps ErrMalformed.
//
// With spectral band replication announced (HE-AAC, explicitly or by the
// backward compatible extension), ObjectType is 5, or 29 with parametric stereo;
// SampleRate and the track's timescale are the rate as played, twice the core's,
// and FrameSamples is 2048. Replication that only the frames reveal is described
// as the plain AAC-LC that it is to most players: the duration of a frame comes
// out the same. Parametric stereo counts as two channels.
func AAC(asc []byte) (media.Track, error) {
	if len(asc) > maxConfigSize {
		return media.Track{}, malformed("AudioSpecificConfig of %d bytes", len(asc))
	}
	c := audioConfig{bitReader: bitReader{buf: asc}}
	c.parse()
	if c.bad {
		return media.Track{}, malformed("AudioSpecificConfig is cut short")
	}
	if c.coreRate < 7350 || c.coreRate > 96000 || (c.extension != 0 && (c.extensionRate < c.coreRate || c.extensionRate > 96000)) {
		return media.Track{}, malformed("AudioSpecificConfig: sampling rate %d, extension %d", c.coreRate, c.extensionRate)
	}
	if c.channels < 1 || c.channels > 64 {
		return media.Track{}, malformed("AudioSpecificConfig: %d channels", c.channels)
	}

	a := media.AudioFormat{
		Config:       slices.Clone(asc),
		ObjectType:   c.objectType,
		SampleRate:   c.coreRate,
		Channels:     c.channels,
		FrameSamples: c.frameSamples,
	}
	if c.extension != 0 {
		a.ObjectType = c.extension
		a.SampleRate = c.extensionRate
		a.FrameSamples = c.frameSamples * c.extensionRate / c.coreRate
		if c.extension == objectPS && c.channels == 1 {
			a.Channels = 2
		}
	}
	return media.Track{ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: media.Timescale(a.SampleRate), Audio: a}, nil
}

// bitReader reads bits until there are none left; then bad is set for good and
// every read gives 0.
type bitReader struct {
	buf []byte
	pos int
	bad bool
}

func (r *bitReader) read(n int) int {
	if n == 0 {
		return 0 // the library would look at the byte after the last
	}
	v, err := bits.ReadBits(r.buf, &r.pos, n)
	if err != nil {
		r.bad = true
	}
	if r.bad {
		return 0
	}
	return int(v)
}

func (r *bitReader) flag() bool { return r.read(1) == 1 }

func (r *bitReader) left() int { return len(r.buf)*8 - r.pos }

// audioConfig is the part of an AudioSpecificConfig that matters here.
type audioConfig struct {
	bitReader

	objectType    int
	coreRate      int // Hz
	channels      int
	frameSamples  int // at coreRate
	extension     int // objectSBR or objectPS, 0 without
	extensionRate int // Hz, set with extension
}

func (c *audioConfig) parse() {
	c.objectType = c.readObjectType()
	c.coreRate = c.readRate()
	layout := c.read(4)
	if c.objectType == objectSBR || c.objectType == objectPS {
		c.extension = c.objectType
		c.extensionRate = c.readRate()
		c.objectType = c.readObjectType()
	}
	c.channels = channelsOf(layout)
	c.frameSamples = 1024

	switch c.objectType {
	case objectMain, objectLC, objectSSR, objectLTP, objectERLC, objectERLTP, objectLD:
		c.parseGeneral(layout)
	case objectELD:
		c.frameSamples = 512
		if c.flag() {
			c.frameSamples = 480
		}
	case objectXHE:
		// The layout and frame length hide in UsacConfig; no policy here takes it.
		c.channels = max(c.channels, 1)
	default:
		c.channels = max(c.channels, 1)
	}
	if !c.bad && c.extension == 0 {
		c.parseSyncExtension()
		c.bad = false // the extension is optional: half of one is none
	}
}

// parseGeneral reads GASpecificConfig (ISO/IEC 14496-3 Table 4.1).
func (c *audioConfig) parseGeneral(layout int) {
	if c.flag() { // frameLengthFlag
		c.frameSamples = 960
	}
	if c.objectType == objectLD {
		c.frameSamples /= 2
	}
	if c.flag() { // dependsOnCoreCoder
		c.read(14)
	}
	extended := c.flag()
	if layout == 0 {
		c.channels = c.readProgramConfig()
	}
	if extended && c.objectType >= objectERLC {
		c.read(3)
	}
	if extended {
		c.read(1)
	}
}

// readProgramConfig reads program_config_element (ISO/IEC 14496-3 Table 4.2) and
// returns the number of channels it lays out.
func (c *audioConfig) readProgramConfig() int {
	c.read(4 + 2 + 4)
	front, side, back := c.read(4), c.read(4), c.read(4)
	lfe, data, coupling := c.read(2), c.read(3), c.read(4)
	if c.flag() { // mono_mixdown_present
		c.read(4)
	}
	if c.flag() { // stereo_mixdown_present
		c.read(4)
	}
	if c.flag() { // matrix_mixdown_idx_present
		c.read(3)
	}
	channels := lfe
	for range front + side + back {
		channels++
		if c.flag() { // is_cpe
			channels++
		}
		c.read(4)
	}
	for range lfe + data {
		c.read(4)
	}
	for range coupling {
		c.read(5)
	}
	if c.pos%8 != 0 { // byte_alignment counts from the start of the AudioSpecificConfig
		c.read(8 - c.pos%8)
	}
	for range c.read(8) {
		c.read(8)
	}
	return channels
}

// parseSyncExtension reads the backward compatible announcement of SBR and PS
// that may follow (ISO/IEC 14496-3 Table 1.15, syncExtensionType).
func (c *audioConfig) parseSyncExtension() {
	const syncSBR, syncPS = 0x2b7, 0x548
	if c.left() < 16 || c.read(11) != syncSBR {
		return
	}
	if c.readObjectType() != objectSBR || !c.flag() {
		return
	}
	rate := c.readRate()
	if c.bad {
		return
	}
	c.extension = objectSBR
	c.extensionRate = rate
	if c.left() >= 12 && c.read(11) == syncPS && c.flag() {
		c.extension = objectPS
	}
}

func (c *audioConfig) readObjectType() int {
	const escape = 31
	if t := c.read(5); t != escape {
		return t
	}
	return 32 + c.read(6)
}

func (c *audioConfig) readRate() int {
	const escape = 15
	i := c.read(4)
	if i == escape {
		return c.read(24)
	}
	return SampleRate(i)
}

// SampleRate returns the rate in Hz for a samplingFrequencyIndex (ISO/IEC
// 14496-3 Table 1.18), 0 for a reserved one.
func SampleRate(index int) int {
	table := [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	if index < 0 || index >= len(table) {
		return 0
	}
	return table[index]
}

// channelsOf returns the number of channels of a channelConfiguration (ISO/IEC
// 14496-3 Table 1.19), 0 for one that is reserved or described elsewhere.
func channelsOf(layout int) int {
	table := [...]int{0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24, 8}
	if layout >= len(table) {
		return 0
	}
	return table[layout]
}
