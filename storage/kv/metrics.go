package kv

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.etcd.io/bbolt"
)

type metrics struct {
	commit *prometheus.HistogramVec
}

// newMetrics registers the metrics of one database; a program has one. A nil
// reg is allowed.
func newMetrics(reg prometheus.Registerer, bolt *bbolt.DB) *metrics {
	m := &metrics{
		commit: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "lectern_kv_write_seconds",
			Help:    "Time of a write transaction, from asking for it to its fsync.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}, []string{"outcome"}), // committed, failed
	}
	size := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lectern_kv_size_bytes",
		Help: "Size of the database file; it never shrinks by itself.",
	}, func() float64 {
		var n int64
		_ = bolt.View(func(tx *bbolt.Tx) error { // 0 once it is closed
			n = tx.Size()
			return nil
		})
		return float64(n)
	})
	free := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lectern_kv_free_bytes",
		Help: "Bytes of the database file that the next writes will reuse.",
	}, func() float64 { return float64(bolt.Stats().FreeAlloc) })
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lectern_kv_open_reads",
		Help: "Read transactions that are running.",
	}, func() float64 { return float64(bolt.Stats().OpenTxN) })
	if reg != nil {
		reg.MustRegister(m.commit, size, free, open)
	}
	return m
}

func (m *metrics) observe(start time.Time, err error) {
	outcome := "committed"
	if err != nil {
		outcome = "failed"
	}
	m.commit.WithLabelValues(outcome).Observe(time.Since(start).Seconds())
}
