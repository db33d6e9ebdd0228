package realtime

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

func invalid(field, rule string) error {
	return NewError(CodeBadRequest, field+": "+rule)
}

func tooLarge(field string, most int, unit string) error {
	return NewError(CodeTooLarge, fmt.Sprintf("%s: must be at most %d %s", field, most, unit))
}

// firstOf returns the first error there is.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// requiredText wants something to see, at most so many characters.
func requiredText(field, s string, most int) error {
	if strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }) == "" {
		return invalid(field, "must not be empty")
	}
	return optionalText(field, s, most)
}

// optionalText refuses control characters but line feed and tab. What turns the
// direction of writing is let through, since texts in Arabic and Hebrew need it:
// whoever shows a text isolates it.
func optionalText(field, s string, most int) error {
	if utf8.RuneCountInString(s) > most {
		return tooLarge(field, most, "characters")
	}
	if strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) {
		return invalid(field, "must not hold control characters")
	}
	return nil
}

// ValidID reports whether id could be the id of anything in a room: a message, a
// question, a poll, an announcement, a participant, an epoch. It matches
// [A-Za-z0-9_-]{1,40}.
func ValidID(id string) bool { return len(id) >= 1 && len(id) <= maxObjectID && idBytes(id) }

// validCommandID reports whether id could be the id of a command.
func validCommandID(id string) bool {
	return len(id) >= minCommandID && len(id) <= maxCommandID && idBytes(id)
}

func idBytes(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

func requiredID(field, id string) error {
	if !ValidID(id) {
		return invalid(field, "must be an id: 1 to 40 of A-Z a-z 0-9 _ -")
	}
	return nil
}

func optionalID(field, id string) error {
	if id == "" {
		return nil
	}
	return requiredID(field, id)
}

func between(field string, v, low, high int64) error {
	if v < low || v > high {
		return invalid(field, fmt.Sprintf("must be %d to %d", low, high))
	}
	return nil
}
