package transcode

import (
	"cmp"
	"slices"
	"time"

	"github.com/lectern/lectern/media"
)

// The reasons of a LevelChange.
const (
	reasonLag       = "lag"
	reasonCPU       = "cpu"
	reasonRecovered = "recovered"
	reasonAdmission = "admission"
	reasonSource    = "source"
)

// hostLoad follows the machine's busy share.
type hostLoad struct {
	share     float64 // the latest
	mean      float64 // of the last seconds
	known     bool
	busySince time.Time // since when share has been too high; zero if it is not
	calmSince time.Time // since when mean has been low
}

// observe takes a measurement. Peaks of a second make the machine neither busy
// nor keep it from being calm.
func (h *hostLoad) observe(now time.Time, share float64, ok bool, cfg GovernorConfig) {
	switch {
	case !ok:
		h.share, h.mean = 0, 0
	case !h.known:
		h.share, h.mean = share, share
	default:
		h.share = share
		h.mean = smoothed(h.mean, share)
	}
	h.known = ok
	since(&h.busySince, now, ok && h.share > cfg.ShedCPU)
	since(&h.calmSince, now, h.mean < cfg.RecoverCPU)
}

// smoothed returns the mean of the last seconds when a value comes to it.
func smoothed(mean, value float64) float64 {
	const weight = float64(governorTick) / float64(5*time.Second)
	return mean + weight*(value-mean)
}

// since keeps in at the time from which state has been true.
func since(at *time.Time, now time.Time, state bool) {
	switch {
	case !state:
		*at = time.Time{}
	case at.IsZero():
		*at = now
	}
}

// lasted reports whether what began at has gone on for d.
func lasted(at, now time.Time, d time.Duration) bool {
	return !at.IsZero() && now.Sub(at) >= d
}

// tick looks at every class and at the machine, and changes what has to be.
func (g *Governor) tick() {
	share, ok := 0.0, false
	if g.host != nil {
		share, ok = g.host()
	}
	type look struct {
		class   *governed
		member  Member
		plan    Plan
		lag     time.Duration
		viewers int
	}
	g.mu.Lock()
	looks := make([]look, 0, len(g.classes))
	for _, c := range g.classes {
		looks = append(looks, look{class: c, member: c.member})
	}
	g.mu.Unlock()
	for i := range looks {
		l := &looks[i]
		l.plan, l.lag, l.viewers = l.member.Plan(), l.member.Lag(), l.member.Viewers()
	}

	now := g.now()
	g.mu.Lock()
	g.cpu.observe(now, share, ok, g.cfg.Governor)
	present := make([]*governed, 0, len(looks))
	for _, l := range looks {
		c := l.class
		if c.gone || c.member != l.member {
			continue
		}
		c.lag, c.viewers = l.lag, l.viewers
		g.replan(c, l.plan, now)
		if len(c.level.Effort(c.plan.Spec).Off) == len(c.plan.Spec.Video) {
			c.lag = 0 // nothing is made
		}
		since(&c.lateSince, now, c.lag > g.cfg.Governor.ShedLag)
		c.meanLag = time.Duration(smoothed(float64(c.meanLag), float64(c.lag)))
		since(&c.calmSince, now, c.meanLag < g.cfg.Governor.RecoverLag)
		if lasted(c.raised, now, maxRecoverAfter) {
			c.wait, c.raised = g.cfg.Governor.RecoverAfter, time.Time{}
		}
		present = append(present, c)
	}
	// Fewest viewers first; among equals the one that has the most left.
	slices.SortFunc(present, func(a, b *governed) int {
		return cmp.Or(cmp.Compare(a.viewers, b.viewers), cmp.Compare(a.level, b.level), cmp.Compare(a.name, b.name))
	})
	if g.cfg.Governor.Enabled {
		g.step(present, now)
	}
	g.metrics.update(g.classes, g.cal)
	g.metrics.cpu.Set(g.cpu.share)
	g.mu.Unlock()
	for _, c := range present {
		g.deliver(c)
	}
}

// step changes levels: those of classes that are late, of one class if the
// machine is too busy, or for the better of one class if all is calm. The caller
// holds mu and gives the classes in the order in which they are cut back.
func (g *Governor) step(classes []*governed, now time.Time) {
	cfg := g.cfg.Governor
	busy := g.cpu.known && g.cpu.share > cfg.ShedCPU
	stepped := false
	for _, c := range classes {
		if !lasted(c.lateSince, now, cfg.ShedLagAfter) || now.Sub(c.stepped) < cfg.Settle {
			continue
		}
		// On a busy machine what one class gives up helps all that are late.
		if busy && now.Sub(g.lastStep) < cfg.ShedLagAfter {
			break
		}
		stepped = g.lower(c, now, reasonLag) || stepped
	}
	settled := !stepped && now.Sub(g.lastStep) >= cfg.Settle
	if settled && lasted(g.cpu.busySince, now, cfg.ShedCPUAfter) {
		for _, c := range classes {
			if g.lower(c, now, reasonCPU) {
				g.cpu.busySince = now
				return
			}
		}
	}
	if !settled || !lasted(g.cpu.calmSince, now, cfg.RecoverAfter) {
		return
	}
	for _, c := range slices.Backward(classes) {
		if lasted(c.calmSince, now, cfg.RecoverAfter) && now.Sub(c.stepped) >= c.wait && g.raise(c, now) {
			return
		}
	}
}

// lower takes a level from c and reports whether there was one. An upward step
// that did not last doubles the wait for the next.
func (g *Governor) lower(c *governed, now time.Time, reason string) bool {
	next, ok := c.level.down(c.plan.Spec)
	if !ok {
		return false
	}
	if !c.raised.IsZero() && now.Sub(c.raised) <= g.cfg.Governor.RecoverAfter {
		c.wait = min(2*c.wait, maxRecoverAfter)
	}
	g.set(c, next, now, reason)
	c.raised, c.lateSince = time.Time{}, time.Time{}
	return true
}

// raise gives a level back to c and reports whether there was one.
func (g *Governor) raise(c *governed, now time.Time) bool {
	next, ok := c.level.up(c.plan.Spec)
	if !ok {
		return false
	}
	g.set(c, next, now, reasonRecovered)
	c.raised = now
	return true
}

// set changes the level of c.
func (g *Governor) set(c *governed, l Level, now time.Time, reason string) {
	change := LevelChange{At: now, Level: l, Reason: reason, Text: changeText(c.plan.Spec, l, reason)}
	g.logger.Info("ladder level changed", "class", c.name, "level", l.String(), "reason", reason, "duration", c.lag)
	g.metrics.changes.WithLabelValues(l.String(), reason).Inc()
	c.level, c.since, c.reason, c.text = l, now, reason, change.Text
	c.stepped, g.lastStep = now, now
	if len(c.history) == maxHistory {
		c.history = slices.Delete(c.history, 0, 1)
	}
	c.history = append(c.history, change)
	c.changed = &change
}

// replan takes note of a plan. A new one may not fall as far as the one before,
// and has to fit beside the other classes. The caller holds mu.
func (g *Governor) replan(c *governed, p Plan, now time.Time) {
	if sameWork(c.plan, p) {
		c.plan = p
		return
	}
	c.plan = p
	c.lateSince, c.calmSince = time.Time{}, time.Time{}
	if !p.Encodes() {
		c.idleSince = now // what it had is decided when there is something to encode again
		return
	}
	// What was taken long ago is given back if the machine has been calm since.
	from, reason := c.level, reasonAdmission
	if d := g.cfg.Governor.RecoverAfter; lasted(c.idleSince, now, d) && lasted(g.cpu.calmSince, now, d) {
		from = LevelFull
	}
	c.idleSince = time.Time{}
	if lowest := floor(p.Spec); from > lowest {
		from, reason = lowest, reasonSource
	}
	if g.cfg.Governor.Enabled {
		if fit := g.fitting(c, from); fit != from {
			from, reason = fit, reasonAdmission
		}
	}
	if from < c.level && reason == reasonAdmission {
		reason = reasonRecovered
	}
	if from != c.level {
		g.set(c, from, now, reason)
	}
	if len(c.history) == 0 {
		c.text = levelText(p.Spec, LevelFull)
	}
}

// fitting returns the level, from one on, at which c fits into what the other
// classes leave of the cores, by estimate; its lowest if there is none.
func (g *Governor) fitting(c *governed, from Level) Level {
	left := g.cores * g.cfg.MaxCoreShare
	for _, o := range g.classes {
		if o != c {
			left -= Cost(o.plan, o.level, g.cal)
		}
	}
	lowest := floor(c.plan.Spec)
	for l := from; l < lowest; l++ {
		if Cost(c.plan, l, g.cal) <= left {
			return l
		}
	}
	for lowest > from && lowest.same(lowest-1, c.plan.Spec) {
		lowest--
	}
	return lowest
}

// sameWork reports whether two plans ask the same of the machine.
func sameWork(a, b Plan) bool {
	va, _ := media.Find(a.Spec.Tracks, media.KindVideo)
	vb, _ := media.Find(b.Spec.Tracks, media.KindVideo)
	return va.Codec == vb.Codec && va.Video.Width == vb.Video.Width && va.Video.Height == vb.Video.Height &&
		va.Video.FrameRate == vb.Video.FrameRate && a.Spec.Grid == b.Spec.Grid &&
		slices.Equal(a.Spec.Video, b.Spec.Video) && slices.Equal(a.Spec.Audio, b.Spec.Audio)
}
