package conformance

import "fmt"

// Level is how binding a rule is, in the words of RFC 2119.
type Level string

// The levels.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
)

// Finding is one rule that was seen broken.
type Finding struct {
	// Rule is the number in the project's list of conformance checks, Section
	// where the rule stands: D is RFC 8216bis, A is Apple's authoring
	// specification.
	Rule    int    `json:"rule"`
	Section string `json:"section"`
	Level   Level  `json:"level"`

	// Where names the playlist or file, without the token of a viewer.
	Where string `json:"where"`

	// Saw is what was seen, Want what is required.
	Saw  string `json:"saw"`
	Want string `json:"want"`

	// Times is how often it was seen; Saw is of the first time.
	Times int `json:"times"`
}

// String returns one line for a person.
func (f Finding) String() string {
	return fmt.Sprintf("%-6s %2d  %s: saw %s; want %s (%s, %d×)", f.Level, f.Rule, f.Where, f.Saw, f.Want, f.Section, f.Times)
}
