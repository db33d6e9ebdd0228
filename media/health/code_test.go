package health_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media/health"
)

// TestCodes checks that every code has its line in the package documentation,
// with the severity there, and a name of its own.
func TestCodes(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range health.Codes() {
		name := c.String()
		if seen[name] || !regexp.MustCompile(`^[a-z_]+$`).MatchString(name) || name == "unknown" {
			t.Errorf("code %d is named %q", c, name)
		}
		seen[name] = true
		line := regexp.MustCompile(`(?m)^//\t` + name + ` +` + c.Severity().String() + ` `)
		if !line.Match(doc) {
			t.Errorf("no line for %s, %s in the documentation", name, c.Severity())
		}
	}
	if got := health.Code(200).String(); got != "unknown" {
		t.Errorf("no code is named %q", got)
	}
}

// TestSentences checks the form of what people read.
func TestSentences(t *testing.T) {
	for _, c := range health.Codes() {
		text, setting := health.Sentence(c, 12.34, 5.6)
		t.Logf("%s: %s\n%s", c, text, setting)
		if !regexp.MustCompile(`^(You|Your|No|The|Parts) .*[.?]$`).MatchString(text) || strings.Contains(text, "%!") {
			t.Errorf("%s: text is %q", c, text)
		}
		if !strings.Contains(setting, "OBS: ") || strings.HasSuffix(setting, ".") || strings.Contains(setting, "%!") {
			t.Errorf("%s: setting is %q", c, setting)
		}
	}
}

func TestFindingAsJSON(t *testing.T) {
	out, err := json.Marshal(health.Finding{
		Code: health.TooQuiet, Severity: health.Warning, Text: "t", Setting: "s", Since: time.Unix(0, 0).UTC(), Value: -41.5,
	})
	want := `{"code":"too_quiet","severity":"warning","text":"t","setting":"s","since":"1970-01-01T00:00:00Z","value":-41.5}`
	if err != nil || string(out) != want {
		t.Errorf("%s, %v; want %s", out, err, want)
	}
}

func TestConfig(t *testing.T) {
	if err := health.DefaultConfig().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
	err := health.Config{}.Validate()
	if err == nil {
		t.Fatal("an empty configuration is valid")
	}
	for _, key := range []string{"keyframe_interval", "min_frame_rate", "max_bitrate", "quiet_loudness", "stall", "max_lag", "max_drift"} {
		if !strings.Contains(err.Error(), "health."+key+": ") {
			t.Errorf("nothing said of %s in %q", key, err)
		}
	}
}
