package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

// report is what the doctor found.
type report struct {
	Encoder     string                  `json:"encoder"` // in force
	Encoders    []string                `json:"encoders"`
	Cores       float64                 `json:"cores"`
	Share       float64                 `json:"max_core_share"`
	Calibration transcode.Calibration   `json:"calibration"`
	Capacity    []transcode.CapacityRow `json:"capacity"`
}

// doctor measures how many classes this machine can carry.
func doctor(ctx context.Context, args []string, env environment) error {
	fs := flags("doctor", env)
	file := fs.String("config", "", "configuration `FILE` in YAML; the environment overrides it")
	asJSON := fs.Bool("json", false, "print JSON")
	if _, err := parse(fs, args, 0); err != nil {
		return err
	}
	cfg, err := configs.Load(*file, env.environ)
	if err != nil {
		return err
	}
	command, err := workerCommand()
	if err != nil {
		return err
	}
	found, err := worker.Probe(ctx, command, env.environ)
	if err != nil {
		return err
	}
	r := report{
		Encoder: found.Resolve(cfg.Transcode.Encoder), Encoders: found.Encoders, Cores: transcode.NewHostCPU().Cores(),
		Share: cfg.Transcode.MaxCoreShare, Calibration: found.Calibration,
	}
	if r.Capacity, err = transcode.Capacity(cfg.Transcode, r.Calibration, r.Cores); err != nil {
		return err
	}
	if *asJSON {
		enc := json.NewEncoder(env.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return r.print(env.stdout, cfg.Transcode.Ladder)
}

func (r report) print(w io.Writer, ladder []string) error {
	fmt.Fprintf(w, "encoder   %s (those that open: %s)\n", r.Encoder, strings.Join(r.Encoders, ", "))
	fmt.Fprintf(w, "ladder    %s\n", strings.Join(ladder, ", "))
	fmt.Fprintf(w, "cores     %.4g, of which %.0f %% are for encoding (transcode.max_core_share)\n\n", r.Cores, 100*r.Share)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "PUBLISHER\tSHOWS\tCORES A CLASS\tCLASSES AT ONCE")
	for _, row := range r.Capacity {
		classes := fmt.Sprint(row.Classes)
		switch {
		case row.Classes < 0:
			classes = "any number"
		case row.Classes == 0:
			classes = "none with all renditions; it starts with fewer"
		}
		fmt.Fprintf(t, "%s\t%s\t%.2f\t%s\n", row.Source, row.Content, row.Cores, classes)
	}
	return t.Flush()
}
