package space

// The limits, by their configuration keys.
const (
	keyDisk  = "space.high_water"
	keyTotal = "space.total_bytes"
	keyClass = "space.class_bytes"
)

// alarmSlack is how many percent the use must fall below the alarm before the
// next crossing is told again.
const alarmSlack = 2

// change is what happened to a gate.
type change uint8

const (
	gateAlarm change = iota + 1 // the use reached the alarm
	gateCalm                    // it fell below it again
	gateFull                    // the limit was reached
	gateOpen                    // the use is down to the low water mark
)

// gate is one limit with its hysteresis. The monitor's lock guards it.
type gate struct {
	key string
	// Bytes. stop is 0 where there is no limit.
	stop, goOn, alarm, calm int64

	alarming, full bool
}

// newGate returns the gate of a quota; 0 bytes is no limit.
func newGate(key string, quota int64, cfg Config) gate {
	return gate{
		key: key, stop: quota, goOn: percent(quota, cfg.LowWater),
		alarm: percent(quota, cfg.Alarm), calm: percent(quota, cfg.Alarm-alarmSlack),
	}
}

// resize moves the marks to those of a file system of size bytes.
func (g *gate) resize(size int64, cfg Config) {
	g.stop, g.goOn = percent(size, cfg.HighWater), percent(size, cfg.LowWater)
	g.alarm, g.calm = percent(size, cfg.Alarm), percent(size, cfg.Alarm-alarmSlack)
}

// percent returns p percent of n without overflow.
func percent(n int64, p int) int64 {
	p = max(p, 0)
	return n/100*int64(p) + n%100*int64(p)/100
}

// admit reports why want more bytes are refused, nil if they are not. A refusal
// closes the gate; first says that this one did.
func (g *gate) admit(used, want int64) (err *FullError, first bool) {
	// Compared as a difference: the sum could overflow.
	if g.stop == 0 || (!g.full && want <= g.stop-used) {
		return nil, false
	}
	first, g.full = !g.full, true
	return &FullError{Key: g.key, Used: used, Limit: g.stop, Want: want}, first
}

// look moves the gate to where the use puts it and returns what changed.
func (g *gate) look(used int64) []change {
	var out []change
	alarming, full := g.alarming, g.full
	switch {
	case g.stop == 0:
		alarming, full = false, false
	case used >= g.stop:
		full = true
	case used <= g.goOn:
		full = false
	}
	switch {
	case g.stop == 0:
	case used >= g.alarm:
		alarming = true
	case used < g.calm || used == 0:
		alarming = false
	}
	if alarming != g.alarming {
		g.alarming = alarming
		out = append(out, pick(alarming, gateAlarm, gateCalm))
	}
	if full != g.full {
		g.full = full
		out = append(out, pick(full, gateFull, gateOpen))
	}
	return out
}

func pick(on bool, yes, no change) change {
	if on {
		return yes
	}
	return no
}
