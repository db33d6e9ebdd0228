package paramset_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/internal/paramset"
)

func put(t *testing.T, s *paramset.Sets, nal []byte, want bool) {
	t.Helper()
	changed, err := s.Put(nal)
	if err != nil {
		t.Fatalf("Put(%x): %v", nal, err)
	}
	if changed != want {
		t.Errorf("Put(%x) changed %v, want %v", nal, changed, want)
	}
}

func TestSetsH264(t *testing.T) {
	t.Parallel()
	s := paramset.NewSets(media.CodecH264)
	if _, err := s.Track(); !errors.Is(err, paramset.ErrIncomplete) {
		t.Fatalf("Track of nothing: error %v, want ErrIncomplete", err)
	}
	put(t, s, unhex(t, sps1080), true)
	if _, err := s.Track(); !errors.Is(err, paramset.ErrIncomplete) {
		t.Fatalf("Track without PPS: error %v, want ErrIncomplete", err)
	}
	put(t, s, unhex(t, pps1080), true)
	if !s.Changed() {
		t.Error("Changed = false before Track")
	}
	first, err := s.Track()
	if err != nil {
		t.Fatalf("Track: %v", err)
	}
	put(t, s, unhex(t, sps1080), false)
	put(t, s, unhex(t, pps1080), false)
	if s.Changed() {
		t.Error("Changed = true after the same sets again")
	}

	// Another SPS with the same identifier replaces the first.
	put(t, s, unhex(t, sps720), true)
	second, err := s.Track()
	if err != nil {
		t.Fatalf("Track: %v", err)
	}
	if first.SameFormat(second) || second.Video.Height != 720 || len(second.Video.ParameterSets) != 2 {
		t.Errorf("after the change: %+v", second.Video)
	}

	// A PPS with another identifier is a second one.
	put(t, s, []byte{0x68, 0b010_1_1000, 0xef}, true)
	third, err := s.Track()
	if err != nil {
		t.Fatalf("Track: %v", err)
	}
	if len(third.Video.ParameterSets) != 3 {
		t.Errorf("%d parameter sets, want SPS and two PPS", len(third.Video.ParameterSets))
	}
}

func TestSetsHEVC(t *testing.T) {
	t.Parallel()
	s := paramset.NewSets(media.CodecHEVC)
	put(t, s, unhex(t, ppsHEVC), true)
	put(t, s, unhex(t, spsMain), true)
	if _, err := s.Track(); !errors.Is(err, paramset.ErrIncomplete) {
		t.Fatalf("Track without VPS: error %v, want ErrIncomplete", err)
	}
	put(t, s, unhex(t, vpsMain), true)
	put(t, s, unhex(t, spsMain), false)
	got, err := s.Track()
	if err != nil {
		t.Fatalf("Track: %v", err)
	}
	if got.Video.Height != 1080 || !bytes.Equal(got.Video.ParameterSets[0], unhex(t, vpsMain)) {
		t.Errorf("track = %+v", got.Video)
	}
}

func TestSetsBounds(t *testing.T) {
	t.Parallel()
	s := paramset.NewSets(media.CodecH264)
	for name, nal := range map[string][]byte{
		"slice":           unhex(t, sliceIDR),
		"empty":           nil,
		"SPS header only": {0x67},
		"PPS header only": {0x68},
		"PPS of 9 kB":     append(unhex(t, pps1080), make([]byte, 9000)...),
	} {
		if _, err := s.Put(nal); !errors.Is(err, paramset.ErrMalformed) {
			t.Errorf("%s: error %v, want ErrMalformed", name, err)
		}
	}
	if s.Changed() {
		t.Error("rejected sets left a trace")
	}

	// 256 PPS of 8 kB each would be 2 MB.
	var full error
	for id := range uint64(256) {
		w := bitWriter{}
		w.golomb(id)
		w.golomb(0)
		w.write(1, 1)
		_, err := s.Put(append(append([]byte{0x68}, escape(w.bytes())...), bytes.Repeat([]byte{0xAA}, 8000)...))
		full = errors.Join(full, err)
	}
	if !errors.Is(full, paramset.ErrMalformed) {
		t.Errorf("256 large PPS: error %v, want ErrMalformed", full)
	}
}
