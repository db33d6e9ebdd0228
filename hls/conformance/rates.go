package conformance

import (
	"strconv"
	"time"
)

// meter measures the bit rate of one rendition (RFC 8216bis §4.1).
type meter struct {
	target time.Duration
	run    []measured // contiguous segments, newest last, of 1.5 target durations at most
	peak   float64    // bits a second
	bytes  int64      // of all
	total  time.Duration
}

type measured struct {
	msn      int
	bytes    int64
	duration time.Duration
}

func (m *meter) add(s measured) {
	m.bytes += s.bytes
	m.total += s.duration
	if n := len(m.run); n > 0 && m.run[n-1].msn != s.msn-1 {
		m.run = nil
	}
	m.run = append(m.run, s)
	var bytes int64
	var d time.Duration
	for i := len(m.run) - 1; i >= 0; i-- {
		bytes += m.run[i].bytes
		if d += m.run[i].duration; d > m.target*3/2 {
			m.run = m.run[i+1:]
			return
		}
		if d >= m.target/2 {
			m.peak = max(m.peak, float64(bytes*8)/d.Seconds())
		}
	}
}

func (m *meter) average() float64 { return float64(m.bytes*8) / m.total.Seconds() }

// measuredRates compares what variants state with what was measured. c.mu is held.
func (c *checker) measuredRates(m *multivariant) {
	peaks, averages := map[string]float64{}, map[string]float64{}
	for _, r := range m.renditions {
		if x := c.renditions[r["URI"]]; x != nil && x.rate.peak > 0 {
			key := r["TYPE"] + "/" + r["GROUP-ID"]
			peaks[key] = max(peaks[key], x.rate.peak)
			averages[key] = max(averages[key], x.rate.average())
		}
	}
	for _, v := range m.variants {
		x := c.renditions[v["uri"]]
		if x == nil || x.rate.peak == 0 {
			continue
		}
		peak, average := x.rate.peak, x.rate.average()
		for _, kind := range []string{"AUDIO", "SUBTITLES"} {
			peak += peaks[kind+"/"+v[kind]]
			average += averages[kind+"/"+v[kind]]
		}
		where := "variant " + v["uri"]
		if stated, err := strconv.ParseFloat(v["BANDWIDTH"], 64); err == nil {
			c.report.judged(10, 11)
			if peak > stated {
				c.report.broken(10, where, "%.0f with peaks of %.0f", stated, peak)
			}
			if peak >= 1.25*stated {
				c.report.broken(11, where, "%.0f with peaks of %.0f", stated, peak)
			}
		}
		if stated, err := strconv.ParseFloat(v["AVERAGE-BANDWIDTH"], 64); err == nil && x.rate.total >= 45*time.Minute {
			c.report.judged(12)
			if average >= 1.1*stated {
				c.report.broken(12, where, "%.0f with %.0f over %v", stated, average, x.rate.total.Round(time.Second))
			}
		}
	}
}
