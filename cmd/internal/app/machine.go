package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

// machineFile keeps what was measured, in the data folder.
const machineFile = "machine.json"

// machine knows what this machine can encode: as the default says at first, and
// as was measured once it was.
type machine struct {
	// Set by newMachine, then read-only.
	path     string
	command  []string
	measure  bool
	governor *transcode.Governor
	logger   *slog.Logger

	known atomic.Pointer[worker.Machine]
}

// measured is the content of the file: of which machine and program it holds.
type measured struct {
	CPU     string         `json:"cpu"`
	Build   string         `json:"build"`
	Machine worker.Machine `json:"machine"`
}

func newMachine(data string, command []string, measure bool, g *transcode.Governor, logger *slog.Logger) *machine {
	m := &machine{
		path: filepath.Join(data, machineFile), command: command, measure: measure, governor: g,
		logger: logger.With("component", "machine"),
	}
	m.known.Store(&worker.Machine{Encoders: []string{transcode.EncoderX264}, Calibration: transcode.DefaultCalibration()})
	return m
}

// encoder returns what a configured encoder means here.
func (m *machine) encoder(configured string) string { return m.known.Load().Resolve(configured) }

// run takes what an earlier start has measured, or measures, which takes some
// seconds of one core.
func (m *machine) run(ctx context.Context) {
	if !m.measure || len(m.command) == 0 {
		return
	}
	here := measured{CPU: cpuModel(), Build: worker.BuildID()}
	if kept, err := m.read(); err == nil && kept.CPU == here.CPU && kept.Build == here.Build {
		m.use(ctx, kept.Machine)
		return
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.logger.WarnContext(ctx, "measurements of this machine cannot be read", "err", err)
	}
	found, err := worker.Probe(ctx, m.command, os.Environ())
	if err != nil {
		if ctx.Err() == nil {
			m.logger.ErrorContext(ctx, "machine could not be measured, the estimates are for a middling one", "err", err)
		}
		return
	}
	m.use(ctx, found)
	here.Machine = found
	if err := m.write(here); err != nil {
		m.logger.WarnContext(ctx, "measurements of this machine cannot be kept", "err", err)
	}
}

func (m *machine) use(ctx context.Context, found worker.Machine) {
	if err := m.governor.SetCalibration(found.Calibration); err != nil {
		m.logger.WarnContext(ctx, "measurements of this machine are of no use", "err", err)
		return
	}
	m.known.Store(&found)
	m.logger.InfoContext(ctx, "machine measured", "encoders", found.Encoders)
}

func (m *machine) read() (measured, error) {
	var kept measured
	b, err := os.ReadFile(m.path)
	if err != nil {
		return kept, err
	}
	err = json.Unmarshal(b, &kept)
	return kept, err
}

func (m *machine) write(kept measured) error {
	b, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	tmp := m.path + ".tmp"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, m.path)
}

// cpuModel names the processor, as far as the kernel tells.
func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close() //nolint:errcheck // nothing was written
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
