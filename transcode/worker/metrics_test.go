package worker

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/transcode"
)

// Counters only rise, whatever a worker says.
func TestPicturesAreCounted(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := NewMetrics(reg)
	rung := func(encoded, dropped int, busy time.Duration) []transcode.RungStats {
		return []transcode.RungStats{{Track: 16, Encoded: encoded, Dropped: dropped, Busy: busy}}
	}
	m.pictures(nil, rung(30, 1, time.Second))
	m.pictures(rung(30, 1, time.Second), rung(60, 3, 2*time.Second))
	m.pictures(rung(60, 3, 2*time.Second), rung(5, 0, time.Second)) // another process
	m.pictures(nil, rung(-7, -1, -time.Hour))
	m.pictures(rung(math.MaxInt, 0, 0), rung(math.MinInt, 0, 0))
	for name, want := range map[string]float64{
		"lectern_worker_encoded_pictures_total":     65,
		"lectern_worker_skipped_pictures_total":     3,
		"lectern_worker_encoding_seconds_total":     3,
		"lectern_worker_access_units_dropped_total": 0,
	} {
		if got := total(t, reg, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// total sums a metric over its labels.
func total(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum, found := 0.0, false
	for _, f := range families {
		if f.GetName() == name {
			found = true
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	if !found {
		t.Errorf("no metric %s", name)
	}
	return sum
}
