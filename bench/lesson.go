package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
)

// lessonRung is a video rendition of a lesson.
type lessonRung struct {
	name          string
	width, height int
	kbps          int
}

// rungs are a ladder of four.
func rungs() []lessonRung {
	return []lessonRung{{"source", 1920, 1080, 5000}, {"720p", 1280, 720, 2800}, {"480p", 854, 480, 1200}, {"360p", 640, 360, 700}}
}

// material is two seconds of a class as its encoders would give them, to be
// repeated.
type material struct {
	tracks []media.Track
	full   []Pictures // of each rung
	small  []Pictures // the same, but every picture is cut off after some bytes
	sound  [][]byte
}

// smallPicture is how many bytes a picture keeps that is there to be counted only.
const smallPicture = 48

func makeMaterial(ctx context.Context, dir string) (*material, error) {
	m := &material{}
	for i, r := range rungs() {
		name := filepath.Join(dir, r.name+".h264")
		rate := strconv.Itoa(r.kbps) + "k"
		if err := ffmpeg(ctx, "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=30,noise=alls=12:allf=t", r.width, r.height), "-t", "2",
			"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bf", "0", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
			"-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-x264-params", "aud=1", "-f", "h264", name); err != nil {
			return nil, err
		}
		p, err := ReadPictures(name)
		if err != nil {
			return nil, err
		}
		t := p.Track(r.width, r.height)
		t.ID, t.Rendition = media.TrackID(10+i), r.name
		m.tracks, m.full, m.small = append(m.tracks, t), append(m.full, p), append(m.small, cutOff(p, smallPicture))
	}
	sound := soundTrack()
	sound.Rendition = "audio"
	m.tracks = append(m.tracks, sound)
	m.sound = [][]byte{make([]byte, 340)} // 128 kbit/s; nobody listens
	return m, nil
}

// cutOff returns the pictures with their slices cut off after n bytes. Parameter
// sets and the like stay whole.
func cutOff(p Pictures, n int) Pictures {
	out := make(Pictures, len(p))
	for i, units := range p {
		for _, u := range units {
			if kind := u[0] & 0x1f; kind >= 1 && kind <= nalIDR && len(u) > n {
				u = u[:n:n]
			}
			out[i] = append(out[i], u)
		}
	}
	return out
}

// lesson is a class that lasts for as long as one likes. It implements hls.Reader;
// it belongs to the goroutine that reads.
type lesson struct {
	material *material
	began    time.Time // class time 0
	from     time.Duration
	begun    bool
	turn     []stream.Item

	picture, frame int64 // the next ones

	// before is called ahead of every picture's turn, with the class time: what was
	// handed out before is published. It may end the lesson with io.EOF or another
	// error.
	before func(context.Context, time.Duration) error
	full   bool // pictures have their real size

	track  media.TrackID                      // of the access unit that was handed out last
	handed time.Time                          // when
	took   func(media.TrackID, time.Duration) // is told how long each took; may be nil
}

// at is the class time of the next picture.
func (l *lesson) at() time.Duration {
	return l.from + time.Duration(l.picture)*time.Second/30
}

// wall is the class's wall clock.
func (l *lesson) wall(at time.Duration) time.Time { return l.began.Add(at) }

// Next implements hls.Reader.
func (l *lesson) Next(ctx context.Context) (stream.Item, error) {
	if !l.begun {
		l.begun = true
		return stream.Item{Discontinuity: &media.Discontinuity{Reason: media.DiscontinuityStart, Tracks: l.material.tracks}}, nil
	}
	if !l.handed.IsZero() && l.took != nil {
		l.took(l.track, time.Since(l.handed))
	}
	if len(l.turn) == 0 {
		if err := l.before(ctx, l.at()); err != nil {
			return stream.Item{}, err
		}
		l.next()
	}
	item := l.turn[0]
	l.turn = l.turn[1:]
	l.track, l.handed = item.AccessUnit.Track, time.Now()
	return item, ctx.Err()
}

// next prepares the next picture of each rung, and the sound up to there.
func (l *lesson) next() {
	pictures := l.material.small
	if l.full {
		pictures = l.material.full
	}
	l.turn = l.turn[:0:0]
	at := l.at()
	sound := l.material.tracks[len(l.material.tracks)-1]
	for ; l.from+sound.Timescale.Duration(l.frame*1024) < at; l.frame++ {
		pts := sound.Timescale.Ticks(l.from) + l.frame*1024
		l.turn = append(l.turn, stream.Item{AccessUnit: &media.AccessUnit{
			Track: sound.ID, PTS: pts, DTS: pts, RandomAccess: true, Payload: l.material.sound, CapturedAt: l.wall(sound.Timescale.Duration(pts)),
		}})
	}
	for i, p := range pictures {
		au := p.AccessUnit(int(l.picture%int64(len(p))), 0)
		au.Track = l.material.tracks[i].ID
		au.PTS = media.TimescaleVideo.Ticks(l.from) + l.picture*pictureTicks
		au.DTS, au.CapturedAt = au.PTS, l.wall(at)
		l.turn = append(l.turn, stream.Item{AccessUnit: au})
	}
	l.picture++
}
