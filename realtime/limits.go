package realtime

// What any room accepts at most. They are part of the protocol, not of the
// configuration: clients may rely on them. Lengths are in Unicode code points
// unless they are said to be bytes.
const (
	// Subprotocol is the WebSocket subprotocol of this version.
	Subprotocol = "lectern.v1.json"

	// Version is the v of every envelope.
	Version = 1

	MaxFrameBytes = 8 << 10 // one message of a client
	MaxDepth      = 5       // objects and lists within each other, the envelope being one

	MaxChat         = 500
	MaxQuestion     = 1000
	MaxAnswer       = 2000
	MaxAnnouncement = 500
	MaxMarker       = 120
	MaxReason       = 200
	MaxName         = 40
	MaxMentions     = 5

	MaxPrompt      = 500
	MinOptions     = 2
	MaxOptions     = 12
	MaxOption      = 200
	MaxPollText    = 200  // a vote in words
	MaxCloudWord   = 30   // a vote for a word cloud
	MaxScale       = 10   // the highest point of a scale
	MaxPollSeconds = 3600 // how long a poll is open

	MaxSlowMode        = 300 // seconds between two messages
	MaxWords           = 200 // filtered words
	MaxWord            = 40
	MaxModerateSeconds = 7 * 24 * 3600

	MaxCaps = 16
	MaxCap  = 32

	minCommandID = 8
	maxCommandID = 40
	maxObjectID  = 40
	maxGrant     = 2 << 10                // bytes
	maxTime      = int64(253402300799999) // the last millisecond of the year 9999
	maxBehind    = int64(24 * 3600 * 1000)
)

// Limits are what a room tells a client in welcome, so that it can stop a person
// before the server does.
type Limits struct {
	FrameBytes      int `json:"frame_bytes"`
	Chat            int `json:"chat"`
	Question        int `json:"question"`
	MessagesMS      int `json:"messages_ms"`       // average time between chat messages
	MessagesBurst   int `json:"messages_burst"`    // how many may come at once
	QuestionsMS     int `json:"questions_ms"`      // time between questions
	ReactionsPerSec int `json:"reactions_per_sec"` // reactions and pulses
	EditMS          int `json:"edit_ms"`           // how long one's own message can be changed
}
