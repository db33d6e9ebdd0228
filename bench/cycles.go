package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

const (
	// growthTarget is how far the memory of a worker may grow from the second
	// quarter of the cycles to the last, in percent.
	growthTarget = 10

	// minCycles gives each quarter some cycles of every kind.
	minCycles = 24

	// tellEvery is after how many cycles the memory is printed.
	tellEvery = 20
)

// Cycles begins and ends Count runs in one worker process, each with a second of
// video and sound, of 1280x720 and 854x480 in turn. Every third run is not
// drained: the next one cuts it off. It reports the worker's memory, and returns
// ErrMissed if that grows by more than a tenth from the second quarter of the runs
// to the last, or if the worker was restarted.
func Cycles(ctx context.Context, o Options) (err error) {
	if o.Count < minCycles {
		return fmt.Errorf("at least %d cycles are needed", minCycles)
	}
	dir, err := os.MkdirTemp("", "lectern-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	var sources []source
	for _, size := range [][2]int{{1280, 720}, {854, 480}} {
		s, serr := makeSource(ctx, dir, size[0], size[1])
		if serr != nil {
			return serr
		}
		sources = append(sources, s)
	}
	host, err := worker.New(worker.DefaultConfig(), worker.Deps{
		Command: []string{o.Binary, "worker"}, Env: os.Environ(), Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Metrics: worker.NewMetrics(prometheus.NewRegistry()), Now: time.Now,
	})
	if err != nil {
		return fmt.Errorf("prepare the worker: %w", err)
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	g, gctx := errgroup.WithContext(running)
	g.Go(func() error { return host.Run(gctx) })
	c := &cycles{o: o, host: host}
	g.Go(func() error {
		defer stop()
		return c.play(gctx, sources)
	})
	if err = g.Wait(); err != nil {
		return err
	}
	return errors.Join(ctx.Err(), c.judge())
}

// source is a second of a camera and its sound.
type source struct {
	pictures Pictures
	sound    [][]byte
	spec     transcode.Spec // Start is missing
}

// soundTrack is AAC-LC in stereo at 48 kHz.
func soundTrack() media.Track {
	return media.Track{
		ID: media.AudioTrackID, Codec: media.CodecAAC, Timescale: 48000,
		Audio: media.AudioFormat{Config: []byte{0x11, 0x90}, ObjectType: 2, SampleRate: 48000, Channels: 2, FrameSamples: 1024},
	}
}

func makeSource(ctx context.Context, dir string, width, height int) (source, error) {
	name := filepath.Join(dir, strconv.Itoa(height))
	err := ffmpeg(ctx, "-f", "lavfi", "-i", camera(width, height), "-f", "lavfi", "-i", "sine=frequency=300:sample_rate=48000", "-t", "1",
		"-map", "0", "-c:v", "libx264", "-preset", "veryfast", "-b:v", "3M", "-bf", "0", "-x264-params", "aud=1", "-f", "h264", name+".h264",
		"-map", "1", "-t", "1", "-c:a", "aac", "-ac", "2", "-f", "adts", name+".aac")
	if err != nil {
		return source{}, err
	}
	var s source
	if s.pictures, err = ReadPictures(name + ".h264"); err != nil {
		return source{}, err
	}
	data, err := os.ReadFile(name + ".aac")
	if err != nil {
		return source{}, fmt.Errorf("read sound: %w", err)
	}
	if s.sound, err = splitADTS(data); err != nil {
		return source{}, err
	}
	ladder, err := transcode.NewLadder(transcode.DefaultConfig())
	if err != nil {
		return source{}, err
	}
	s.spec = ladder.Plan(transcode.PlanInput{Tracks: []media.Track{s.pictures.Track(width, height), soundTrack()}}).Spec
	s.spec.Encoder, s.spec.Patient, s.spec.Thumbnail = transcode.EncoderX264, true, time.Second
	return s, nil
}

// cycles is the scenario in play.
type cycles struct {
	o      Options
	host   *worker.Host
	pid    int
	memory []int64 // bytes resident after each cycle
}

// play runs the cycles. On the class's clock they follow each other, two seconds
// apart.
func (c *cycles) play(ctx context.Context, sources []source) error {
	for n := range c.o.Count {
		s := sources[n%len(sources)]
		drain := n%3 != 2
		if err := c.cycle(ctx, s, uint32(n+1), drain); err != nil { //nolint:gosec // a small number
			return fmt.Errorf("cycle %d: %w", n+1, err)
		}
		pid := c.host.Status().PID
		if n == 0 {
			c.pid = pid
		}
		if pid != c.pid || pid == 0 {
			return fmt.Errorf("cycle %d: the worker is process %d and was %d", n+1, pid, c.pid)
		}
		memory, err := readResident(pid)
		if err != nil {
			return err
		}
		c.memory = append(c.memory, memory)
		if (n+1)%tellEvery == 0 {
			fmt.Fprintf(c.o.Out, "after %d cycles: %.1f MiB resident, median of the last %d %.1f MiB\n", n+1,
				mebibytes(memory), tellEvery, mebibytes(percentile(c.memory[n+1-tellEvery:], 50)))
		}
	}
	return nil
}

// cycle is one run.
func (c *cycles) cycle(ctx context.Context, s source, run uint32, drain bool) error {
	start := 2 * time.Second * time.Duration(run)
	spec := s.spec
	spec.Start = start
	c.host.Open(run, spec, false)
	for i := range s.pictures {
		c.host.Write(s.pictures.AccessUnit(i, media.TimescaleVideo.Ticks(start)))
	}
	for i, frame := range s.sound {
		at := soundTrack().Timescale.Ticks(start) + int64(i)*1024
		c.host.Write(&media.AccessUnit{Track: media.AudioTrackID, PTS: at, DTS: at, RandomAccess: true, Payload: [][]byte{frame}})
	}
	if drain {
		c.host.Drain()
	}
	pictures := 0
	for {
		e, ok := c.host.Poll()
		if !ok {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-c.host.Ready():
			}
			continue
		}
		switch {
		case e.Run != run:
		case e.Lost != nil:
			return fmt.Errorf("the worker was lost: %s: %s", e.Lost.Reason, e.Lost.Text)
		case e.AccessUnit != nil && e.AccessUnit.Track != spec.Audio[0].Track:
			if pictures++; !drain {
				return nil // the next one cuts it off
			}
		case e.Drained:
			if want := len(s.pictures) * len(spec.Video); pictures != want {
				return fmt.Errorf("%d pictures came out, want %d", pictures, want)
			}
			return nil
		}
	}
}

// judge prints what became of the target.
func (c *cycles) judge() error {
	quarter := len(c.memory) / 4
	second := percentile(c.memory[quarter:2*quarter], 50)
	last := percentile(c.memory[len(c.memory)-quarter:], 50)
	growth := 100 * float64(last-second) / float64(second)
	v := &verdicts{out: c.o.Out}
	v.say(growth <= growthTarget, "%d cycles in one worker: memory grows by less than %d %%: %.1f MiB in the second quarter, %.1f MiB in the last (%+.1f %%)",
		len(c.memory), growthTarget, mebibytes(second), mebibytes(last), growth)
	return v.err()
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }
