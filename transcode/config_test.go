package transcode_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/transcode"
)

func TestConfigValidate(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*transcode.Config)
		want []string // none: valid
	}{
		{"default", func(*transcode.Config) {}, nil},
		{"audio alone", func(c *transcode.Config) { c.Ladder = []string{"audio"} }, nil},
		{"another height", func(c *transcode.Config) { c.Ladder = []string{"source", "540p", "144p", "1080p"} }, nil},
		{"rung in part", func(c *transcode.Config) {
			c.Rungs = transcode.Rungs{"720p": {MaxRate: 3_000_000}, "source": {CRF: 20, MaxFrameRate: 30}}
		}, nil},
		{"no thumbnails", func(c *transcode.Config) { c.Thumbnails.Interval = 0 }, nil},
		{"empty ladder", func(c *transcode.Config) { c.Ladder = nil }, []string{"transcode.ladder: must name"}},
		{
			"unknown and twice",
			func(c *transcode.Config) { c.Ladder = []string{"721p", "source", "source", "0720p", "1082p", "p"} },
			[]string{`unknown rendition "721p"`, `"source" is listed twice`, `"0720p"`, `"1082p"`, `"p"`},
		},
		{
			"too many",
			func(c *transcode.Config) {
				c.Ladder = strings.Fields("144p 146p 148p 150p 152p 154p 156p 158p 160p 162p 164p 166p 168p 170p 172p 174p 176p")
			},
			[]string{"transcode.ladder: names 17 renditions, more than 16"},
		},
		{
			"everything at once",
			func(c *transcode.Config) {
				c.Encoder, c.Grid, c.MaxCoreShare = "x265", 0, math.NaN()
				c.Rungs = transcode.Rungs{"audio": {}, "360p": {CRF: 60, MaxRate: 1, MaxFrameRate: 200}}
				c.Thumbnails = transcode.ThumbnailConfig{Interval: time.Millisecond, Width: 1}
				c.Governor = transcode.GovernorConfig{RecoverCPU: 2}
			},
			[]string{
				`transcode.encoder: "x265"`, "transcode.grid: 0s", "transcode.max_core_share: NaN",
				"transcode.rungs.audio: is no video rendition", "transcode.rungs.360p.crf: 60", "transcode.rungs.360p.max_rate: 1", "transcode.rungs.360p.max_frame_rate: 200",
				"transcode.thumbnails.interval: 1ms", "transcode.thumbnails.width: 1",
				"transcode.governor.shed_lag: 0s", "transcode.governor.shed_lag_after: 0s", "transcode.governor.shed_cpu: 0", "transcode.governor.shed_cpu_after: 0s",
				"transcode.governor.recover_lag: 0s", "transcode.governor.recover_cpu: 2", "transcode.governor.recover_after: 0s", "transcode.governor.settle: 0s",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := transcode.DefaultConfig()
			tc.edit(&cfg)
			for from, err := range map[string]error{"Validate": cfg.Validate(), "NewLadder": newLadderErr(cfg)} {
				if len(tc.want) == 0 && err != nil {
					t.Errorf("%s: %v", from, err)
				}
				for _, w := range tc.want {
					if err == nil || !strings.Contains(err.Error(), w) {
						t.Errorf("%s: err = %v, want %q in it", from, err, w)
					}
				}
			}
		})
	}
}

func newLadderErr(cfg transcode.Config) error {
	_, err := transcode.NewLadder(cfg)
	return err
}

func TestLadderOverride(t *testing.T) {
	override := []string{"source", "360p"}
	ladder, err := transcode.NewLadder(transcode.DefaultConfig(), override)
	if err != nil {
		t.Fatal(err)
	}
	override[0] = "audio" // the caller's own again
	if got := ladder.Renditions(); !slices.Equal(got, []string{"source", "360p"}) || !ladder.Encodes() {
		t.Errorf("renditions = %v, encodes %v, want the override", got, ladder.Encodes())
	}
	ladder, err = transcode.NewLadder(transcode.DefaultConfig(), nil)
	if err != nil || len(ladder.Renditions()) != 6 {
		t.Errorf("nil override: %v, %v, want the configured six", ladder.Renditions(), err)
	}
	if _, err = transcode.NewLadder(transcode.DefaultConfig(), []string{}); err == nil {
		t.Error("an empty override was accepted")
	}
	none := transcode.DefaultConfig()
	none.Encoder = transcode.EncoderNone
	ladder, err = transcode.NewLadder(none)
	if err != nil || ladder.Encodes() || !slices.Equal(ladder.Renditions(), []string{"source", "audio"}) {
		t.Errorf("without encoder: %v, %v, want source and audio", ladder.Renditions(), err)
	}
}

// The reference of the configuration prints the value.
func TestRungsAreYAML(t *testing.T) {
	for want, r := range map[string]transcode.Rungs{
		"{}": {},
		"{480p: {crf: 0, max_rate: 900000, max_frame_rate: 0}, 720p: {crf: 21.5, max_rate: 0, max_frame_rate: 25}}": {
			"720p": {CRF: 21.5, MaxFrameRate: 25}, "480p": {MaxRate: 900_000},
		},
	} {
		if got := r.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
