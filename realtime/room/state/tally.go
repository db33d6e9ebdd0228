package state

import (
	"slices"
	"strings"
	"unicode"

	"github.com/lectern/lectern/realtime"
)

// Bounds of what a tally tells.
const (
	maxCloud = 50 // words
	maxTexts = 50 // the latest ones, for staff
)

// tally is the votes of a poll, one a person, and their sums.
type tally struct {
	draft  realtime.PollDraft
	votes  map[string]Voted
	counts []int
	words  map[string]int // cloud: how often, normalised
	order  []string       // text: who voted, in order; a changed vote stays in its place
}

func newTally(d realtime.PollDraft) tally {
	t := tally{draft: d, votes: make(map[string]Voted), words: make(map[string]int)}
	switch d.Kind {
	case realtime.PollSingle, realtime.PollMultiple:
		t.counts = make([]int, len(d.Options))
	case realtime.PollScale:
		t.counts = make([]int, d.Max-d.Min+1)
	case realtime.PollText, realtime.PollCloud:
	}
	return t
}

func (f Voted) equal(o Voted) bool {
	sameValue := f.Value == o.Value || (f.Value != nil && o.Value != nil && *f.Value == *o.Value)
	return sameValue && f.Text == o.Text && slices.Equal(f.Choices, o.Choices)
}

// count puts a vote in the place of the person's last one.
func (t *tally) count(voter string, f Voted) {
	if before, again := t.votes[voter]; again {
		t.add(before, -1)
	} else if t.draft.Kind == realtime.PollText {
		t.order = append(t.order, voter)
	}
	t.votes[voter] = f
	t.add(f, 1)
}

func (t *tally) add(f Voted, n int) {
	for _, c := range f.Choices {
		t.counts[c] += n
	}
	if f.Value != nil {
		t.counts[*f.Value-t.draft.Min] += n
	}
	if t.draft.Kind == realtime.PollCloud {
		word := cloudWord(f.Text)
		if t.words[word] += n; t.words[word] == 0 {
			delete(t.words, word)
		}
	}
}

// cloudWord makes one word of those that people mean to be the same: small
// letters, single spaces, and no punctuation around it.
func cloudWord(s string) string {
	words := strings.Fields(fold(s))
	trimmed := strings.TrimFunc(strings.Join(words, " "), func(r rune) bool { return unicode.IsPunct(r) || unicode.IsSpace(r) })
	if trimmed == "" {
		return strings.Join(words, " ") // there is nothing but punctuation
	}
	return trimmed
}

// shown returns the tally for staff or for participants, who get no texts and no
// words that the room does not want.
func (p *poll) shown(staff bool, banned []string) *realtime.Tally {
	t := &p.tally
	out := &realtime.Tally{Poll: p.id, Voters: len(t.votes), Counts: slices.Clone(t.counts)}
	switch p.draft.Kind {
	case realtime.PollCloud:
		for word, n := range t.words {
			if staff || !hasWord(word, banned) {
				out.Words = append(out.Words, realtime.WordCount{Text: word, N: n})
			}
		}
		slices.SortFunc(out.Words, func(a, b realtime.WordCount) int {
			if a.N != b.N {
				return b.N - a.N
			}
			return strings.Compare(a.Text, b.Text)
		})
		out.Words = out.Words[:min(len(out.Words), maxCloud):min(len(out.Words), maxCloud)]
	case realtime.PollText:
		if staff {
			for _, voter := range slices.Backward(t.order) {
				if len(out.Words) == maxTexts {
					break
				}
				out.Words = append(out.Words, realtime.WordCount{Text: t.votes[voter].Text, N: 1})
			}
		}
	case realtime.PollSingle, realtime.PollMultiple, realtime.PollScale:
	}
	return out
}

// Tally returns how the votes of a poll stand: for staff, and for participants,
// nil while they are not to know.
func (s *State) Tally(id string) (staff, all *realtime.Tally) {
	p := s.polls.byID[id]
	if p == nil || p.state == realtime.PollDrafted {
		return nil, nil
	}
	staff = p.shown(true, s.settings.Words)
	if p.public() {
		all = p.shown(false, s.settings.Words)
	}
	return staff, all
}

// public reports whether participants may see how others voted.
func (p *poll) public() bool {
	return p.draft.Results == realtime.ResultsLive ||
		(p.draft.Results == realtime.ResultsAfter && p.state == realtime.PollIsRevealed)
}

// PollResult is how one person answered a poll.
type PollResult struct {
	Participant string // empty if the poll is anonymous
	Vote        Voted
	Correct     bool  // of a quiz: all that is correct and nothing else
	TookMS      int64 // on the media's clock, from when the poll was to be seen
}

// Results returns the votes of a poll in the order of the participants' ids; in
// that of no one, if the poll is anonymous.
func (s *State) Results(id string) []PollResult {
	p := s.polls.byID[id]
	if p == nil {
		return nil
	}
	out := make([]PollResult, 0, len(p.tally.votes))
	for voter, v := range p.tally.votes {
		r := PollResult{Participant: voter, Vote: v, TookMS: max(v.MediaTS-p.openedAt, 0)}
		r.Correct = p.draft.Quiz && slices.Equal(v.Choices, p.draft.Correct)
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b PollResult) int { return strings.Compare(a.Participant, b.Participant) })
	if p.draft.Anonymous {
		slices.SortStableFunc(out, func(a, b PollResult) int { return slices.Compare(a.Vote.Choices, b.Vote.Choices) })
		for i := range out {
			out[i].Participant, out[i].TookMS, out[i].Vote.MediaTS = "", 0, 0
		}
	}
	return out
}

// Scores returns how many quizzes each person has got right, of those that are
// closed and not anonymous, and how many there are.
func (s *State) Scores() (right map[string]int, of int) {
	right = make(map[string]int)
	for _, p := range s.polls.order {
		if !p.draft.Quiz || p.draft.Anonymous || (p.state != realtime.PollIsClosed && p.state != realtime.PollIsRevealed) {
			continue
		}
		of++
		for _, r := range s.Results(p.id) {
			if r.Correct {
				right[r.Participant]++
			}
		}
	}
	return right, of
}

// Bounds of the polls in a snapshot.
const (
	snapshotPolls  = 20 // the newest that were opened
	snapshotDrafts = 50
)

func (ps *polls) snapshot(by realtime.Principal, banned []string) []realtime.Poll {
	out := []realtime.Poll{}
	drafts, others := 0, 0
	for _, p := range slices.Backward(ps.order) {
		if p.state == realtime.PollDrafted {
			if !by.Staff() || drafts == snapshotDrafts {
				continue
			}
			drafts++
		} else {
			if others == snapshotPolls {
				continue
			}
			others++
		}
		out = append(out, p.snapshot(by, banned))
	}
	slices.Reverse(out)
	return out
}

func (p *poll) snapshot(by realtime.Principal, banned []string) realtime.Poll {
	r := realtime.Poll{Poll: p.id, State: p.state, PollDraft: p.draft, At: p.at, ClosesAt: p.closesAt}
	if !by.Staff() && p.state != realtime.PollIsRevealed {
		r.Correct = nil
	}
	if p.state != realtime.PollDrafted && (by.Staff() || p.public()) {
		r.Tally = p.shown(by.Staff(), banned)
	}
	if v, ok := p.tally.votes[by.ID]; ok {
		r.Mine = &realtime.PollVote{Poll: p.id, Choices: v.Choices, Value: v.Value, Text: v.Text, MediaTS: v.MediaTS}
	}
	return r
}
