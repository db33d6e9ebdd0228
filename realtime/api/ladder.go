package api

import "time"

// Ladders tells about the renditions of classes. Its methods must not block, and
// may be called from any goroutine.
type Ladders interface {
	// Ladder returns the state of the class's ladder, and whether anybody
	// publishes to it now.
	Ladder(classID string) (LadderState, bool)
}

// LadderState says which renditions a class has at present, and why it has not
// all of them.
type LadderState struct {
	// Level is how far the ladder is cut back: 0 is all of it, 5 nothing that has
	// to be encoded but sound.
	Level int `json:"level"`

	Since time.Time `json:"since"` // when Level was taken

	// Reason is a word for programs, such as "lag", "cpu" or "admission", and Text
	// a sentence for the instructor. Both are empty while all is well.
	Reason string `json:"reason"`
	Text   string `json:"text"`

	Renditions []Rendition   `json:"renditions"` // best first
	Worker     Worker        `json:"worker"`
	History    []LevelChange `json:"history"` // latest first
}

// Rendition is one rung of the ladder.
type Rendition struct {
	Name      string  `json:"name"`       // as in the playlist path: "720p"
	Kind      string  `json:"kind"`       // video or audio
	Width     int     `json:"width"`      // pixels; 0 for audio
	Height    int     `json:"height"`     // pixels; 0 for audio
	FrameRate float64 `json:"frame_rate"` // pictures a second; 0 for audio

	// MaxBitrateBPS is the encoder's cap in bits a second; 0 if there is none.
	MaxBitrateBPS int `json:"max_bitrate_bps"`

	// State is passed_through, encoded, starting, shed or failed.
	State string `json:"state"`

	LagSeconds    float64 `json:"lag_seconds"`    // from receipt to encoded picture
	DroppedFrames int     `json:"dropped_frames"` // skipped for want of time
}

// Worker is the process that encodes a class's ladder.
type Worker struct {
	State      string `json:"state"`       // idle, starting, running, waiting or disabled
	Restarts   int    `json:"restarts"`    // since the publisher came
	LastReason string `json:"last_reason"` // of the latest restart; empty if there was none
}

// LevelChange is one entry of a ladder's history.
type LevelChange struct {
	At     time.Time `json:"at"`
	Level  int       `json:"level"`
	Reason string    `json:"reason"`
	Text   string    `json:"text"`
}

// complete turns lists that are nil into empty ones, which is what the document
// promises, and leaves the provider's own alone.
func (s LadderState) complete() *LadderState {
	s.Renditions = orEmpty(s.Renditions)
	s.History = orEmpty(s.History)
	return &s
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
