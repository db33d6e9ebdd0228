package configs

import "log/slog"

const redacted = "[redacted]"

// Secret is a value that must not reach a log, an error or a printed
// configuration. Convert it to string where it is used.
type Secret string

// String hides the secret; the empty one stays visible as empty.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from YAML and JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
