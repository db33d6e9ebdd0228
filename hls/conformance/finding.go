package conformance

import "fmt"

// Level is how binding a rule is, in the words of RFC 2119.
type Level string

// The levels.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
)

// Rule is one check of the project's list. Numbers above 94 are additions to it.
type Rule struct {
	Number int   `json:"rule"`
	Level  Level `json:"level"`
	// Section is where the rule stands: D is RFC 8216bis, A is Apple's authoring
	// specification, "field" what players were seen to need.
	Section string `json:"section"`
	// Want is what is required.
	Want string `json:"want"`
	// Timed says that the rule is about when things appear, so that a machine or
	// network in trouble can break it too.
	Timed bool `json:"timed,omitempty"`

	// needs is what has to be seen for the rule to be judged; empty if it always is.
	needs string
}

// Finding is one rule that was seen broken at one place.
type Finding struct {
	Rule

	// Where names the playlist or file, without the token of a viewer.
	Where string `json:"where"`

	// Saw is what was seen the first time, Times how often it was seen.
	Saw   string `json:"saw"`
	Times int    `json:"times"`
}

// String returns one line for a person.
func (f Finding) String() string {
	return fmt.Sprintf("%-6s %2d  %s: saw %s; want %s (%s, %d×)", f.Level, f.Number, f.Where, f.Saw, f.Want, f.Section, f.Times)
}

// NotChecked is a rule that could not be judged.
type NotChecked struct {
	Rule int    `json:"rule"`
	Why  string `json:"why"`
}
