package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lectern/lectern/hls/conformance"
)

var errNotConformant = errors.New("the presentation breaks rules that it MUST keep")

// check watches somebody's HLS and prints one line for every broken rule. Its exit
// status is 1 if one of them is a MUST, and 2 if nothing could be read.
func check(ctx context.Context, args []string, env environment) error {
	fs := flags("check", env)
	duration := fs.Duration("duration", time.Minute, "how long to watch what is live, at least `1s`")
	asJSON := fs.Bool("json", false, "print the summary as JSON")
	metrics := fs.String("metrics", "", "`URL` of the metrics page of a Lectern, which alone shows rule 81")
	ignore := fs.String("ignore", "", "`NUMBERS` of rules not to judge by, with commas between")
	words, err := parse(fs, args, 1)
	if err != nil {
		return err
	}
	if len(words) != 1 || *duration < time.Second || *duration > conformance.MaxDuration {
		return &usageError{fmt.Sprintf("say the URL of one playlist, and a duration of 1s to %v", conformance.MaxDuration)}
	}
	ignored, err := ruleNumbers(*ignore)
	if err != nil {
		return err
	}
	sum, err := conformance.Check(ctx, conformance.Config{URL: words[0], Duration: *duration, Metrics: *metrics})
	switch {
	case errors.Is(err, conformance.ErrUnreachable):
		return &usageError{err.Error()}
	case err != nil:
		return err
	}
	sum.Findings = slices.DeleteFunc(sum.Findings, func(f conformance.Finding) bool { return slices.Contains(ignored, f.Number) })
	if *asJSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(sum); err != nil {
			return fmt.Errorf("print summary: %w", err)
		}
	} else if err := printSummary(env.stdout, sum); err != nil {
		return fmt.Errorf("print summary: %w", err)
	}
	if sum.Broken() {
		return errNotConformant
	}
	return nil
}

// ruleNumbers reads a list such as "39,50".
func ruleNumbers(list string) ([]int, error) {
	var out []int
	for word := range strings.SplitSeq(list, ",") {
		if word == "" {
			continue
		}
		n, err := strconv.Atoi(word)
		if err != nil || !slices.ContainsFunc(conformance.Rules(), func(r conformance.Rule) bool { return r.Number == n }) {
			return nil, &usageError{fmt.Sprintf("-ignore: there is no rule %q", word)}
		}
		out = append(out, n)
	}
	return out, nil
}

func printSummary(w io.Writer, sum conformance.Summary) error {
	for _, f := range sum.Findings {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	var not []string
	for _, n := range sum.NotChecked {
		not = append(not, fmt.Sprintf("%d (%s)", n.Rule, n.Why))
	}
	if len(not) > 0 {
		if _, err := fmt.Fprintf(w, "not checked: %s\n", strings.Join(not, "; ")); err != nil {
			return err
		}
	}
	rules := len(conformance.Rules())
	_, err := fmt.Fprintf(w, "%d findings; %d of %d rules checked on %d playlists and %d segments of %d renditions, up to segment %d\n",
		len(sum.Findings), rules-len(sum.NotChecked), rules, sum.Playlists, sum.Segments, sum.Renditions, sum.LastMSN)
	return err
}
