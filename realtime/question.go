package realtime

import "slices"

// QuestionState is how far a question has come.
type QuestionState string

// The states of a question.
const (
	QuestionIsAsked     QuestionState = "asked"
	QuestionIsAnswering QuestionState = "answering" // being answered now
	QuestionIsAnswered  QuestionState = "answered"
	QuestionIsDismissed QuestionState = "dismissed" // by staff
	QuestionIsWithdrawn QuestionState = "withdrawn" // by its author
	QuestionIsMerged    QuestionState = "merged"    // into another; by question.merge only
)

// QuestionAsk asks a question.
type QuestionAsk struct {
	Text      string `json:"text"`
	Anonymous bool   `json:"anonymous,omitempty"` // participants do not learn who asks
}

// CommandType returns CommandQuestionAsk.
func (QuestionAsk) CommandType() CommandType { return CommandQuestionAsk }

// Validate implements CommandData.
func (d QuestionAsk) Validate() error { return requiredText("text", d.Text, MaxQuestion) }

// QuestionVote votes for a question, or takes the vote back.
type QuestionVote struct {
	Question string `json:"question"`
	Up       bool   `json:"up,omitempty"`
}

// CommandType returns CommandQuestionVote.
func (QuestionVote) CommandType() CommandType { return CommandQuestionVote }

// Validate implements CommandData.
func (d QuestionVote) Validate() error { return requiredID("question", d.Question) }

// QuestionMove changes the state of a question. Its author may make it
// QuestionIsWithdrawn; all else needs MayTriage.
type QuestionMove struct {
	Question string        `json:"question"`
	State    QuestionState `json:"state"`
}

// CommandType returns CommandQuestionMove.
func (QuestionMove) CommandType() CommandType { return CommandQuestionMove }

// Validate implements CommandData.
func (d QuestionMove) Validate() error {
	if !slices.Contains([]QuestionState{QuestionIsAsked, QuestionIsAnswering, QuestionIsAnswered, QuestionIsDismissed, QuestionIsWithdrawn}, d.State) {
		return invalid("state", "must be asked, answering, answered, dismissed or withdrawn")
	}
	return requiredID("question", d.Question)
}

// QuestionAnswer answers a question: in words, or by telling that it is answered
// in the lecture just now.
type QuestionAnswer struct {
	Question string `json:"question"`
	Text     string `json:"text,omitempty"`
	Live     bool   `json:"live,omitempty"`
}

// CommandType returns CommandQuestionAnswer.
func (QuestionAnswer) CommandType() CommandType { return CommandQuestionAnswer }

// Validate implements CommandData.
func (d QuestionAnswer) Validate() error {
	if d.Live == (d.Text != "") {
		return invalid("text", "must be there, unless live is true")
	}
	if d.Live {
		return requiredID("question", d.Question)
	}
	return firstOf(requiredID("question", d.Question), requiredText("text", d.Text, MaxAnswer))
}

// QuestionMerge joins a question to another that asks the same, votes and all.
type QuestionMerge struct {
	Question string `json:"question"`
	Into     string `json:"into"`
}

// CommandType returns CommandQuestionMerge.
func (QuestionMerge) CommandType() CommandType { return CommandQuestionMerge }

// Validate implements CommandData.
func (d QuestionMerge) Validate() error {
	if d.Question == d.Into {
		return invalid("into", "must be another question")
	}
	return firstOf(requiredID("question", d.Question), requiredID("into", d.Into))
}

// QuestionAsked is a question. Who asked it and when is in the envelope.
type QuestionAsked struct {
	ID        string `json:"id"`
	Text      string `json:"text"`
	Anonymous bool   `json:"anonymous,omitempty"`
	Shadow    bool   `json:"shadow,omitempty"` // staff only: other participants do not see it
}

// EventType returns EventQuestionAsked.
func (QuestionAsked) EventType() EventType { return EventQuestionAsked }

// QuestionMoved tells the new state of a question.
type QuestionMoved struct {
	Question string        `json:"question"`
	State    QuestionState `json:"state"`
}

// EventType returns EventQuestionMoved.
func (QuestionMoved) EventType() EventType { return EventQuestionMoved }

// QuestionAnswered tells the answer to a question, which is in
// QuestionIsAnswered now.
type QuestionAnswered struct {
	Question string `json:"question"`
	Text     string `json:"text,omitempty"`
	Live     bool   `json:"live,omitempty"`
	At       int64  `json:"at,omitempty"` // of Live: where in the lecture
}

// EventType returns EventQuestionAnswered.
func (QuestionAnswered) EventType() EventType { return EventQuestionAnswered }

// QuestionMerged tells that a question went into another.
type QuestionMerged struct {
	Question string `json:"question"`
	Into     string `json:"into"`
}

// EventType returns EventQuestionMerged.
func (QuestionMerged) EventType() EventType { return EventQuestionMerged }

// Votes is how many voted for a question. Its key is the question.
type Votes struct {
	Question string `json:"question"`
	Votes    int    `json:"votes"`
}

// EventType returns EventVotes.
func (Votes) EventType() EventType { return EventVotes }

// Question is a question in a snapshot.
type Question struct {
	QuestionAsked

	State   QuestionState     `json:"state"`
	Votes   int               `json:"votes"`
	Mine    bool              `json:"mine,omitempty"`  // the receiver asked it
	Voted   bool              `json:"voted,omitempty"` // the receiver voted for it
	Answer  *QuestionAnswered `json:"answer,omitempty"`
	From    *Sender           `json:"from,omitempty"`
	Seq     uint64            `json:"seq"`
	TS      int64             `json:"ts"`
	MediaTS int64             `json:"media_ts,omitempty"`
}
