package transcode_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/transcode"
)

// script is a Source that hands out what it was given.
type script struct {
	items []stream.Item
	ready chan struct{}
	ended bool
}

func newScript(items ...stream.Item) *script {
	return &script{items: items, ready: make(chan struct{}, 1)}
}

// Poll implements transcode.Source.
func (s *script) Poll() (stream.Item, bool, error) {
	if len(s.items) == 0 {
		if s.ended {
			return stream.Item{}, false, stream.ErrEnded
		}
		return stream.Item{}, false, nil
	}
	head := s.items[0]
	s.items = s.items[1:]
	return head, true, nil
}

// Ready implements transcode.Source.
func (s *script) Ready() <-chan struct{} { return s.ready }

// encoder is an Encoder that records what it is asked and tells what it is told to.
type encoder struct {
	run     uint32
	spec    transcode.Spec
	kept    bool
	opens   int
	drains  int
	effort  transcode.Effort
	written []*media.AccessUnit
	events  []transcode.Event
	ready   chan struct{}
}

func newEncoder() *encoder { return &encoder{ready: make(chan struct{}, 1)} }

// Open implements transcode.Encoder.
func (e *encoder) Open(run uint32, spec transcode.Spec, keep bool) {
	e.run, e.spec, e.kept = run, spec, keep
	e.opens++
}

// Write implements transcode.Encoder.
func (e *encoder) Write(au *media.AccessUnit) { e.written = append(e.written, au) }

// SetEffort implements transcode.Encoder.
func (e *encoder) SetEffort(f transcode.Effort) { e.effort = f }

// Drain implements transcode.Encoder.
func (e *encoder) Drain() { e.drains++ }

// Poll implements transcode.Encoder.
func (e *encoder) Poll() (transcode.Event, bool) {
	if len(e.events) == 0 {
		return transcode.Event{}, false
	}
	head := e.events[0]
	e.events = e.events[1:]
	return head, true
}

// Ready implements transcode.Encoder.
func (e *encoder) Ready() <-chan struct{} { return e.ready }

func (e *encoder) tell(events ...transcode.Event) {
	for _, ev := range events {
		ev.Run = e.run
		e.events = append(e.events, ev)
	}
	select {
	case e.ready <- struct{}{}:
	default:
	}
}

// open tells that the run is open, with parameter sets that p tells apart.
func (e *encoder) open(p byte) {
	var tracks []media.Track
	for _, r := range e.spec.Video {
		tracks = append(tracks, media.Track{
			ID: r.Track, Codec: media.CodecH264, Timescale: media.TimescaleVideo, Encoded: true,
			Video: media.VideoFormat{Width: r.Width, Height: r.Height, ParameterSets: [][]byte{{0x67, p}, {0x68, p}}},
		})
	}
	for _, r := range e.spec.Audio {
		tracks = append(tracks, media.Track{
			ID: r.Track, Codec: media.CodecAAC, Timescale: 48000, Encoded: true,
			Audio: media.AudioFormat{Config: []byte{0x11, 0x90, p}, ObjectType: 2, SampleRate: 48000, Channels: r.Channels, FrameSamples: 1024},
		})
	}
	e.tell(transcode.Event{Opened: tracks})
}

// unit tells of an access unit of the n-th rung at pts.
func (e *encoder) unit(n int, pts time.Duration, random bool) {
	e.tell(transcode.Event{AccessUnit: &media.AccessUnit{
		Track: e.spec.Video[n].Track, PTS: ticks(pts), DTS: ticks(pts) - 1, RandomAccess: random, Payload: [][]byte{{0x65}},
	}})
}

func ticks(d time.Duration) int64 { return media.TimescaleVideo.Ticks(d) }

// classStart is the wall clock at media time 0.
var classStart = time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC)

func start(tracks ...media.Track) stream.Item {
	return stream.Item{Discontinuity: &media.Discontinuity{Reason: media.DiscontinuityStart, Tracks: tracks}}
}

func picture(at time.Duration, random bool) stream.Item {
	return stream.Item{AccessUnit: &media.AccessUnit{
		Track: media.VideoTrackID, PTS: ticks(at), DTS: ticks(at), RandomAccess: random, CapturedAt: classStart.Add(at),
	}}
}

// job is a Job on a script and an encoder, with all of the default ladder.
type job struct {
	tb      testing.TB
	job     *transcode.Job
	script  *script
	encoder *encoder
}

func newJob(tb testing.TB) *job {
	tb.Helper()
	ladder, err := transcode.NewLadder(transcode.DefaultConfig(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	r := &job{tb: tb, script: newScript(), encoder: newEncoder()}
	r.job = transcode.NewJob(transcode.JobConfig{MaxKeyframeInterval: 4400 * time.Millisecond}, transcode.JobDeps{
		Ladder: ladder, Source: r.script, Encoder: r.encoder, Logger: slog.New(slog.DiscardHandler),
	})
	return r
}

// push gives items to the job and returns what it has for them now.
func (r *job) push(items ...stream.Item) []stream.Item {
	r.tb.Helper()
	r.script.items = append(r.script.items, items...)
	return r.pending()
}

// pending returns what the job has without waiting.
func (r *job) pending() []stream.Item {
	r.tb.Helper()
	ctx, cancel := context.WithCancel(r.tb.Context())
	cancel()
	var out []stream.Item
	for {
		item, err := r.job.Next(ctx)
		if errors.Is(err, context.Canceled) || errors.Is(err, stream.ErrEnded) {
			return out
		}
		if err != nil {
			r.tb.Fatal(err)
		}
		out = append(out, item)
	}
}

// open starts a run whose encoder is open, with a picture at 0.
func (r *job) open() {
	r.tb.Helper()
	r.push(start(goodVideo(), goodAudio()), picture(0, true))
	r.encoder.open(0)
	described := 0
	for _, item := range r.pending() {
		if item.Track != nil {
			described++
		}
	}
	if want := len(r.encoder.spec.Video) + len(r.encoder.spec.Audio); described != want || want < 3 {
		r.tb.Fatalf("%d tracks described, want %d", described, want)
	}
}

// making returns how the rendition is made.
func (r *job) making(rendition string) transcode.Making {
	r.tb.Helper()
	for _, s := range r.job.State().Renditions {
		if s.Track.Rendition == rendition {
			return s.Making
		}
	}
	return "absent"
}

func gaps(items []stream.Item, track media.TrackID) (out []media.Gap) {
	for _, i := range items {
		if i.Gap != nil && i.Gap.Track == track {
			out = append(out, *i.Gap)
		}
	}
	return out
}

func units(items []stream.Item, track media.TrackID) (out []time.Duration) {
	for _, i := range items {
		if i.AccessUnit != nil && i.AccessUnit.Track == track {
			out = append(out, media.TimescaleVideo.Duration(i.AccessUnit.PTS).Round(time.Millisecond))
		}
	}
	return out
}

func seconds(s ...float64) []time.Duration {
	var out []time.Duration
	for _, v := range s {
		out = append(out, time.Duration(v*float64(time.Second)))
	}
	return out
}

func TestJobPassesThroughAtOnce(t *testing.T) {
	r := newJob(t)
	src := []stream.Item{start(goodVideo(), goodAudio()), picture(0, true), picture(40*time.Millisecond, false)}
	items := r.push(src...)
	if len(items) != 3 || items[0].Discontinuity == nil || items[0].Discontinuity.Reason != media.DiscontinuityStart {
		t.Fatalf("items = %+v", items)
	}
	var names []string
	for _, tr := range items[0].Discontinuity.Tracks {
		names = append(names, tr.Rendition)
		if announced := tr.Rendition != "source" && tr.Rendition != "audio"; tr.Announced() != announced {
			t.Errorf("rendition %s: announced is %v", tr.Rendition, tr.Announced())
		}
	}
	if want := []string{"source", "720p", "480p", "360p", "audio", "audio-only"}; !slices.Equal(names, want) {
		t.Errorf("renditions %v, want %v", names, want)
	}
	if r.encoder.opens != 1 || r.encoder.kept || len(r.encoder.written) != 2 {
		t.Errorf("encoder: %d opens, kept %v, %d units", r.encoder.opens, r.encoder.kept, len(r.encoder.written))
	}
	if src[0].Discontinuity.Tracks[0].Rendition != "" {
		t.Error("the job changed the stream's own tracks, which other readers share")
	}
	if got := r.making("720p"); got != transcode.MakingStarting {
		t.Errorf("720p is %s", got)
	}
}

func TestJobWithoutEncoder(t *testing.T) {
	for _, tc := range []struct {
		name   string
		ladder []string
		want   []string
	}{
		{"all", []string{"source", "audio"}, []string{"source", "audio"}},
		{"sound alone", []string{"audio"}, []string{"audio"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ladder, err := transcode.NewLadder(transcode.DefaultConfig(), tc.ladder)
			if err != nil {
				t.Fatal(err)
			}
			src := newScript(start(goodVideo(), goodAudio()), picture(0, true), stream.Item{Interrupted: true})
			src.ended = true
			j := transcode.NewJob(transcode.JobConfig{}, transcode.JobDeps{Ladder: ladder, Source: src, Logger: slog.New(slog.DiscardHandler)})
			first, err := j.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, tr := range first.Discontinuity.Tracks {
				names = append(names, tr.Rendition)
			}
			if !slices.Equal(names, tc.want) {
				t.Errorf("renditions %v, want %v", names, tc.want)
			}
			if slices.Contains(tc.want, "source") {
				if item, err := j.Next(t.Context()); err != nil || item.AccessUnit == nil {
					t.Errorf("item = %+v, %v, want the picture", item, err)
				}
			}
			if item, err := j.Next(t.Context()); err != nil || !item.Interrupted {
				t.Errorf("item = %+v, %v, want the interruption", item, err)
			}
			for range 2 {
				if _, err := j.Next(t.Context()); !errors.Is(err, stream.ErrEnded) {
					t.Errorf("err = %v, want the end", err)
				}
			}
		})
	}
}

func TestJobMergesEncodedTracks(t *testing.T) {
	r := newJob(t)
	r.open()
	r.push(picture(2*time.Second, true))
	r.encoder.unit(0, 0, true)
	r.encoder.unit(0, time.Second, false)
	items := r.pending()
	id := r.encoder.spec.Video[0].Track
	if got := units(items, id); !slices.Equal(got, seconds(0, 1)) {
		t.Fatalf("units at %v", got)
	}
	if got := items[1].AccessUnit.CapturedAt; !got.Equal(classStart.Add(time.Second)) {
		t.Errorf("captured at %v, want the publisher's clock", got)
	}
	if got := r.making("720p"); got != transcode.MakingEncoded {
		t.Errorf("720p is %s", got)
	}
	// What belongs to another run is not for this one.
	r.encoder.run++
	r.encoder.unit(0, 1500*time.Millisecond, true)
	if got := r.pending(); len(got) != 0 {
		t.Errorf("a unit of another run came through: %+v", got)
	}
}

func TestJobDrainsBeforeItGoesOn(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  stream.Item
	}{
		{"interrupted", stream.Item{Interrupted: true}},
		{"another run", start(goodVideo())},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newJob(t)
			r.open()
			if got := r.push(tc.end, picture(time.Hour, true)); len(got) != 0 || r.encoder.drains != 1 {
				t.Fatalf("%d items came before the encoders were drained, %d drains", len(got), r.encoder.drains)
			}
			r.encoder.unit(0, 0, true)
			r.encoder.tell(transcode.Event{Drained: true})
			items := r.pending()
			if got := units(items[:1], r.encoder.spec.Video[0].Track); len(got) != 1 {
				t.Fatalf("the encoder's last unit is missing: %+v", items)
			}
			if items[1].Discontinuity == nil && !items[1].Interrupted {
				t.Errorf("after it came %+v", items[1])
			}
		})
	}
	t.Run("not for ever", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newJob(t)
			r.open()
			r.script.items = append(r.script.items, stream.Item{Interrupted: true})
			item, err := r.job.Next(t.Context())
			if err != nil || !item.Interrupted {
				t.Errorf("item = %+v, %v", item, err)
			}
		})
	})
	t.Run("the encoder dies meanwhile", func(t *testing.T) {
		r := newJob(t)
		r.open()
		r.push(stream.Item{Interrupted: true})
		r.encoder.tell(transcode.Event{Lost: &transcode.Lost{Reason: "crashed"}})
		if got := r.pending(); len(got) != 1 || !got[0].Interrupted {
			t.Errorf("items = %+v", got)
		}
	})
	t.Run("the end", func(t *testing.T) {
		r := newJob(t)
		r.open()
		r.script.ended = true
		r.pending()
		r.encoder.tell(transcode.Event{Drained: true})
		r.pending()
		if _, err := r.job.Next(t.Context()); !errors.Is(err, stream.ErrEnded) {
			t.Errorf("err = %v, want the end", err)
		}
	})
}

// Sound may come a second before the first picture. Where pictures are encoded, all begins
// with that, what is passed through to a frame.
func TestJobBeginsWithTheFirstPicture(t *testing.T) {
	r := newJob(t)
	sound := func(n int64) stream.Item {
		pts := 60*48000 + n*1024
		return stream.Item{AccessUnit: &media.AccessUnit{Track: media.AudioTrackID, PTS: pts, DTS: pts, RandomAccess: true}}
	}
	video := goodVideo()
	video.Codec = media.CodecHEVC
	early := []stream.Item{start(video, goodAudio())}
	for n := range int64(30) { // 640 ms
		early = append(early, sound(n))
	}
	if got := r.push(early...); len(got) != 1 || got[0].Discontinuity == nil || r.encoder.opens != 0 {
		t.Fatalf("before the first picture: %d items, %d opens", len(got), r.encoder.opens)
	}
	first := picture(60700*time.Millisecond, true)
	first.AccessUnit.DTS = ticks(60640 * time.Millisecond)
	var shown []int64
	for _, item := range r.push(first, sound(30), sound(31), sound(32), sound(33)) {
		if au := item.AccessUnit; au.Track == media.AudioTrackID {
			shown = append(shown, (au.PTS-60*48000)/1024)
		}
	}
	if want := []int64{32, 33}; !slices.Equal(shown, want) { // 32 begins at 682.7 ms
		t.Errorf("sound %v passed through, want %v", shown, want)
	}
	if r.encoder.opens != 1 || r.encoder.spec.Start != 60700*time.Millisecond || len(r.encoder.written) != 5 {
		t.Errorf("%d opens, %d written, a run from %v on", r.encoder.opens, len(r.encoder.written), r.encoder.spec.Start)
	}
	// With nothing but sound the first frame begins it.
	r.push(start(goodAudio()), sound(40))
	r.encoder.tell(transcode.Event{Drained: true})
	r.pending()
	if want := media.Timescale(48000).Duration(60*48000 + 40*1024); r.encoder.spec.Start != want {
		t.Errorf("a run of sound from %v on, want %v", r.encoder.spec.Start, want)
	}
	// Where pictures are passed through the sound before the first is heard.
	if got := r.push(start(goodVideo(), goodAudio()), sound(100), picture(63*time.Second, true)); len(got) != 3 {
		t.Errorf("%d items, want a discontinuity, sound and a picture", len(got))
	}
	if want := media.Timescale(48000).Duration(60*48000 + 100*1024); r.encoder.spec.Start != want {
		t.Errorf("a run from %v on, want %v", r.encoder.spec.Start, want)
	}
}

// A crash costs what the encoder had not given yet; it goes on at a keyframe.
func TestJobCrash(t *testing.T) {
	r := newJob(t)
	r.open()
	id := r.encoder.spec.Video[0].Track
	r.push(picture(time.Second, false), picture(2*time.Second, true), picture(3*time.Second, false))
	r.encoder.unit(0, 0, true)
	r.encoder.unit(0, time.Second, false)
	r.encoder.unit(0, 2*time.Second, true)
	r.encoder.unit(0, 2500*time.Millisecond, false)
	r.encoder.tell(transcode.Event{Lost: &transcode.Lost{Reason: "killed"}})
	r.pending()
	if got := r.making("720p"); got != transcode.MakingStarting {
		t.Errorf("720p is %s", got)
	}
	if got := r.job.State().Lost; got == nil || got.Reason != "killed" {
		t.Errorf("the state says %+v", got)
	}
	// It may come back at the keyframe of 2 s, so there is no gap yet beyond that.
	if got := gaps(r.push(picture(4*time.Second, true)), id); len(got) != 1 || got[0].Until != ticks(2*time.Second) || got[0].Shed {
		t.Errorf("gaps %+v", got)
	}
	if got := gaps(r.push(picture(6*time.Second, true)), id); len(got) != 1 || got[0].Until != ticks(4*time.Second) {
		t.Errorf("gaps %+v", got)
	}
	r.encoder.open(0)
	r.encoder.unit(0, 2*time.Second, true) // again
	r.encoder.unit(0, 3*time.Second, false)
	r.encoder.unit(0, 6*time.Second, true)
	r.encoder.unit(0, 6100*time.Millisecond, false)
	items := r.pending()
	if got := units(items, id); !slices.Equal(got, seconds(6, 6.1)) {
		t.Errorf("units at %v after the crash", got)
	}
	for _, i := range items {
		if i.Track != nil {
			t.Error("the same parameters were described again")
		}
	}
	if got := r.making("720p"); got != transcode.MakingEncoded {
		t.Errorf("720p is %s", got)
	}
	if got := gaps(r.push(picture(8*time.Second, true), picture(10*time.Second, true)), id); len(got) != 0 {
		t.Errorf("gaps after the return: %+v", got)
	}
}

func TestJobGivesUp(t *testing.T) {
	r := newJob(t)
	r.open()
	id := r.encoder.spec.Video[0].Track
	r.push(picture(2*time.Second, true))
	r.encoder.tell(transcode.Event{Lost: &transcode.Lost{Reason: "crashed", Final: true}})
	if got := gaps(r.pending(), id); len(got) != 1 || !got[0].Shed || got[0].Until != ticks(2*time.Second) {
		t.Errorf("gaps %+v", got)
	}
	written := len(r.encoder.written)
	if got := gaps(r.push(picture(4*time.Second, true)), id); len(got) != 1 || !got[0].Shed || got[0].Until != ticks(4*time.Second) {
		t.Errorf("gaps %+v", got)
	}
	if got := r.making("360p"); got != transcode.MakingFailed {
		t.Errorf("360p is %s", got)
	}
	if len(r.encoder.written) != written {
		t.Error("a lost encoder still gets pictures")
	}
	if items := r.push(stream.Item{Interrupted: true}); len(items) != 1 || !items[0].Interrupted {
		t.Errorf("the end waits for a lost encoder: %+v", items)
	}
}

func TestJobSheds(t *testing.T) {
	r := newJob(t)
	r.open()
	top := r.encoder.spec.Video[0].Track
	r.encoder.unit(0, 0, true)
	r.job.SetLevel(transcode.LevelNoTop)
	if !slices.Contains(r.encoder.effort.Off, top) {
		t.Errorf("effort %+v does not shed the top rung", r.encoder.effort)
	}
	r.push(picture(2*time.Second, true))
	r.encoder.tell(transcode.Event{Stopped: &transcode.Stopped{Track: top, At: ticks(2 * time.Second)}})
	if got := gaps(r.pending(), top); len(got) != 1 || !got[0].Shed || got[0].Until != ticks(2*time.Second) {
		t.Errorf("gaps %+v", got)
	}
	if got := r.making("720p"); got != transcode.MakingShed {
		t.Errorf("720p is %s", got)
	}
	if got := gaps(r.push(picture(4*time.Second, true), picture(6*time.Second, true)), top); len(got) != 1 || !got[0].Shed || got[0].Until != ticks(4*time.Second) {
		t.Errorf("gaps %+v", got)
	}
	r.job.SetLevel(transcode.LevelFull)
	r.encoder.unit(0, 6*time.Second, true)
	if got := units(r.pending(), top); !slices.Equal(got, seconds(6)) {
		t.Errorf("units at %v after the return", got)
	}
	if got := r.making("720p"); got != transcode.MakingEncoded {
		t.Errorf("720p is %s", got)
	}
}

// Case 24: without keyframes for too long the pictures are encoded anew, from the
// latest keyframe on and without a hole.
func TestJobLongKeyframeInterval(t *testing.T) {
	r := newJob(t)
	r.open()
	sound := stream.Item{AccessUnit: &media.AccessUnit{Track: media.AudioTrackID, PTS: 48000 * 9 / 2, DTS: 48000 * 9 / 2, RandomAccess: true}}
	r.push(picture(2*time.Second, false), picture(4*time.Second, false), sound)
	if got := r.push(picture(4500*time.Millisecond, false)); len(got) != 0 || r.encoder.drains != 1 {
		t.Fatalf("%d items before the encoders were drained", len(got))
	}
	r.encoder.tell(transcode.Event{Drained: true})
	items := r.pending()
	if len(items) != 1 || items[0].Discontinuity == nil || items[0].Discontinuity.Reason != media.DiscontinuityTracks || items[0].Discontinuity.Grid != 2*time.Second {
		t.Fatalf("items = %+v", items)
	}
	if !r.encoder.kept || r.encoder.spec.Start <= 4500*time.Millisecond || r.encoder.spec.Start > 4522*time.Millisecond || r.encoder.spec.Video[0].Rendition != "source" {
		t.Errorf("kept %v, spec %+v", r.encoder.kept, r.encoder.spec)
	}
	if last := r.encoder.written[len(r.encoder.written)-1]; last.PTS != ticks(4500*time.Millisecond) {
		t.Error("the picture that was too late is not encoded")
	}
	if got := r.push(picture(5*time.Second, true)); len(units(got, media.VideoTrackID)) != 0 {
		t.Error("the publisher's pictures are still passed through")
	}
}

// An encoder that is alive and gives nothing is not waited for without end.
func TestJobLate(t *testing.T) {
	r := newJob(t)
	r.open()
	id := r.encoder.spec.Video[0].Track
	var got []media.Gap
	for at := 2 * time.Second; at <= 10*time.Second; at += 2 * time.Second {
		got = append(got, gaps(r.push(picture(at, true)), id)...)
	}
	if len(got) != 2 || got[1].Until != ticks(4*time.Second) || got[1].Shed {
		t.Errorf("gaps %+v", got)
	}
}
