package realtime

import "slices"

// PollKind is how a poll is answered.
type PollKind string

// The kinds of polls.
const (
	PollSingle   PollKind = "single"   // one of the options
	PollMultiple PollKind = "multiple" // any of the options
	PollScale    PollKind = "scale"    // a number from Min to Max
	PollText     PollKind = "text"     // a short text, for staff to read
	PollCloud    PollKind = "cloud"    // a word, shown larger the more often it comes
)

// PollResults is when participants see how others voted. Staff always do.
type PollResults string

// When results are shown.
const (
	ResultsLive  PollResults = "live"  // from the first vote on
	ResultsAfter PollResults = "after" // when the poll is revealed
	ResultsNever PollResults = "never"
)

// PollDraft is what a host writes of a poll.
type PollDraft struct {
	Kind       PollKind    `json:"kind"`
	Prompt     string      `json:"prompt"`
	Options    []string    `json:"options,omitempty"`    // single, multiple; of a scale none, or what its ends are called
	Correct    []int       `json:"correct,omitempty"`    // positions in Options, in order; never sent to participants before the reveal
	Min        int         `json:"min,omitempty"`        // scale
	Max        int         `json:"max,omitempty"`        // scale
	Changeable bool        `json:"changeable,omitempty"` // a vote may be changed while the poll is open
	Results    PollResults `json:"results"`
	Quiz       bool        `json:"quiz,omitempty"`      // has correct options and counts
	Anonymous  bool        `json:"anonymous,omitempty"` // who voted what is not told to staff either
}

func (d PollDraft) validate() error {
	if !slices.Contains([]PollResults{ResultsLive, ResultsAfter, ResultsNever}, d.Results) {
		return invalid("results", "must be live, after or never")
	}
	switch d.Kind {
	case PollSingle, PollMultiple:
		if n := len(d.Options); n < MinOptions || n > MaxOptions {
			return invalid("options", "must be 2 to 12")
		}
	case PollScale:
		if n := len(d.Options); n != 0 && n != 2 {
			return invalid("options", "must be none, or the names of the two ends")
		}
		if d.Min < 0 || d.Max > MaxScale || d.Min >= d.Max {
			return invalid("max", "must be above min and at most 10")
		}
	case PollText, PollCloud:
		if len(d.Options) > 0 {
			return invalid("options", "must be absent for this kind")
		}
	default:
		return invalid("kind", "must be single, multiple, scale, text or cloud")
	}
	if d.Kind != PollScale && (d.Min != 0 || d.Max != 0) {
		return invalid("max", "is for a scale only")
	}
	for _, o := range d.Options {
		if err := requiredText("options", o, MaxOption); err != nil {
			return err
		}
	}
	return firstOf(d.validateCorrect(), requiredText("prompt", d.Prompt, MaxPrompt))
}

func (d PollDraft) validateCorrect() error {
	chosen := d.Kind == PollSingle || d.Kind == PollMultiple
	switch {
	case d.Quiz != (len(d.Correct) > 0) || (d.Quiz && !chosen):
		return invalid("correct", "must be there for a quiz of options, and only there")
	case d.Kind == PollSingle && len(d.Correct) > 1:
		return invalid("correct", "must be one")
	}
	return checkChoices("correct", d.Correct, len(d.Options))
}

// checkChoices wants positions below n, each once and in order.
func checkChoices(field string, choices []int, n int) error {
	last := -1
	for _, c := range choices {
		if c <= last || c >= n {
			return invalid(field, "must be positions of options, each once, in order")
		}
		last = c
	}
	return nil
}

// PollSave makes a draft, or replaces the one with the id Poll.
type PollSave struct {
	Poll string `json:"poll,omitempty"`
	PollDraft
}

// CommandType returns CommandPollSave.
func (PollSave) CommandType() CommandType { return CommandPollSave }

// Validate implements CommandData.
func (d PollSave) Validate() error { return firstOf(optionalID("poll", d.Poll), d.validate()) }

// PollOpen opens a draft for votes.
type PollOpen struct {
	Poll    string `json:"poll"`
	Seconds int    `json:"seconds,omitempty"` // until it closes by itself; absent: it does not
}

// CommandType returns CommandPollOpen.
func (PollOpen) CommandType() CommandType { return CommandPollOpen }

// Validate implements CommandData.
func (d PollOpen) Validate() error {
	return firstOf(requiredID("poll", d.Poll), between("seconds", int64(d.Seconds), 0, MaxPollSeconds))
}

// PollClose ends an open poll.
type PollClose struct {
	Poll string `json:"poll"`
}

// CommandType returns CommandPollClose.
func (PollClose) CommandType() CommandType { return CommandPollClose }

// Validate implements CommandData.
func (d PollClose) Validate() error { return requiredID("poll", d.Poll) }

// PollReveal shows the results of a closed poll and what was correct.
type PollReveal struct {
	Poll string `json:"poll"`
}

// CommandType returns CommandPollReveal.
func (PollReveal) CommandType() CommandType { return CommandPollReveal }

// Validate implements CommandData.
func (d PollReveal) Validate() error { return requiredID("poll", d.Poll) }

// PollDiscard drops a draft.
type PollDiscard struct {
	Poll string `json:"poll"`
}

// CommandType returns CommandPollDiscard.
func (PollDiscard) CommandType() CommandType { return CommandPollDiscard }

// Validate implements CommandData.
func (d PollDiscard) Validate() error { return requiredID("poll", d.Poll) }

// PollVote votes. Exactly one of Choices, Value and Text is there.
type PollVote struct {
	Poll    string `json:"poll"`
	Choices []int  `json:"choices,omitempty"`  // positions of options, in order: single, multiple
	Value   *int   `json:"value,omitempty"`    // scale
	Text    string `json:"text,omitempty"`     // text, cloud
	MediaTS int64  `json:"media_ts,omitempty"` // what was on the voter's screen
}

// CommandType returns CommandPollVote.
func (PollVote) CommandType() CommandType { return CommandPollVote }

// Validate implements CommandData. Whether the vote fits the poll is
// [PollDraft.Accepts].
func (d PollVote) Validate() error {
	n := 0
	if len(d.Choices) > 0 {
		n++
	}
	if d.Value != nil {
		n++
	}
	if d.Text != "" {
		n++
		if err := requiredText("text", d.Text, MaxPollText); err != nil {
			return err
		}
	}
	if n != 1 {
		return invalid("choices", "exactly one of choices, value and text must be there")
	}
	return firstOf(requiredID("poll", d.Poll), checkChoices("choices", d.Choices, MaxOptions), between("media_ts", d.MediaTS, 0, maxTime))
}

// Accepts reports why the vote does not fit the poll, as an *Error.
func (d PollDraft) Accepts(v PollVote) error {
	switch d.Kind {
	case PollSingle, PollMultiple:
		if len(v.Choices) == 0 || (d.Kind == PollSingle && len(v.Choices) > 1) {
			return invalid("choices", "must be one, or any for a poll of kind multiple")
		}
		return checkChoices("choices", v.Choices, len(d.Options))
	case PollScale:
		if v.Value == nil {
			return invalid("value", "must be there for a scale")
		}
		return between("value", int64(*v.Value), int64(d.Min), int64(d.Max))
	case PollCloud:
		return requiredText("text", v.Text, MaxCloudWord)
	case PollText:
		return requiredText("text", v.Text, MaxPollText)
	}
	return invalid("poll", "takes no votes")
}

// PollSaved tells staff of a draft, or of a change to one.
type PollSaved struct {
	Poll string `json:"poll"`
	PollDraft
}

// EventType returns EventPollSaved.
func (PollSaved) EventType() EventType { return EventPollSaved }

// PollDiscarded tells staff that a draft is gone.
type PollDiscarded struct {
	Poll string `json:"poll"`
}

// EventType returns EventPollDiscarded.
func (PollDiscarded) EventType() EventType { return EventPollDiscarded }

// PollOpened is the cue that opens a poll. Correct is never in it.
type PollOpened struct {
	Poll string `json:"poll"`
	PollDraft
	At       int64 `json:"at,omitempty"`        // show it from then on; absent: at once
	ClosesAt int64 `json:"closes_at,omitempty"` // on the media's clock; absent: open end
}

// EventType returns EventPollOpened.
func (PollOpened) EventType() EventType { return EventPollOpened }

// PollClosed is the cue that closes a poll.
type PollClosed struct {
	Poll string `json:"poll"`
	At   int64  `json:"at,omitempty"`
}

// EventType returns EventPollClosed.
func (PollClosed) EventType() EventType { return EventPollClosed }

// PollRevealed is the cue that shows the results.
type PollRevealed struct {
	Poll    string `json:"poll"`
	At      int64  `json:"at,omitempty"`
	Correct []int  `json:"correct,omitempty"`
	Tally   *Tally `json:"tally,omitempty"` // absent if ResultsNever
}

// EventType returns EventPollRevealed.
func (PollRevealed) EventType() EventType { return EventPollRevealed }

// Tally is how the votes of a poll stand. Its key is the poll.
type Tally struct {
	Poll   string      `json:"poll"`
	Voters int         `json:"voters"`
	Counts []int       `json:"counts,omitempty"` // per option; of a scale per point from min on
	Words  []WordCount `json:"words,omitempty"`  // cloud: the most frequent ones, and text: the latest ones
}

// EventType returns EventTally.
func (Tally) EventType() EventType { return EventTally }

// WordCount is how often a word or text came.
type WordCount struct {
	Text string `json:"text"`
	N    int    `json:"n"`
}

// PollState is how far a poll has come.
type PollState string

// The states of a poll.
const (
	PollDrafted    PollState = "draft" // staff only
	PollIsOpen     PollState = "open"
	PollIsClosed   PollState = "closed"
	PollIsRevealed PollState = "revealed"
)

// Poll is a poll in a snapshot. Correct is there for staff, and once revealed.
type Poll struct {
	Poll  string    `json:"poll"`
	State PollState `json:"state"`
	PollDraft
	At       int64     `json:"at,omitempty"` // of the last change of state
	ClosesAt int64     `json:"closes_at,omitempty"`
	Tally    *Tally    `json:"tally,omitempty"`
	Mine     *PollVote `json:"mine,omitempty"` // the receiver's vote
}
