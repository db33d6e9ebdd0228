package stream_test

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/stream"
)

// Case 31: who may take over from whom.
func TestTakeover(t *testing.T) {
	hall, office := addresses["hall"], addresses["office"]
	for _, tc := range []struct {
		name     string
		silent   time.Duration
		first    stream.PublishRequest
		second   stream.PublishRequest
		takeover bool
	}{
		{"elsewhere, active", time.Second, stream.PublishRequest{Remote: hall}, stream.PublishRequest{Remote: office}, false},
		{"elsewhere, silent", 2100 * time.Millisecond, stream.PublishRequest{Remote: hall}, stream.PublishRequest{Remote: office}, true},
		{"same address", 0, stream.PublishRequest{Remote: hall}, stream.PublishRequest{Remote: hall}, true},
		{"same address in another form", 0, stream.PublishRequest{Remote: hall}, stream.PublishRequest{Remote: netip.AddrFrom16(hall.As16())}, true},
		{"same client", 0, stream.PublishRequest{Remote: hall, ClientID: "c1"}, stream.PublishRequest{Remote: office, ClientID: "c1"}, true},
		{"other client", 0, stream.PublishRequest{Remote: hall, ClientID: "c1"}, stream.PublishRequest{Remote: office, ClientID: "c2"}, false},
		{"no addresses, active", 0, stream.PublishRequest{}, stream.PublishRequest{}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, stream.DefaultConfig(), nil)
			src := mediatest.New(t, mediatest.Config{})
			tc.first.Stream, tc.second.Stream = "algebra", "algebra"
			tc.first.Protocol, tc.second.Protocol = "rtmp", "rtsp"
			since := r.clock.Now()
			first, err := r.hub.Publish(tc.first)
			if err != nil {
				t.Fatal(err)
			}
			if err = first.SetTracks(src.Tracks()); err != nil {
				t.Fatal(err)
			}
			r.push(first, src, 3*time.Second)
			wrote := first.LastWrite()
			r.clock.Set(wrote.Add(tc.silent))

			second, err := r.hub.Publish(tc.second)
			if !tc.takeover {
				taken, ok := errors.AsType[*stream.TakenError](err)
				if !ok || taken.Name != "algebra" || !taken.Since.Equal(since) {
					t.Fatalf("got %v", err)
				}
				if first.Reason() != 0 {
					t.Errorf("the first was closed: %s", first.Reason())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			select {
			case <-first.Done():
			default:
				t.Error("the first is not done")
			}
			var closed *stream.ClosedError
			if err = first.Write(src.Next()); !errors.As(err, &closed) || closed.Reason != stream.CloseTakenOver {
				t.Errorf("write to the first: %v", err)
			}
			if err = first.SetTracks(src.Tracks()[:1]); !errors.As(err, &closed) {
				t.Errorf("tracks to the first: %v", err)
			}
			first.Close(stream.CloseDropped)
			if got := first.Reason(); got != stream.CloseTakenOver {
				t.Errorf("reason of the first: %s", got)
			}
			if err = second.SetTracks(src.Tracks()); err != nil {
				t.Error(err)
			}
			if n := r.counter("lectern_stream_publications_total", "rtmp", "taken_over"); n != 1 {
				t.Errorf("%v counted as taken over", n)
			}
		})
	}
}

func TestPublishErrors(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	if _, err := r.hub.Publish(stream.PublishRequest{Stream: "biology"}); !errors.Is(err, stream.ErrNoStream) {
		t.Errorf("unknown stream: %v", err)
	}
	src := mediatest.New(t, mediatest.Config{})
	p := r.publish(src)
	reader := r.stream.AddReader("hls", 1<<20)
	r.push(p, src, time.Second)
	r.stream.End(stream.CloseClassEnded)
	r.stream.End(stream.CloseShutdown)
	if p.Reason() != stream.CloseClassEnded {
		t.Errorf("reason %s", p.Reason())
	}
	if _, ended := drain(t, reader); !ended {
		t.Error("reader goes on")
	}
	if _, ended := drain(t, r.stream.AddReader("hls", 1<<20)); !ended {
		t.Error("reader of an ended stream goes on")
	}
	if _, err := r.hub.Publish(stream.PublishRequest{Stream: "algebra"}); !errors.Is(err, stream.ErrNoStream) {
		t.Errorf("ended stream: %v", err)
	}
	if r.hub.Open("algebra", stream.Position{}) == r.stream {
		t.Error("the ended stream was opened again")
	}
}

// Case 10: tracks announced again unchanged are nothing; case 18: a changed sound
// track starts a new run.
func TestSetTracks(t *testing.T) {
	r := newRig(t, stream.Config{}, func(tracks []media.Track) error {
		if v, ok := media.Find(tracks, media.KindVideo); ok && v.Video.Width == 128 {
			return &media.RefusalError{Code: "size", Text: "Too large."}
		}
		return nil
	})
	src := mediatest.New(t, mediatest.Config{GOP: 30})
	reader := r.stream.AddReader("hls", 1<<20)
	p, err := r.hub.Publish(stream.PublishRequest{Stream: "algebra", Protocol: "rtmp"})
	if err != nil {
		t.Fatal(err)
	}
	if err = p.Write(src.Next()); !errors.Is(err, stream.ErrNoTracks) {
		t.Errorf("write before tracks: %v", err)
	}
	if err = p.SetTracks(nil); !errors.Is(err, stream.ErrNoTracks) {
		t.Errorf("no tracks: %v", err)
	}
	if err = p.SetTracks(src.Tracks()); err != nil {
		t.Fatal(err)
	}
	r.push(p, src, 2*time.Second)
	if err = p.SetTracks(src.Tracks()); err != nil {
		t.Fatal(err)
	}
	r.push(p, src, 2*time.Second)
	changed := src.Tracks()
	changed[1].Audio.Config = []byte{0x11, 0x91}
	if err = p.SetTracks(changed); err != nil {
		t.Fatal(err)
	}
	r.push(p, src, 2*time.Second)
	large := mediatest.New(t, mediatest.Config{Large: true})
	var refusal *media.RefusalError
	if err = p.SetTracks(large.Tracks()); !errors.As(err, &refusal) || refusal.Code != "size" {
		t.Errorf("large: %v", err)
	}
	p.Close(stream.CloseRefused)
	items, _ := drain(t, reader)
	follows(t, items)
	if got := reasons(items); got != "[start tracks]" {
		t.Errorf("discontinuities %s", got)
	}
	st := r.stream.Status()
	if st.Publishing || st.Previous.Refusal == nil || st.Previous.Refusal.Text != "Too large." || st.Previous.Reason != stream.CloseRefused {
		t.Errorf("status %+v", st)
	}
	if n := r.counter("lectern_stream_refusals_total", "size"); n != 1 {
		t.Errorf("%v refusals counted", n)
	}
}

// Case 33: the lag of a publisher that stalls is shown.
func TestStatus(t *testing.T) {
	r := newRig(t, stream.DefaultConfig(), nil)
	if st := r.stream.Status(); st.Publishing || st.Previous.Reason != 0 {
		t.Errorf("before: %+v", st)
	}
	src := mediatest.New(t, mediatest.Config{GOP: 60})
	begun := r.clock.Now()
	p := r.publish(src)
	select {
	case <-p.Started():
		t.Error("started before any media")
	default:
	}
	r.push(p, src, 10*time.Second)
	select {
	case <-p.Started():
	default:
		t.Error("not started after 10 s of media")
	}
	st := r.stream.Status()
	if !st.Publishing || st.Protocol != "rtmp" || st.Remote != "192.0.2.1" || !st.Since.Equal(begun) || len(st.Tracks) != 2 {
		t.Errorf("status %+v", st)
	}
	if st.BytesIn == 0 || st.Bitrate == 0 || st.KeyframeInterval != 2*time.Second || st.Lag < 0 || st.Lag > 100*time.Millisecond {
		t.Errorf("status %+v", st)
	}
	r.clock.Advance(5 * time.Second)
	if lag := r.counter("lectern_stream_publication_lag_seconds"); lag < 4.9 || lag > 5.2 {
		t.Errorf("lag %v s", lag)
	}
	if n := r.counter("lectern_stream_publishers") + r.counter("lectern_stream_streams"); n != 2 {
		t.Errorf("gauges sum up to %v", n)
	}
	r.stream.ClosePublication(stream.CloseKeyChanged)
	r.stream.ClosePublication(stream.CloseKeyChanged)
	if st = r.stream.Status(); st.Publishing || st.Previous.Reason != stream.CloseKeyChanged {
		t.Errorf("after: %+v", st)
	}
	if pos := r.stream.Position(); pos.Media < 9900*time.Millisecond || pos.Media > 10100*time.Millisecond || !pos.Continues {
		t.Errorf("position %+v", pos)
	}
}

func TestMetricNames(t *testing.T) {
	r := newRig(t, stream.DefaultConfig(), nil)
	src := mediatest.New(t, mediatest.Config{})
	p := r.publish(src)
	r.push(p, src, time.Second)
	p.Close(stream.CloseClean)
	problems, err := testutil.GatherAndLint(r.reg)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	for _, reason := range stream.CloseReasons() {
		if s := reason.String(); s == "unknown" || s == "open" {
			t.Errorf("close reason %d has no name", reason)
		}
	}
}

// Everything that may be called from any goroutine, at once.
func TestConcurrentUse(t *testing.T) {
	r := newRig(t, stream.Config{}, nil)
	src := mediatest.New(t, mediatest.Config{})
	p := r.publish(src)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				reader := r.stream.AddReader("hls", 50_000)
				for range 30 {
					if _, err := reader.Next(t.Context()); err != nil {
						break
					}
				}
				r.stream.RemoveReader(reader)
				r.stream.Status()
				r.stream.Position()
			}
		})
	}
	stop := make(chan struct{})
	published := make(chan error, 1)
	wg.Go(func() {
		for {
			select {
			case <-stop:
				published <- nil
				return
			default:
			}
			if err := p.Write(src.Next()); err != nil {
				published <- err
				return
			}
		}
	})
	for range 50 {
		r.counter("lectern_stream_publication_lag_seconds")
	}
	mediatest.Eventually(t, func() string {
		if r.stream.Position().Media < 20*time.Second {
			return "less than 20 s of media were written"
		}
		return ""
	})
	r.stream.End(stream.CloseShutdown)
	close(stop)
	wg.Wait()
	var closed *stream.ClosedError
	if err := <-published; err != nil && !errors.As(err, &closed) {
		t.Error(err)
	}
}

func TestConfigValidate(t *testing.T) {
	if err := stream.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	err := stream.Config{TakeoverAfter: -1, MaxKeyframeInterval: 1, MaxBitrate: 1, MaxAhead: 1}.Validate()
	for _, key := range []string{"takeover_after", "max_keyframe_interval", "max_bitrate", "max_ahead"} {
		if err == nil || !strings.Contains(err.Error(), "stream."+key+": ") {
			t.Errorf("%s is not named in %v", key, err)
		}
	}
	if _, err = stream.New(stream.Config{TakeoverAfter: -1}, stream.Deps{}); err == nil {
		t.Error("a broken configuration was taken")
	}
	if _, err = stream.New(stream.Config{}, stream.Deps{}); err == nil {
		t.Error("missing dependencies were taken")
	}
}

// Case 15: sound whose announced video never comes is on the air after 5 s, and
// the teacher is told why there is no picture.
func TestAnnouncedVideoThatNeverComes(t *testing.T) {
	r := newRig(t, stream.DefaultConfig(), nil)
	both := mediatest.New(t, mediatest.Config{})
	sound := mediatest.New(t, mediatest.Config{NoVideo: true})
	reader := r.stream.AddReader("hls", 1<<20)
	p := r.publish(both)
	r.push(p, sound, 4*time.Second)
	if st := r.stream.Status(); isClosed(p.Started()) || st.Warning != "" {
		t.Errorf("after 4 s: started %v, warning %q", isClosed(p.Started()), st.Warning)
	}
	r.push(p, sound, 2*time.Second)
	if st := r.stream.Status(); !isClosed(p.Started()) || !strings.Contains(st.Warning, "no picture") {
		t.Errorf("after 6 s: started %v, warning %q", isClosed(p.Started()), st.Warning)
	}
	r.push(p, mediatest.New(t, mediatest.Config{Start: 6 * time.Second}), 4*time.Second)
	if st := r.stream.Status(); st.Warning != "" {
		t.Errorf("with the video: %q", st.Warning)
	}
	p.Close(stream.CloseClean)
	items, _ := drain(t, reader)
	follows(t, items)
	if got := reasons(items); got != "[start tracks]" {
		t.Errorf("discontinuities %s", got)
	}
}

// Where pictures are encoded anew, keyframes may be any distance apart, and the
// class begins with the first picture.
func TestTermsLiftTheKeyframeLimit(t *testing.T) {
	r := newRig(t, stream.DefaultConfig(), nil)
	r.stream.SetTerms(stream.Terms{AnyKeyframeInterval: true})
	src := mediatest.New(t, mediatest.Config{GOP: 300})
	p := r.publish(src)
	if err := mediatest.Push(p, src, r.clock, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Started():
	default:
		t.Error("the publication has not started with its first pictures")
	}
	if err := mediatest.Push(p, src, r.clock, 25*time.Second); err != nil {
		t.Errorf("refused: %v", err)
	}
	if got := r.stream.Status().KeyframeInterval; got != 10*time.Second {
		t.Errorf("keyframe interval %s, want 10s", got)
	}
}
