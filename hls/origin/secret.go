package origin

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a shield secret. It does not print itself: with no verb of fmt but %p,
// not in slog, not in JSON or YAML. Convert it to string where it is used.
type Secret string

// String hides the secret; the empty one stays visible as empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// Format hides the secret from every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from YAML and JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
