package api

import (
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/lectern/lectern/realtime/class"
)

// Class is a class as the API shows it. Times are UTC; nil ones have not
// happened. It holds the stream key and the studio link in clear, but does not log
// them.
type Class struct {
	ID        string      `json:"id"`
	Title     string      `json:"title"`
	State     class.State `json:"state"`
	StartsAt  *time.Time  `json:"starts_at"`
	CreatedAt time.Time   `json:"created_at"`
	StartedAt *time.Time  `json:"started_at"`
	EndedAt   *time.Time  `json:"ended_at"`

	// StreamKey goes into the encoder's field of that name.
	StreamKey string `json:"stream_key"`

	// Source is the URL that the class is pulled from, without what may be a
	// credential; nil for a class that is pushed.
	Source *string `json:"source"`

	// Ladder names the renditions that were chosen for the class; nil for the
	// server's own choice.
	Ladder *[]string `json:"ladder"`

	// Access says who may play the class.
	Access class.Access `json:"access"`

	// DVRWindow is how far back viewers can seek, in seconds; nil for the server's
	// own choice. A day is from the start.
	DVRWindow *int64 `json:"dvr_window"`

	Ingest   Ingest   `json:"ingest"`
	Playback Playback `json:"playback"`

	// Studio is the URL of the instructor's page. Its fragment holds a secret:
	// whoever has it is the host.
	Studio string `json:"studio"`

	// Publisher is who publishes now, nil if nobody does.
	Publisher *Publisher `json:"publisher"`

	// LastRefusal is why a publisher was last turned away, nil if none was.
	LastRefusal *Refusal `json:"last_refusal"`

	// What follows is nil in lists too.

	// LadderState says which renditions there are; nil while nobody publishes.
	LadderState *LadderState `json:"ladder_state"`

	// Health is what to know of the publication; nil if there is none.
	Health *Health `json:"health"`

	// Thumbnail and Storyboard are URLs; nil until there is one.
	Thumbnail  *string `json:"thumbnail"`
	Storyboard *string `json:"storyboard"`
}

// LogValue names the class and its state, and none of its secrets.
func (c Class) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", c.ID), slog.String("state", c.State.String()))
}

// Ingest says where to publish, for an encoder's "server" field, without the
// stream key. RTSP publishers append "/" and the key. A protocol that the
// server does not listen for is empty.
type Ingest struct {
	RTMP  string `json:"rtmp"`
	RTMPS string `json:"rtmps"`
	RTSP  string `json:"rtsp"`
}

// Playback says where to watch. For a class whose access is "token" the URLs are
// those without a token, which nobody is served.
type Playback struct {
	HLS   string `json:"hls"`   // the multivariant playlist
	DVR   string `json:"dvr"`   // the one with all of the DVR window
	Watch string `json:"watch"` // the page
}

// Publisher describes the publication that a class has now.
type Publisher struct {
	Protocol string    `json:"protocol"` // rtmp, rtmps, rtsp or rtsp-pull
	Remote   string    `json:"remote"`   // IP address
	Since    time.Time `json:"since"`

	// Video and Audio describe the tracks for people, "H.264 1920x1080 30 fps",
	// and are empty if there is none.
	Video string `json:"video"`
	Audio string `json:"audio"`

	// BitrateBPS is of the last seconds, in bits a second.
	BitrateBPS int64 `json:"bitrate_bps"`

	// KeyframeIntervalSeconds is the longest of late, 0 while unknown.
	KeyframeIntervalSeconds float64 `json:"keyframe_interval_seconds"`

	// Warning is a sentence for the teacher about what comes, empty if all is well.
	Warning string `json:"warning"`
}

// Refusal is what a publisher was told who was turned away.
type Refusal struct {
	Code string    `json:"code"` // stable, such as "keyframe_interval"
	Text string    `json:"text"` // one sentence for people
	At   time.Time `json:"at"`
}

// ClassList is one page of classes, oldest first.
type ClassList struct {
	Classes []Class `json:"classes"`

	// NextCursor asks for the next page; nil on the last one.
	NextCursor *string `json:"next_cursor"`
}

// CreateClass is the body of POST /api/v1/classes. Only Title is required.
type CreateClass struct {
	ID       string     `json:"id,omitempty"`
	Title    string     `json:"title"`
	StartsAt *time.Time `json:"starts_at,omitempty"`
	Source   string     `json:"source,omitempty"`
	Ladder   []string   `json:"ladder,omitempty"`

	Access    class.Access `json:"access,omitempty"`
	DVRWindow int64        `json:"dvr_window,omitempty"` // seconds
}

// LogValue names the class, and not its source.
func (c CreateClass) LogValue() slog.Value { return slog.GroupValue(slog.String("id", c.ID)) }

// UpdateClass is the body of PATCH /api/v1/classes/{id}: what is nil stays.
type UpdateClass struct {
	Title    *string         `json:"title,omitempty"`
	StartsAt Null[time.Time] `json:"starts_at,omitzero"`
	Source   Null[string]    `json:"source,omitzero"`
	Ladder   Null[[]string]  `json:"ladder,omitzero"`

	Access    Null[class.Access] `json:"access,omitzero"`
	DVRWindow Null[int64]        `json:"dvr_window,omitzero"` // seconds
}

// LogValue names nothing: a source may hold a password.
func (UpdateClass) LogValue() slog.Value { return slog.StringValue("changes") }

// Null is a value that a patch sets, removes or leaves alone. The zero Null
// leaves it alone.
type Null[T any] struct {
	value T
	kind  nullKind
}

type nullKind uint8

const (
	nullSet nullKind = iota + 1
	nullRemoved
)

// Set is a Null that sets v.
func Set[T any](v T) Null[T] { return Null[T]{value: v, kind: nullSet} }

// Remove is a Null that removes what is there.
func Remove[T any]() Null[T] { return Null[T]{kind: nullRemoved} }

// IsZero reports whether n leaves the value alone.
func (n Null[T]) IsZero() bool { return n.kind == 0 }

// MarshalJSON writes the value, or null.
func (n Null[T]) MarshalJSON() ([]byte, error) {
	if n.kind != nullSet {
		return []byte("null"), nil
	}
	return json.Marshal(n.value)
}

// errorBody is every answer that is an error.
type errorBody struct {
	Error errorObject `json:"error"`
}

type errorObject struct {
	Code      Code   `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// newClass renders c. URLs, publisher and refusal come from elsewhere.
func newClass(c class.Class, links Links) Class {
	out := Class{
		ID: c.ID, Title: c.Title, State: c.State,
		StartsAt: moment(c.StartsAt), CreatedAt: c.CreatedAt, StartedAt: moment(c.StartedAt), EndedAt: moment(c.EndedAt),
		StreamKey: c.StreamKey.Reveal(), Access: c.Access,
		Ingest: links.Ingest, Playback: links.Playback, Studio: links.Studio,
	}
	if out.Playback.DVR == "" {
		out.Playback.DVR = mediaBase(links.Playback.HLS, c.ID) + "/live/" + c.ID + "/dvr.m3u8"
	}
	if c.DVRWindow != 0 {
		window := int64(c.DVRWindow / time.Second)
		out.DVRWindow = &window
	}
	if !c.Source.IsZero() {
		source := class.RedactSource(c.Source)
		out.Source = &source
	}
	if c.Ladder != nil {
		ladder := slices.Clone(c.Ladder)
		out.Ladder = &ladder
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
