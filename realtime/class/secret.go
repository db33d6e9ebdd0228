package class

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a string that does not print itself: not with any verb of fmt, not
// in slog, not in JSON or YAML, not even as an unexported field of a struct
// that someone prints with %+v. [Secret.Reveal] is the only way to its value,
// so a search for that word finds every place that handles one.
//
// It cannot be unmarshalled, since what was marshalled is not the value: the
// database has a record type of its own. The zero Secret is empty.
type Secret struct {
	// A pointer, because fmt prints the unexported fields of other people's
	// structs by reflection, without calling their methods.
	value *string
}

// NewSecret wraps value.
func NewSecret(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal returns the value.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal compares two secrets in a time that depends on their lengths only. Do
// not compare with ==.
func (s Secret) Equal(o Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(o.Reveal())) == 1
}

// String returns a placeholder, or nothing for the empty secret.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return redacted
}

// Format writes the placeholder for every verb; fmt would print the value for
// those that do not fit a string.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
