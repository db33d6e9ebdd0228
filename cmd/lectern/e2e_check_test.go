//go:build e2e

package main_test

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lectern/lectern/hls/conformance"
)

// unjudged is what "lectern check -ignore" is told: the rules about when something
// comes, since how fast this machine is decides about them.
func unjudged() string {
	var out []string
	for _, r := range conformance.Rules() {
		if r.Timed {
			out = append(out, strconv.Itoa(r.Number))
		}
	}
	return strings.Join(out, ",")
}

// judge fails the test for each MUST that is broken and not timed.
func judge(t *testing.T, findings []conformance.Finding) {
	t.Helper()
	for _, f := range findings {
		if f.Level == conformance.Must && !f.Timed {
			t.Errorf("%s", f)
		} else {
			t.Logf("%s", f)
		}
	}
}

// checkRun is "lectern check" running beside the test.
type checkRun struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

// startCheck watches the playlists with the program until they end, without the rules
// that unjudged leaves out.
func startCheck(t *testing.T, url string) *checkRun {
	t.Helper()
	c := &checkRun{cmd: exec.Command(binary, "check", "-duration", "10m", "-ignore", unjudged(), url)}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	return c
}

// wait waits for the end of the class, at which the checker ends. Each broken MUST is
// an error, but for the rules in excused.
func (c *checkRun) wait(t *testing.T, excused ...int) {
	t.Helper()
	err := c.cmd.Wait()
	t.Logf("lectern check, throughout:\n%s", c.out.String())
	broken := 0
	for line := range strings.Lines(c.out.String()) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != string(conformance.Must) {
			continue
		}
		broken++
		if rule, nerr := strconv.Atoi(words[1]); nerr != nil || !slices.Contains(excused, rule) {
			t.Errorf("broken: %s", line)
		}
	}
	var exit *exec.ExitError
	if err != nil && (broken == 0 || !errors.As(err, &exit) || exit.ExitCode() != 1) {
		t.Errorf("lectern check: %v", err)
	}
}
