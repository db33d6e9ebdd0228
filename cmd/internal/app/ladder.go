package app

import (
	"math"
	"slices"
	"time"

	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

// ladderOf returns the ladder of a class that has chosen these renditions, or the
// configured one for nil. segment is the class's segment duration: a grid that is
// wider would make longer ones.
func (p *pipelines) ladderOf(renditions []string, segment time.Duration) (*transcode.Ladder, error) {
	cfg := p.cfg.Transcode
	cfg.Grid = min(cfg.Grid, segment)
	if len(p.worker) == 0 {
		cfg.Encoder = transcode.EncoderNone
	}
	cfg.Encoder = p.machine.encoder(cfg.Encoder)
	return transcode.NewLadder(cfg, renditions)
}

// maxKeyframeInterval is how far apart keyframes may be for pictures to be passed
// through: the hub tolerates half a second more, the packager a few frames less.
func maxKeyframeInterval(cfg stream.Config, segment time.Duration) time.Duration {
	if cfg.MaxKeyframeInterval == 0 {
		return segment - 50*time.Millisecond
	}
	return min(cfg.MaxKeyframeInterval, segment-50*time.Millisecond)
}

// setLadder sets what the class's next publication becomes. A choice that the
// configuration allows no longer gives way to the configured ladder.
func (p *pipelines) setLadder(pl *pipeline, renditions []string) error {
	segment := p.hlsConfig(pl.class).SegmentDuration
	ladder, err := p.ladderOf(renditions, segment)
	if err != nil && renditions != nil {
		p.logger.Warn("ladder of the class is not to be had, the configured one is taken", "component", "pipeline", "class", pl.class.ID, "err", err)
		ladder, err = p.ladderOf(nil, segment)
	}
	if err != nil {
		return err
	}
	pl.ladder.Store(ladder)
	pl.stream.SetTerms(stream.Terms{Admit: ladder.Admit, AnyKeyframeInterval: ladder.Encodes()})
	if e := pl.encoding.Load(); e != nil {
		e.job.SetLadder(ladder)
	}
	return nil
}

// changeLadder gives a class that is on another ladder, for its next publication.
func (p *pipelines) changeLadder(id string, renditions []string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v, ok := p.byClass.Load(id); ok {
		return p.setLadder(v.(*pipeline), renditions)
	}
	return nil
}

// checkLadder says what is wrong with the renditions chosen for a class.
func (p *pipelines) checkLadder(renditions []string) error {
	_, err := p.ladderOf(renditions, p.cfg.HLS.SegmentDuration)
	return err
}

// encodingOf returns what makes the ladder of a class that is on.
func (p *pipelines) encodingOf(id string) *encoding {
	if v, ok := p.byClass.Load(id); ok {
		return v.(*pipeline).encoding.Load()
	}
	return nil
}

// Ladder implements api.Ladders.
func (p *pipelines) Ladder(id string) (api.LadderState, bool) {
	e := p.encodingOf(id)
	if e == nil {
		return api.LadderState{}, false
	}
	st := e.job.State()
	if len(st.Plan.Tracks) == 0 {
		return api.LadderState{}, false
	}
	out := api.LadderState{Level: int(st.Level)}
	if c, ok := p.governor.State(id); ok {
		out.Level, out.Since, out.Reason, out.Text = int(c.Level), c.Since, c.Reason, c.Text
		for _, h := range slices.Backward(c.History) {
			out.History = append(out.History, api.LevelChange{At: h.At, Level: int(h.Level), Reason: h.Reason, Text: h.Text})
		}
	}
	for _, r := range st.Renditions {
		t := r.Track
		out.Renditions = append(out.Renditions, api.Rendition{
			Name: t.Rendition, Kind: t.Codec.Kind().String(), Width: t.Video.Width, Height: t.Video.Height, FrameRate: round(t.Video.FrameRate, 3),
			MaxBitrateBPS: t.MaxBitRate, State: string(r.Making), LagSeconds: round(r.Lag.Seconds(), 3), DroppedFrames: r.Drops,
		})
	}
	if e.host != nil {
		w := e.host.Status()
		out.Worker = api.Worker{State: w.State.String(), Restarts: w.Restarts, LastReason: w.Reason}
		if w.State == worker.StateDisabled && w.Text != "" {
			out.Reason, out.Text = w.Reason, "This class has no smaller pictures any more: "+w.Text
		}
	}
	return out, true
}

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

// Health implements api.Checkups.
func (p *pipelines) Health(id string) (api.Health, bool) {
	e := p.encodingOf(id)
	if e == nil {
		return api.Health{}, false
	}
	var out api.Health
	for _, f := range e.monitor.Findings() {
		out.Findings = append(out.Findings, api.Finding{Code: f.Code.String(), Severity: f.Severity.String(), Text: f.Text, Setting: f.Setting, Since: f.Since})
	}
	for _, ev := range slices.Backward(e.monitor.Events()) {
		out.Events = append(out.Events, api.HealthEvent{At: ev.At, Code: ev.Finding.Code.String(), Raised: ev.Raised, Text: ev.Finding.Text})
	}
	return out, true
}
