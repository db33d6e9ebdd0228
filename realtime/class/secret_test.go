package class_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lectern/lectern/realtime/class"
)

func TestSecretNeverPrintsItself(t *testing.T) {
	const value = "hunter2hunter2"
	s := class.NewSecret(value)
	nested := struct{ key class.Secret }{s} // unexported: fmt does not call its methods
	c := class.Class{ID: "maths", StreamKey: s, Source: s}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t", "%T", "%40s"} {
		for _, v := range []any{s, &s, nested, []class.Secret{s}, map[string]any{"s": s}, c, &c} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "secret", s, "nested", nested, "class", c)
	}
	if err := json.NewEncoder(&out).Encode([]any{s, &s, c}); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(&out, fmt.Errorf("wrapped: %v", s))
	for _, leak := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("%s leaked", leak)
		}
	}
	if s.Reveal() != value || s.IsZero() {
		t.Error("the value is lost")
	}
	if s.String() != "[redacted]" || (class.Secret{}).String() != "" || class.NewSecret("") != (class.Secret{}) {
		t.Error("placeholders are wrong")
	}
	if !s.Equal(class.NewSecret(value)) || s.Equal(class.NewSecret("x")) || s.Equal(class.Secret{}) {
		t.Error("Equal is wrong")
	}
	var back struct{ Key class.Secret }
	if err := json.Unmarshal([]byte(`{"Key":"[redacted]"}`), &back); err == nil {
		t.Error("a placeholder was read back as a value")
	}
}

func TestRedactSource(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"none", "", ""},
		{"plain", "rtsp://10.0.0.9:8554/hall/1", "rtsp://10.0.0.9:8554/hall/1"},
		{"password", "rtsp://admin:s3cret@cam.example.edu/ch1", "rtsp://redacted@cam.example.edu/ch1"},
		{"user", "rtsps://admin@[fd00::1]:322/ch1", "rtsps://redacted@[fd00::1]:322/ch1"},
		{"query", "rtsp://cam/live?user=a&password=s3cret", "rtsp://cam/live?redacted"},
		{"path", "rtsp://cam:554/user=admin&password=s3cret&channel=1.sdp", "rtsp://cam:554/redacted"},
		{"broken", "rtsp://%zz", "[redacted]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := class.RedactSource(class.NewSecret(tc.in)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
