package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/lectern/lectern/realtime/api"
)

// phase is a time of a scenario, and what was seen in it.
type phase struct {
	name    string
	start   time.Time
	elapsed time.Duration
	classes []*observed
	used    spending
}

// observed is what was seen of a class's ladder.
type observed struct {
	id       string
	levels   []int         // one for each look
	rungs    []*rung       // encoded pictures, best first
	changes  []levelChange // in this phase, latest last
	restarts int           // of the worker, since the beginning
	cadence  cadence       // of the publisher's own pictures
	level    int           // at the latest look
	latest   time.Time     // of the changes that were seen
}

// levelChange is a change of the level and when it was.
type levelChange struct {
	api.LevelChange

	from int
}

// rung is what was seen of one encoded rendition.
type rung struct {
	name string
	lags []time.Duration // while it was made
	last int             // pictures dropped until the latest look
	lost int             // pictures dropped in the phase
}

// look notes what a class's ladder is like now.
func (o *observed) look(st *api.LadderState) {
	for _, h := range slices.Backward(st.History) { // latest first
		if h.At.After(o.latest) {
			o.changes = append(o.changes, levelChange{LevelChange: h, from: o.level})
			o.latest, o.level = h.At, h.Level
		}
	}
	o.level = st.Level
	o.levels = append(o.levels, st.Level)
	o.restarts = st.Worker.Restarts
	for _, r := range st.Renditions {
		if r.Kind != "video" || r.State == "passed_through" {
			continue
		}
		o.rung(r).look(r)
	}
}

func (o *observed) rung(r api.Rendition) *rung {
	for _, g := range o.rungs {
		if g.name == r.Name {
			return g
		}
	}
	g := &rung{name: r.Name, last: r.DroppedFrames}
	o.rungs = append(o.rungs, g)
	return g
}

func (g *rung) look(r api.Rendition) {
	if r.DroppedFrames >= g.last {
		g.lost += r.DroppedFrames - g.last
	} else {
		g.lost += r.DroppedFrames // a new worker counts anew
	}
	g.last = r.DroppedFrames
	if r.State == "encoded" {
		g.lags = append(g.lags, time.Duration(r.LagSeconds*float64(time.Second)))
	}
}

// worst returns the rung that was furthest behind.
func (o *observed) worst() (name string, lag time.Duration) {
	for _, g := range o.rungs {
		if l := percentile(g.lags, 100); l >= lag {
			name, lag = g.name, l
		}
	}
	return name, lag
}

// deepest is the level at which the least was left.
func (o *observed) deepest() int { return percentile(o.levels, 100) }

// report prints the phase.
func (ph *phase) report(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %.0f s\n", ph.name, ph.elapsed.Seconds())
	for _, o := range ph.classes {
		fmt.Fprintf(&b, "  %s: level %s", o.id, levelsOf(o.levels))
		for _, c := range o.changes {
			fmt.Fprintf(&b, ", %d to %d at %.1f s (%s)", c.from, c.Level, c.At.Sub(ph.start).Seconds(), c.Reason)
		}
		if o.restarts > 0 {
			fmt.Fprintf(&b, "; the worker was restarted %d times so far", o.restarts)
		}
		fmt.Fprintln(&b)
		for _, g := range o.rungs {
			if len(g.lags) == 0 {
				fmt.Fprintf(&b, "    %-6s not made, %d pictures dropped\n", g.name, g.lost)
				continue
			}
			fmt.Fprintf(&b, "    %-6s lag median %.3f s, p95 %.3f s, max %.3f s in %d samples, %d pictures dropped\n", g.name,
				percentile(g.lags, 50).Seconds(), percentile(g.lags, 95).Seconds(), percentile(g.lags, 100).Seconds(), len(g.lags), g.lost)
		}
		c := o.cadence
		fmt.Fprintf(&b, "    source %d parts, off by median %.1f %%, p95 %.1f %%, max %.1f %% of the part target; pace %.4f; %d not seen\n",
			c.parts, c.median, c.p95, c.worst, c.pace, c.missing)
	}
	seconds := max(ph.elapsed.Seconds(), 1e-9)
	u := ph.used
	fmt.Fprintf(&b, "  server %.2f of a core, %d MiB; workers %.2f of a core, %d MiB; the machine %.2f, and %.2f stolen by its host; all others at most %.2f for 5 s\n",
		u.server.Seconds()/seconds, u.serverMemory>>20, u.workers.Seconds()/seconds, u.workersMemory>>20,
		u.machine.busy.Seconds()/seconds, u.machine.stolen.Seconds()/seconds, highest(u.others, int(5*time.Second/lookEvery)).Seconds()/5)
	_, err := io.WriteString(out, b.String())
	return err
}

// levelsOf says in words which levels there were.
func levelsOf(levels []int) string {
	least, most := percentile(levels, 0), percentile(levels, 100)
	if least == most {
		return fmt.Sprintf("%d throughout", least)
	}
	return fmt.Sprintf("%d to %d", least, most)
}

// judge prints what became of the targets.
func (p *pressure) judge() error {
	if len(p.phases) != 3 {
		return nil // it was ended early
	}
	v := &verdicts{out: p.o.Out}
	calm, load, recovery := p.phases[0], p.phases[1], p.phases[2]
	fallen := false
	for i, o := range calm.classes {
		v.say(o.deepest() == 0, "%s, calm: all renditions throughout (level 0): %d at most", o.id, o.deepest())
		name, lag := o.worst()
		v.say(len(o.rungs) > 0 && lag < lagTarget, "%s, calm: lag below %.1f s: at most %.3f s (%s)", o.id, lagTarget.Seconds(), lag.Seconds(), name)
		during := load.classes[i]
		fallen = fallen || during.deepest() > o.level
		c := during.cadence
		v.say(c.parts > 0 && c.missing == 0 && c.p95 <= cadenceTarget, "%s, pressure: parts of source within %d %%: p95 %.1f %%, max %.1f %%",
			o.id, cadenceTarget, c.p95, c.worst)
		v.say(recovery.classes[i].level == 0, "%s, recovery: level 0 again within %s: %d after %.0f s",
			o.id, recoveryLimit, recovery.classes[i].level, recovery.elapsed.Seconds())
	}
	v.say(fallen, "pressure: the level of a class falls")
	return v.err()
}
