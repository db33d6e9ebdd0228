package transcode

import (
	"math"
	"strconv"
	"strings"

	"github.com/lectern/lectern/media"
)

// The heights that a rung can have, in lines of a landscape picture.
const (
	minRungHeight = 144
	maxRungHeight = 1080
)

// assumedFrameRate stands in for one that the stream does not state.
const assumedFrameRate = 30

// rungHeight returns the height in the name of an encoded video rendition such
// as "720p".
func rungHeight(name string) (int, bool) {
	digits, ok := strings.CutSuffix(name, "p")
	if !ok {
		return 0, false
	}
	h, err := strconv.Atoi(digits)
	if err != nil || strconv.Itoa(h) != digits || h < minRungHeight || h > maxRungHeight || h%2 != 0 {
		return 0, false
	}
	return h, true
}

// settings are how well a rung is encoded.
type settings struct {
	crf          float64
	maxRate      int
	maxFrameRate float64
}

// settingsAt returns those of a landscape picture of this height: what lectures
// need, from measurements of slides and camera pictures at these four heights.
// Quality is interpolated over the height, the cap over its logarithm; below the
// lowest the cap goes on falling as between the two lowest.
func settingsAt(height int) settings {
	points := []struct {
		height, crf, rate float64
	}{{360, 24, 600_000}, {480, 23, 1_000_000}, {720, 22, 2_500_000}, {1080, 21, 4_500_000}}
	h := float64(height)
	i := 1
	for i < len(points)-1 && h > points[i].height {
		i++
	}
	lo, hi := points[i-1], points[i]
	share := min(max((h-lo.height)/(hi.height-lo.height), 0), 1)
	exponent := math.Log(hi.rate/lo.rate) / math.Log(hi.height/lo.height)
	rate := min(lo.rate*math.Pow(h/lo.height, exponent), points[len(points)-1].rate)
	return settings{
		crf:          math.Round((lo.crf+share*(hi.crf-lo.crf))*100) / 100,
		maxRate:      max(int(math.Round(rate/10_000))*10_000, 50_000),
		maxFrameRate: 30,
	}
}

// override returns s with what c sets.
func (s settings) override(c RungConfig) settings {
	if c.CRF != 0 {
		s.crf = c.CRF
	}
	if c.MaxRate != 0 {
		s.maxRate = c.MaxRate
	}
	if c.MaxFrameRate != 0 {
		s.maxFrameRate = c.MaxFrameRate
	}
	return s
}

// size is that of a picture with square pixels.
type size struct{ width, height int }

func (s size) portrait() bool { return s.height > s.width }

func (s size) area() int { return s.width * s.height }

// box is the 16:9 box of a rung, on end if s stands on end. Its sides are even.
func (s size) box(height int) size {
	long := nearestEven(height*16, 9)
	if s.portrait() {
		return size{height, long}
	}
	return size{long, height}
}

// lines is the height of the smallest landscape 16:9 box that holds s.
func (s size) lines() int {
	return max(min(s.width, s.height), (max(s.width, s.height)*9+15)/16)
}

// fit returns the largest size with the shape of s, to a pixel, that has even
// sides and is larger neither than s nor than the box of this height.
func (s size) fit(height int) size {
	box := s.box(height)
	switch {
	case s.width <= box.width && s.height <= box.height:
		return size{max(s.width&^1, 2), max(s.height&^1, 2)}
	case s.width*box.height >= s.height*box.width: // the width is what binds
		return size{box.width, nearestEven(s.height*box.width, s.width)}
	default:
		return size{nearestEven(s.width*box.height, s.height), box.height}
	}
}

// above reports whether a rung of this height is worth its work beside a source
// of size s: whether s is larger than its box, by more than a tenth of the pixels
// if it is to have the source beside it.
func (s size) above(height int, beside bool) bool {
	if !beside {
		return s.reaches(height)
	}
	box := s.box(height)
	fitted := s.fit(height)
	return (s.width > box.width || s.height > box.height) && fitted.area()*10 <= s.area()*9
}

// reaches reports whether s fills the box of this height in one direction.
func (s size) reaches(height int) bool {
	box := s.box(height)
	return s.width >= box.width || s.height >= box.height
}

// displaySize returns the size of the source's pictures with square pixels: the
// height stays and the width is stretched. A ratio that no camera has is ignored.
func displaySize(v media.VideoFormat) size {
	s := size{v.Width, v.Height}
	w, h := v.SARWidth, v.SARHeight
	if w > 0 && h > 0 && w <= 4*h && h <= 4*w {
		s.width = max((v.Width*w+h/2)/h, 1)
	}
	return s
}

// frameRate returns what v states, or what is assumed if that is nothing useful.
func frameRate(v media.VideoFormat) float64 {
	if !(v.FrameRate >= 0.1 && v.FrameRate <= maxDecodeRate) {
		return assumedFrameRate
	}
	return v.FrameRate
}

// nearestEven returns the even number closest to n/d, at least 2.
func nearestEven(n, d int) int {
	return max((n+d)/(2*d)*2, 2)
}

// thinned returns the rate of a source of this rate when only every nth picture
// is taken, so that there are no more than most a second. A rate a little above,
// such as a measured one, is left as it is.
func thinned(rate, most float64) float64 {
	return rate / max(math.Ceil(rate/most*0.96), 1)
}

// h264Level returns level_idc of the lowest level that allows such a stream in
// High profile (ITU-T H.264 table A-1, §A.3.1 and §A.3.3).
func h264Level(s size, rate float64, maxRate int) int {
	levels := []struct {
		idc        int
		macroblock float64 // MaxMBPS, a second
		frame      int     // MaxFS, macroblocks
		bits       int     // MaxBR, in units of 1250 bit/s
	}{
		{10, 1485, 99, 64},
		{11, 3000, 396, 192},
		{12, 6000, 396, 384},
		{13, 11880, 396, 768},
		{20, 11880, 396, 2000},
		{21, 19800, 792, 4000},
		{22, 20250, 1620, 4000},
		{30, 40500, 1620, 10000},
		{31, 108000, 3600, 14000},
		{32, 216000, 5120, 20000},
		{40, 245760, 8192, 20000},
		{41, 245760, 8192, 50000},
		{42, 522240, 8704, 50000},
		{50, 589824, 22080, 135000},
		{51, 983040, 36864, 240000},
		{52, 2073600, 36864, 240000},
	}
	across, down := (s.width+15)/16, (s.height+15)/16
	blocks := across * down
	side := max(across, down)
	for _, l := range levels {
		if blocks <= l.frame && side*side <= 8*l.frame && float64(blocks)*rate <= l.macroblock && maxRate <= l.bits*1250 {
			return l.idc
		}
	}
	return levels[len(levels)-1].idc
}
