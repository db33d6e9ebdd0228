package transcript

import "github.com/lectern/lectern/realtime"

// Version is the version of the documents. Fields may be added; other changes make it
// larger.
const Version = 1

// Index is the document index.json.
type Index struct {
	V     int  `json:"v"`     // Version
	Ended bool `json:"ended"` // the class is over: nothing is added any more

	// FirstMediaTS and LastMediaTS are the media_ts of the first and the last moment,
	// 0 if there is none.
	FirstMediaTS int64 `json:"first_media_ts"`
	LastMediaTS  int64 `json:"last_media_ts"`

	Minutes       []MinuteInfo   `json:"minutes"` // those that exist, in order
	Chapters      []Chapter      `json:"chapters"`
	Questions     []Question     `json:"questions"`
	Polls         []Poll         `json:"polls"`
	Announcements []Announcement `json:"announcements"`
	Pins          []Pin          `json:"pins"`
}

// MinuteInfo says how much there is in a minute.
type MinuteInfo struct {
	Minute   int64 `json:"minute"`
	Messages int   `json:"messages"`
}

// Minute is the document {minute}.json.
type Minute struct {
	V        int       `json:"v"`
	Minute   int64     `json:"minute"`
	Messages []Message `json:"messages"`           // by media_ts
	LeftOut  int       `json:"left_out,omitempty"` // messages beyond the bounds
}

// Author is who said something, as others knew them.
type Author struct {
	Name      string        `json:"name,omitempty"`
	Role      realtime.Role `json:"role,omitempty"`
	Anonymous bool          `json:"anonymous,omitempty"`
}

func authorOf(s *realtime.Sender) Author {
	if s == nil {
		return Author{}
	}
	return Author{Name: s.Name, Role: s.Role, Anonymous: s.Anonymous}
}

// Message is a message to everybody.
type Message struct {
	ID      string `json:"id"`
	MediaTS int64  `json:"media_ts"`
	TS      int64  `json:"ts"`
	From    Author `json:"from"`
	Text    string `json:"text"`
	ReplyTo string `json:"reply_to,omitempty"` // a message, which may be gone
	Edited  bool   `json:"edited,omitempty"`
}

// Chapter is a mark of the host.
type Chapter struct {
	ID      string `json:"id"`
	MediaTS int64  `json:"media_ts"`
	TS      int64  `json:"ts"`
	Title   string `json:"title"`
}

// Question is a question that waits or is answered.
type Question struct {
	ID      string                 `json:"id"`
	MediaTS int64                  `json:"media_ts"`
	TS      int64                  `json:"ts"`
	From    Author                 `json:"from"`
	Text    string                 `json:"text"`
	Votes   int                    `json:"votes"` // in the end
	State   realtime.QuestionState `json:"state"` // in the end: asked, answering or answered
	Changes []Change               `json:"changes,omitempty"`
	Answer  *Answer                `json:"answer,omitempty"` // the last one
}

// Change is a question in another state.
type Change struct {
	MediaTS int64                  `json:"media_ts"`
	State   realtime.QuestionState `json:"state"`
}

// Answer is how a question was answered: in words, or in the lecture at MediaTS.
type Answer struct {
	MediaTS int64  `json:"media_ts"`
	TS      int64  `json:"ts"`
	Text    string `json:"text,omitempty"`
	Live    bool   `json:"live,omitempty"`
}

// Poll is a poll that was opened, at MediaTS.
type Poll struct {
	ID                 string             `json:"id"`
	MediaTS            int64              `json:"media_ts"`
	TS                 int64              `json:"ts"`
	State              realtime.PollState `json:"state"` // in the end: open, closed or revealed
	realtime.PollDraft                    // Correct is there once revealed

	ClosesMediaTS   int64 `json:"closes_media_ts,omitempty"` // when its time was to be over
	ClosedMediaTS   int64 `json:"closed_media_ts,omitempty"`
	RevealedMediaTS int64 `json:"revealed_media_ts,omitempty"`

	// Tally is the last one, if participants got to see it.
	Tally *Tally `json:"tally,omitempty"`
}

// Tally is how the votes of a poll stood.
type Tally struct {
	Voters int                  `json:"voters"`
	Counts []int                `json:"counts,omitempty"` // per option; of a scale per point from min on
	Words  []realtime.WordCount `json:"words,omitempty"`  // cloud: the most frequent ones
}

// Announcement is an announcement that stood from MediaTS on.
type Announcement struct {
	ID           string `json:"id"`
	MediaTS      int64  `json:"media_ts"`
	TS           int64  `json:"ts"`
	Text         string `json:"text"`
	UntilMediaTS int64  `json:"until_media_ts,omitempty"` // absent: to the end
}

// Pin is a message that was pinned from MediaTS on.
type Pin struct {
	MediaTS      int64   `json:"media_ts"`
	TS           int64   `json:"ts"`
	UntilMediaTS int64   `json:"until_media_ts,omitempty"` // absent: to the end
	Message      Message `json:"message"`
}
