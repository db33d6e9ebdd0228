package worker

import (
	"slices"
	"testing"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// A worker that says what no correct one does is lost for "protocol"; the server
// takes none of it.
func TestHostileWorker(t *testing.T) {
	unit := func(s *scripted, run uint32, au *media.AccessUnit) {
		s.say(wire.AppendUnit(nil, wire.Unit{Run: run, AccessUnit: au}))
	}
	changed := func(change func(tracks []media.Track) []media.Track) func(*scripted, uint32) {
		return func(s *scripted, run uint32) { s.say(wire.AppendOpened(nil, run, change(testTracks()))) }
	}
	for _, tc := range []struct {
		name   string
		unopen bool // before opened
		say    func(s *scripted, run uint32)
	}{
		{"another hello", false, func(s *scripted, _ uint32) { s.hello() }},
		{"unit before opened", true, func(s *scripted, run uint32) { unit(s, run, encoded(0)) }},
		{"opened twice", false, func(s *scripted, run uint32) { s.say(wire.AppendOpened(nil, run, testTracks())) }},
		{"a track missing", true, changed(func(tr []media.Track) []media.Track { return tr[:1] })},
		{"a track twice", true, changed(func(tr []media.Track) []media.Track { return append(tr, tr[0]) })},
		{"an unknown track", true, changed(func(tr []media.Track) []media.Track { tr[0].ID = 99; return tr })},
		{"another kind", true, changed(func(tr []media.Track) []media.Track { tr[0].Codec = media.CodecAAC; return tr })},
		{"no timescale", true, changed(func(tr []media.Track) []media.Track { tr[1].Timescale = 0; return tr })},
		{"no parameter sets", true, changed(func(tr []media.Track) []media.Track { tr[0].Video.ParameterSets = nil; return tr })},
		{"empty parameter set", true, changed(func(tr []media.Track) []media.Track { tr[0].Video.ParameterSets[0] = nil; return tr })},
		{"no size", true, changed(func(tr []media.Track) []media.Track { tr[0].Video.Width = 0; return tr })},
		{"no sound configuration", true, changed(func(tr []media.Track) []media.Track { tr[1].Audio.Config = nil; return tr })},
		{"negative cap", true, changed(func(tr []media.Track) []media.Track { tr[1].MaxBitRate = -1; return tr })},
		{"unit of another track", false, func(s *scripted, run uint32) { unit(s, run, picture(0)) }},
		{"far future", false, func(s *scripted, run uint32) { unit(s, run, encoded(30*1000)) }},
		{"end of time", false, func(s *scripted, run uint32) {
			au := encoded(0)
			au.PTS = 1 << 53
			unit(s, run, au)
		}},
		{"far past", false, func(s *scripted, run uint32) { unit(s, run, encoded(-30*1000)) }},
		{"stopped of another track", false, func(s *scripted, run uint32) { s.say(wire.AppendStopped(nil, run, transcode.Stopped{Track: 99})) }},
		{"stopped far away", false, func(s *scripted, run uint32) {
			s.say(wire.AppendStopped(nil, run, transcode.Stopped{Track: testRung, At: 1 << 52}))
		}},
		{"drained unasked", false, func(s *scripted, run uint32) { s.say(wire.AppendDrained(nil, run)) }},
		{"far thumbnail", false, func(s *scripted, run uint32) {
			s.say(wire.AppendThumbnail(nil, run, transcode.Thumbnail{PTS: time.Hour, Width: 1, Height: 1, JPEG: []byte{0xff, 0xd8}}))
		}},
		{"far loudness", false, func(s *scripted, run uint32) {
			s.say(wire.AppendLoudness(nil, run, transcode.Loudness{PTS: -time.Hour}))
		}},
		{"many rungs", false, func(s *scripted, run uint32) {
			s.say(wire.AppendStats(nil, run, transcode.Stats{Rungs: make([]transcode.RungStats, 17)}))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(b *bench) {
				b.host.Open(1, testSpec(), false)
				b.host.Write(picture(0))
				b.host.Write(picture(1))
				events := b.events()
				if l := lost(events); len(l) != 1 || l[0].Reason != reasonProtocol || l[0].Text == "" {
					t.Errorf("losses %+v", l)
				}
				for _, e := range events {
					if e.AccessUnit != nil || e.Drained || e.Stopped != nil || e.Thumbnail != nil || e.Loudness != nil {
						t.Errorf("the server took %+v", e)
					}
				}
			}, func(s *scripted) ending {
				s.hello()
				body, ok := s.next(wire.KindOpen)
				if !ok {
					return ending{reason: reasonCrashed}
				}
				run, _, _ := wire.ParseOpen(body)
				if !tc.unopen {
					s.say(wire.AppendOpened(nil, run, testTracks()))
				}
				s.next(wire.KindUnit)
				s.next(wire.KindUnit)
				tc.say(s, run)
				return s.beatUntilDead()
			}, func(s *scripted) ending { s.open(); return s.beatUntilDead() })
		})
	}
}

// A track that goes back in DTS goes on with the next keyframe that is new.
func TestFallingDTS(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(1, testSpec(), false)
		b.host.Write(picture(0))
		var got []int64
		for _, e := range b.events() {
			if e.AccessUnit != nil {
				got = append(got, e.AccessUnit.DTS/3000)
			}
		}
		if want := []int64{30, 31, 60, 61}; !slices.Equal(got, want) {
			t.Errorf("the server took %v, want %v", got, want)
		}
	}, func(s *scripted) ending {
		run, _ := s.open()
		s.next(wire.KindUnit)
		for _, n := range []int{29, 30, 31, 31, 30, 32, 60, 61, 1} {
			s.say(wire.AppendUnit(nil, wire.Unit{Run: run, AccessUnit: encoded(n)}))
		}
		return s.beatUntilDead()
	})
}

// Everything a worker may tell comes through as it was told.
func TestTold(t *testing.T) {
	bubble(t, func(b *bench) {
		b.host.Open(5, testSpec(), false)
		b.host.Write(picture(0))
		var kinds []string
		for _, e := range b.events() {
			if e.Run != 5 {
				t.Errorf("run %d", e.Run)
			}
			switch {
			case e.Opened != nil:
				kinds = append(kinds, "opened")
				if tr := e.Opened[0]; tr.Rendition != "360p" || !tr.Encoded {
					t.Errorf("opened with %+v", tr)
				}
			case e.Stopped != nil:
				kinds = append(kinds, "stopped")
			case e.Thumbnail != nil:
				kinds = append(kinds, "thumbnail")
			case e.Loudness != nil:
				kinds = append(kinds, "loudness")
			}
		}
		if got := len(kinds); got != 4 {
			t.Errorf("told %v", kinds)
		}
		if s := b.host.Status(); s.Stats.Decoded != 3 || s.State != StateRunning || b.host.metrics.worstLag() != 2 {
			t.Errorf("status %+v", s)
		}
	}, func(s *scripted) ending {
		run, _ := s.open()
		s.next(wire.KindUnit)
		s.say(wire.AppendStopped(nil, run, transcode.Stopped{Track: testRung, At: 1}))
		s.say(wire.AppendThumbnail(nil, run, transcode.Thumbnail{Width: 1, Height: 1, JPEG: []byte{0xff, 0xd8}}))
		s.say(wire.AppendLoudness(nil, run, transcode.Loudness{ShortTerm: -20}))
		s.say(wire.AppendStats(nil, run, transcode.Stats{Decoded: 3, Rungs: []transcode.RungStats{{Track: testRung, Lag: 2 * time.Second}}}))
		return s.beatUntilDead()
	})
}

// A restart goes on where the run is: from the keyframe, or on a grid from the
// multiple before what is delivered.
func TestRestartStart(t *testing.T) {
	for _, tc := range []struct {
		name string
		grid time.Duration
		want time.Duration
	}{
		{"at the source's keyframes", 0, 0},
		{"on a grid", 2 * time.Second, 4 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := time.Duration(-1)
			sp := testSpec()
			sp.Grid, sp.Audio = tc.grid, nil
			bubble(t, func(b *bench) {
				b.host.Open(1, sp, false)
				for n := range 5 * 30 { // 5 s after one keyframe
					au := picture(n)
					au.RandomAccess = n == 0
					b.host.Write(au)
					time.Sleep(time.Second / 30) //nolint:forbidigo // in a synctest bubble
				}
				time.Sleep(time.Second) //nolint:forbidigo // in a synctest bubble
				b.events()
			}, func(s *scripted) ending {
				s.hello()
				body, _ := s.next(wire.KindOpen)
				run, _, _ := wire.ParseOpen(body)
				s.say(wire.AppendOpened(nil, run, testTracks()[:1]))
				for n := range 4*30 + 10 {
					s.next(wire.KindUnit)
					au := encoded(n)
					s.say(wire.AppendUnit(nil, wire.Unit{Run: run, AccessUnit: au}))
				}
				return ending{reason: reasonCrashed, text: "done"}
			}, func(s *scripted) ending {
				s.hello()
				if body, ok := s.next(wire.KindOpen); ok {
					_, spec, _ := wire.ParseOpen(body)
					got = spec.Start
				}
				return s.beatUntilDead()
			})
			if got != tc.want {
				t.Errorf("the new worker starts at %s, want %s", got, tc.want)
			}
		})
	}
}
