package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lectern/lectern/hls/conformance"
)

var errNotConformant = errors.New("the presentation breaks rules that it MUST keep")

// check watches somebody's HLS and prints one line for every broken rule.
func check(ctx context.Context, args []string, env environment) error {
	fs := flags("check", env)
	duration := fs.Duration("duration", time.Minute, "how long to watch, at least `1s`")
	asJSON := fs.Bool("json", false, "print the summary as JSON")
	words, err := parse(fs, args, 1)
	if err != nil {
		return err
	}
	if len(words) != 1 || *duration < time.Second {
		return &usageError{"say the URL of one multivariant playlist, and a duration of 1s or more"}
	}
	sum, err := conformance.Check(ctx, conformance.Config{URL: words[0], Duration: *duration})
	if err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(sum); err != nil {
			return fmt.Errorf("print summary: %w", err)
		}
	} else {
		for _, f := range sum.Findings {
			if _, err := fmt.Fprintln(env.stdout, f); err != nil {
				return fmt.Errorf("print finding: %w", err)
			}
		}
		if _, err := fmt.Fprintf(env.stdout, "%d findings by %d rules; read %d playlists of %d renditions, up to segment %d\n",
			len(sum.Findings), conformance.Rules(), sum.Playlists, sum.Renditions, sum.LastMSN); err != nil {
			return fmt.Errorf("print summary: %w", err)
		}
	}
	if sum.Broken() {
		return errNotConformant
	}
	return nil
}
