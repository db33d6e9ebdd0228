package reception

import (
	"errors"
	"fmt"
	"time"

	"github.com/lectern/lectern/media"
)

// admitter is a publication that tells beforehand whether it takes tracks.
type admitter interface {
	// Admits returns the error that SetTracks would, and does nothing else.
	Admits(tracks []media.Track) error
}

// pending reports whether a track is announced by nobody yet, since what it is
// comes with its media.
func (in *Receiver) pending() bool {
	return in.video != nil && !in.video.complete || in.audio != nil && !in.audio.known
}

// announce tells pub the tracks that are known, of which there is one at least.
func (in *Receiver) announce() error {
	if err := in.checkAudio(); err != nil {
		return err
	}
	var tracks []media.Track
	if in.video != nil && len(in.video.track.Video.ParameterSets) > 0 {
		tracks = append(tracks, in.video.track)
	}
	if in.audio != nil && in.audio.known {
		tracks = append(tracks, in.audio.track)
	}
	if err := in.pub.SetTracks(tracks); err != nil {
		return fmt.Errorf("set tracks: %w", err)
	}
	in.tracks = tracks
	return nil
}

// checkAudio leaves the audio out if that was asked for and the publication would
// refuse it. A publication that cannot be asked is taken to serve AAC only.
func (in *Receiver) checkAudio() error {
	if !in.plan.ignoreAudio || in.video == nil || in.audio == nil || !in.audio.known {
		return nil
	}
	pub, ok := in.pub.(admitter)
	if !ok {
		if in.audio.track.Codec != media.CodecAAC {
			in.audio = nil
		}
		return nil
	}
	err := pub.Admits([]media.Track{in.audio.track})
	if refusal := (*media.RefusalError)(nil); errors.As(err, &refusal) {
		in.audio = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("check audio: %w", err)
	}
	return nil
}

// Sound that comes before the first picture waits for it: if that is no keyframe,
// the sound is of no use either. It waits for pictureWait at most, and at most
// earlyMax packets do.
//
// Pictures wait as long for sound that is not described yet, and heldMax bytes of
// them at most: to begin without it would cost a discontinuity when it comes.
const (
	pictureWait = 2 * time.Second
	earlyMax    = 256
	heldMax     = 8 << 20
)

// waiting is what came before the tracks were all known.
type waiting struct {
	sound    []early
	pictures []media.Sample
	bytes    int       // of pictures
	since    time.Time // arrival of the first of pictures
}

// early is sound that waits for the first picture.
type early struct {
	frames [][]byte
	ticks  int64
}

// mustHold reports whether a picture has to wait for the sound to be described.
func (in *Receiver) mustHold(arrival time.Time) bool {
	w := &in.waiting
	if in.tracks != nil || in.audio == nil || in.audio.known || w.bytes > heldMax {
		return false
	}
	if w.since.IsZero() {
		w.since = arrival
	}
	return arrival.Sub(w.since) < pictureWait
}

// release announces the tracks and writes the pictures that waited.
func (in *Receiver) release() error {
	if err := in.announce(); err != nil {
		return err
	}
	pictures := in.waiting.pictures
	in.waiting.pictures, in.waiting.bytes = nil, 0
	for _, s := range pictures {
		if err := in.write(s, media.KindVideo); err != nil {
			return err
		}
	}
	return nil
}
