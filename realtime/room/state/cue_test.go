package state

import (
	"math/rand/v2"
	"testing"
)

// What is passed over without decoding is no cue.
func TestMayBeCue(t *testing.T) {
	w := newWorld(t)
	rng := rand.New(rand.NewPCG(5, 0))
	for range 1000 {
		w.wander(rng)
	}
	cues, passed := map[string]int{}, 0
	for i, b := range w.log {
		e, err := DecodeEntry(b)
		if err != nil {
			t.Fatal(err)
		}
		event, id, _ := CueOf(e.Fact, uint64(i+1))
		switch {
		case event != "" && id != "" && MayBeCue(b):
			cues[string(event)]++
		case event != "":
			t.Errorf("passed over: %s", b)
		case !MayBeCue(b):
			passed++
		}
	}
	if len(cues) != 4 || passed < len(w.log)/2 {
		t.Errorf("cues %v; %d of %d entries are passed over", cues, passed, len(w.log))
	}
	if !MayBeCue([]byte(`{"ts":1,"kind":"poll.opened"}`)) {
		t.Error("another order of the fields hides a cue")
	}
}
