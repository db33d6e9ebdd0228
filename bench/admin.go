package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// metric returns the sum of a metric of the server over all its labels.
func (s *server) metric(ctx context.Context, name string) (float64, error) {
	var sum float64
	err := s.ask(ctx, "/metrics", func(r io.Reader) (err error) {
		sum, err = sumMetric(r, name)
		return err
	})
	return sum, err
}

// sumMetric adds up the samples of a metric in the text format of Prometheus.
func sumMetric(r io.Reader, name string) (float64, error) {
	var sum float64
	found := false
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		value, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		sum, found = sum+value, true
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	if !found {
		return 0, fmt.Errorf("there is no metric %s", name)
	}
	return sum, nil
}

// collect makes the server collect its garbage.
func (s *server) collect(ctx context.Context) error {
	return s.ask(ctx, "/debug/pprof/heap?gc=1", drain)
}

// profile writes what the server does with its CPU time in d to the file.
func (s *server) profile(ctx context.Context, d time.Duration, file string) error {
	return s.save(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", int(d.Seconds())), file)
}

// save writes what the admin listener says to the file.
func (s *server) save(ctx context.Context, path, file string) error {
	return s.ask(ctx, path, func(r io.Reader) error {
		f, err := os.Create(file)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		return errors.Join(err, f.Close())
	})
}

func drain(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

// ask asks the admin listener.
func (s *server) ask(ctx context.Context, path string, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.admin+path, http.NoBody)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read-only
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %d", path, res.StatusCode)
	}
	if err := read(res.Body); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
