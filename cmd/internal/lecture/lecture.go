package lecture

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Lecture is a prepared lecture: its files lie in a folder, ready to be pushed.
// It is immutable after Prepare.
type Lecture struct {
	// Spoken reports whether there is a voice; without the espeak-ng program
	// there are chimes.
	Spoken bool

	dir    string
	length time.Duration
	opts   Options
}

// Options choose what a lecture looks like.
type Options struct {
	// Width and Height of the picture in pixels. Default 1280x720.
	Width, Height int
	// TimeStrip draws the clock a second time as 32 black and white blocks along
	// the top edge: the milliseconds since 1970 modulo 2^32, highest bit left.
	// It lets a program read the delay from the picture.
	TimeStrip bool
}

const (
	frameRate = 30
	// pause between two slides, after the last word.
	pause = 1500 * time.Millisecond
	// minSlide is how long a slide stays at least.
	minSlide = 8 * time.Second
)

// Prepare writes the lecture's text, voice and pictures into dir, which must
// exist and is the caller's to remove.
func Prepare(ctx context.Context, dir string, opts Options) (*Lecture, error) {
	if opts.Width == 0 || opts.Height == 0 {
		opts.Width, opts.Height = 1280, 720
	}
	l := &Lecture{Spoken: true, dir: dir, opts: opts}

	var voice sound
	var starts []time.Duration
	for _, s := range slides() {
		starts = append(starts, voice.duration())
		said, err := speak(ctx, s.spoken)
		if errors.Is(err, exec.ErrNotFound) {
			l.Spoken = false
			said, err = chime(), nil
		}
		if err != nil {
			return nil, err
		}
		// Whole frames, so that slides and voice stay together over hours.
		length := max(said.duration()+pause, minSlide).Truncate(time.Second)
		voice = append(voice, said.pad(length)...)
	}
	l.length = voice.duration()

	files := map[string][]byte{
		"voice.wav":  voice.wav(),
		"clock.txt":  []byte(`%{pts:localtime:0:%H\:%M\:%S}.%{eif:1000*mod(t,1):d:3}`),
		"graph.txt":  []byte(l.graph(starts)),
		"course.txt": []byte("LIVE MEDIA 101"),
	}
	for i, s := range slides() {
		files[fmt.Sprintf("title%d.txt", i)] = []byte(s.title)
		files[fmt.Sprintf("points%d.txt", i)] = []byte("•  " + strings.Join(s.points, "\n•  "))
		files[fmt.Sprintf("formula%d.txt", i)] = []byte(s.formula)
		files[fmt.Sprintf("page%d.txt", i)] = fmt.Appendf(nil, "%d / %d", i+1, len(slides()))
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			return nil, fmt.Errorf("prepare lecture: %w", err)
		}
	}
	if err := writePNG(filepath.Join(dir, "speaker.png"), speaker()); err != nil {
		return nil, fmt.Errorf("prepare lecture: %w", err)
	}
	return l, nil
}

// Command returns the ffmpeg command that pushes the lecture to url, an RTMP URL
// with the stream key, again and again until ctx ends. A cancelled ctx makes
// ffmpeg say goodbye first. The caller sets the output streams and runs it.
func (l *Lecture) Command(ctx context.Context, url string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ffmpeg", //nolint:gosec // the arguments are ours and no shell reads them
		"-hide_banner", "-nostdin", "-loglevel", "error",
		"-re", "-stream_loop", "-1", "-i", "voice.wav",
		"-i", "speaker.png",
		"-filter_complex_script", "graph.txt", "-map", "[picture]", "-map", "[voice]",
		"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high", "-pix_fmt", "yuv420p", "-bf", "2",
		"-g", "60", "-keyint_min", "60", "-sc_threshold", "0", "-rc-lookahead", "10",
		"-crf", "21", "-maxrate", "2500k", "-bufsize", "2500k",
		"-c:a", "aac", "-b:a", "96k", "-ar", "48000", "-ac", "2",
		"-f", "flv", "-flvflags", "no_duration_filesize", url,
	)
	cmd.Dir = l.dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// graph returns the filter graph. Colours are the page's: ink on paper.
func (l *Lecture) graph(starts []time.Duration) string {
	const ink, paper, accent, quiet = "0x1F2A37", "0xF6F3EC", "0x2F6F5E", "0x6B7280"
	w, h := l.opts.Width, l.opts.Height
	// Sizes are given for 1280x720 and follow the height.
	px := func(n int) int { return n * h / 720 }
	total := l.length.Seconds()

	var b strings.Builder
	fmt.Fprintf(&b, "color=c=%s:s=%dx%d:r=%d,realtime,format=yuv420p", paper, w, h, frameRate)
	fmt.Fprintf(&b, ",drawbox=x=0:y=0:w=%d:h=ih:color=%s:t=fill", px(14), accent)
	text := func(font, file string, size int, color, x, y, more string) {
		fmt.Fprintf(&b, ",drawtext=font=%s:textfile=%s:expansion=none:fontsize=%d:fontcolor=%s:x=%s:y=%s%s", font, file, px(size), color, x, y, more)
	}
	text("DejaVu Sans Mono", "course.txt", 18, quiet, fmt.Sprint(px(76)), fmt.Sprint(px(54)), "")
	for i, s := range slides() {
		end := total
		if i+1 < len(starts) {
			end = starts[i+1].Seconds()
		}
		when := fmt.Sprintf(":enable='between(mod(t,%.3f),%.3f,%.3f)'", total, starts[i].Seconds(), end-0.001)
		x := fmt.Sprint(px(76))
		text("DejaVu Serif", fmt.Sprintf("title%d.txt", i), 52, ink, x, fmt.Sprint(px(100)), when)
		y := 230
		if s.formula != "" {
			text("DejaVu Sans Mono", fmt.Sprintf("formula%d.txt", i), 32, accent, x, fmt.Sprint(px(y)), when)
			y += 90
		}
		text("DejaVu Sans", fmt.Sprintf("points%d.txt", i), 30, ink, x, fmt.Sprint(px(y)), fmt.Sprintf(":line_spacing=%d", px(24))+when)
		text("DejaVu Sans Mono", fmt.Sprintf("page%d.txt", i), 18, quiet, x, fmt.Sprint(px(650)), when)
	}
	b.WriteString("[slides];\n")

	// The speaker sways and breathes; the line below follows the voice.
	fmt.Fprintf(&b, "[1:v]scale=%d:%d:flags=area,format=yuva420p[figure];\n", px(300), px(300))
	fmt.Fprintf(&b, "[0:a]asplit[voice][seen];\n[seen]volume=2.5,showwaves=s=%dx%d:mode=cline:scale=sqrt:draw=full:rate=%d:colors=%s,format=yuva420p[line];\n", px(300), px(60), frameRate, accent)
	fmt.Fprintf(&b, "[slides][figure]overlay=x='W-w-%d+%d*sin(t*0.9)':y='%d+%d*sin(t*2.1)'[taught];\n", px(60), px(8), px(250), px(5))
	fmt.Fprintf(&b, "[taught][line]overlay=x=W-w-%d:y=%d:eof_action=repeat,", px(60), px(560))

	// From here a frame's timestamp is the time of day, for the clock; at the
	// end it is the frame count again, for the encoder.
	b.WriteString("settb=1/1000,setpts=RTCTIME/(1000000*TB)")
	fmt.Fprintf(&b, ",drawtext=font=DejaVu Sans Mono:textfile=clock.txt:fontsize=%d:fontcolor=white:box=1:boxcolor=%s:boxborderw=%d:x=w-tw-%d:y=%d", px(30), ink, px(10), px(70), px(56)) // clear of a player's controls
	if l.opts.TimeStrip {
		fmt.Fprintf(&b, ",split[dated][corner];\n[corner]crop=32:2:0:0,geq=lum='16+219*mod(floor(mod(T*1000,4294967296)/pow(2,31-X)),2)':cb=128:cr=128,scale=%d:%d:flags=neighbor[strip];\n[dated][strip]overlay=x=0:y=0", w/2/32*32, px(16))
	}
	fmt.Fprintf(&b, ",settb=1/%d,setpts=N[picture]\n", frameRate)
	return b.String()
}

// speaker draws a head and shoulders on a round ground.
func speaker() image.Image {
	// Drawn four times too large: scaling it down smooths the edges.
	const size, zoom = 1200, 4
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	shapes := []struct {
		x, y, rx, ry float64
		c            color.NRGBA
	}{
		{150, 150, 148, 148, color.NRGBA{0xD9, 0xE4, 0xDD, 0xFF}}, // ground
		{150, 300, 105, 95, color.NRGBA{0x2F, 0x6F, 0x5E, 0xFF}},  // shoulders
		{150, 215, 26, 40, color.NRGBA{0xC9, 0x95, 0x74, 0xFF}},   // neck
		{150, 118, 62, 66, color.NRGBA{0x3B, 0x2A, 0x20, 0xFF}},   // hair
		{150, 138, 50, 62, color.NRGBA{0xE3, 0xB4, 0x93, 0xFF}},   // face
		{131, 130, 6, 6, color.NRGBA{0x2B, 0x24, 0x20, 0xFF}},     // eyes
		{169, 130, 6, 6, color.NRGBA{0x2B, 0x24, 0x20, 0xFF}},
		{150, 170, 16, 5, color.NRGBA{0x9C, 0x4A, 0x3F, 0xFF}}, // mouth
	}
	for y := range size {
		for x := range size {
			inGround := false
			for i, s := range shapes {
				dx, dy := (float64(x)/zoom-s.x)/s.rx, (float64(y)/zoom-s.y)/s.ry
				if dx*dx+dy*dy > 1 {
					continue
				}
				if inGround = inGround || i == 0; inGround {
					img.SetNRGBA(x, y, s.c)
				}
			}
		}
	}
	return img
}

func writePNG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, img); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}
