package worker

import (
	"fmt"
	"time"
)

// monitorTick is how often a process is looked at. Ticks are counted, not time, so
// that a machine that was suspended does not lose its workers.
const monitorTick = 500 * time.Millisecond

// patience counts the ticks for which something has not changed.
type patience struct {
	last  uint64
	ticks int
}

// passed counts a tick, if now is what it was and waits, and reports whether most
// time has passed like that.
func (p *patience) passed(now uint64, waits bool, most time.Duration) bool {
	if now != p.last || !waits {
		p.last, p.ticks = now, 0
		return false
	}
	p.ticks++
	return time.Duration(p.ticks)*monitorTick >= most
}

// monitor kills the process when it is silent, slow to start, too large, or does
// not end when it should; until it has ended.
func (h *Host) monitor(a *attendance) {
	tick := time.NewTicker(monitorTick)
	defer tick.Stop()
	var start, open, silence, sending, leaving patience
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-a.over:
			return
		}
		generation, opening := h.opening()
		heard, sent, greeted := a.heard.Load(), a.sending.Load(), a.greeted.Load()
		switch {
		case leaving.passed(0, a.leaving.Load(), leaveTime):
			a.fail(ending{reason: reasonProtocol, text: "it closed a pipe without ending"})
		case start.passed(0, !greeted, h.cfg.StartTimeout):
			a.fail(ending{reason: reasonStart, text: fmt.Sprintf("it was not ready within %s", h.cfg.StartTimeout)})
		case open.passed(uint64(generation), opening, h.cfg.StartTimeout):
			a.fail(ending{reason: reasonStart, text: fmt.Sprintf("the encoders did not open within %s", h.cfg.StartTimeout)})
		case silence.passed(heard, greeted, h.cfg.SilenceTimeout):
			a.fail(ending{reason: reasonSilent, text: fmt.Sprintf("it said nothing for %s", h.cfg.SilenceTimeout)})
		case sending.passed(sent, sent%2 == 1 && !opening, sendTime):
			a.fail(ending{reason: reasonSilent, text: fmt.Sprintf("it took nothing for %s", sendTime)})
		case n%2 == 1:
			h.weigh(a)
		}
	}
}

// opening returns the run in frames and whether its encoders are being opened.
func (h *Host) opening() (uint32, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.generation, h.wanted && h.openSent && !h.opened
}

// weigh looks at the process's memory.
func (h *Host) weigh(a *attendance) {
	n, err := a.p.memory()
	if err != nil {
		return // it has ended, or this system does not tell
	}
	h.mu.Lock()
	h.metrics.memory.Add(float64(n - h.status.ResidentBytes))
	h.status.ResidentBytes = n
	h.mu.Unlock()
	if n > h.cfg.MemoryLimit {
		a.fail(ending{reason: reasonMemory, text: fmt.Sprintf("it took %d MiB of memory, %d are allowed", n>>20, h.cfg.MemoryLimit>>20)})
	}
}
