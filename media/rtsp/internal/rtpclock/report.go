package rtpclock

import "time"

const (
	// maxReportStep is how far a sender report may contradict the reports before
	// it without being doubted.
	maxReportStep = time.Second

	// reportRepeats is how many doubted reports that agree make a new truth.
	reportRepeats = 3
)

// ntpDuration converts a 64-bit NTP timestamp, 32 bits of seconds since 1900 and
// 32 bits of fraction (RFC 3550 §4), to a duration since 1900. The fraction
// counts 1/2^32 s: the library's PacketNTP reads it as nanoseconds, which is
// wrong by up to 3.3 s.
func ntpDuration(ntp uint64) time.Duration {
	seconds := time.Duration(ntp>>32) * time.Second
	return seconds + time.Duration((ntp&0xffffffff)*uint64(time.Second)>>32)
}

// reportMap holds what sender reports say about one track: the wall clock of the
// sender minus the track's own media time.
type reportMap struct {
	known  bool
	offset time.Duration // wall clock at the track's tick 0
	agreed int           // reports that led to offset

	doubted int // consecutive reports more than maxReportStep away
	doubt   time.Duration
}

// Outcome is what became of a sender report; its string is a metric label.
type Outcome string

// The outcomes. A step is a report that contradicts those before it; the third
// that agrees with itself is believed.
const (
	Accepted Outcome = "accepted"
	Ignored  Outcome = "ignored_step"
	Stepped  Outcome = "accepted_step"
	Unusable Outcome = "unusable"
)

// add takes one report that gives offset.
func (m *reportMap) add(offset time.Duration) Outcome {
	if !m.known {
		*m = reportMap{known: true, offset: offset, agreed: 1}
		return Accepted
	}
	if within(offset-m.offset, maxReportStep) {
		m.offset, m.doubted = offset, 0
		m.agreed = min(m.agreed+1, reportRepeats)
		return Accepted
	}
	if m.doubted > 0 && !within(offset-m.doubt, maxReportStep) {
		m.doubted = 0
	}
	m.doubted++
	m.doubt = offset
	if m.doubted < reportRepeats {
		return Ignored
	}
	*m = reportMap{known: true, offset: offset, agreed: reportRepeats}
	return Stepped
}

// settled reports whether the map can be used: known and not in doubt.
func (m *reportMap) settled() bool { return m.known && m.doubted == 0 }

func within(d, limit time.Duration) bool { return d <= limit && d >= -limit }
