package conformance_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lectern/lectern/hls/conformance"
)

// check watches the site in fake time.
func check(t *testing.T, s *site) (sum conformance.Summary) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sum = s.check(t.Context(), t)
	})
	return sum
}

func (s *site) check(ctx context.Context, t *testing.T) conformance.Summary {
	t.Helper()
	s.clip = shared(t)
	s.start = time.Now()
	watch := s.watch
	if watch == 0 {
		watch = 10 * time.Second
	}
	cfg := conformance.Config{URL: siteURL + s.entryPath(), Duration: watch, Client: inProcess{s, s.plain}.client()}
	if s.metrics {
		cfg.Metrics = siteURL + "/metrics"
	}
	sum, err := conformance.Check(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestGoodSiteIsClean(t *testing.T) {
	for _, tc := range []struct {
		name string
		site *site
	}{
		{"live", &site{window: 230, since: 1000 * time.Second, watch: 30 * time.Second}},
		{"a live list without parts", &site{window: 230, since: 1000 * time.Second, watch: 30 * time.Second, noParts: true}},
		{"one that ends", &site{window: 230, since: 100 * time.Second, ends: 9 * time.Second}},
		{"one that has ended", &site{ended: true, since: 100 * time.Second}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sum := check(t, tc.site)
			for _, f := range sum.Findings {
				t.Errorf("on a good site: %s", f)
			}
			if sum.Renditions != 3 || sum.Segments < 9 || sum.Playlists < 3 {
				t.Errorf("summary = %+v, want three renditions followed", sum)
			}
			t.Logf("not checked: %v", sum.NotChecked)
		})
	}
}

// brokenCase is one way to break a rule.
type brokenCase struct {
	rule int
	name string
	site *site
}

func brokenCases() []brokenCase {
	return slices.Concat(brokenMultivariants(), brokenSnapshots(), brokenDateRanges(), brokenChanges(), brokenAcross(), brokenBoxes(),
		brokenLowLatency(), brokenReloads(), brokenAnswers())
}

// Every rule must be seen to fail once, or it may be a rule that cannot fail.
func TestEveryRuleCanBreak(t *testing.T) {
	var mu sync.Mutex // guards broken
	broken := map[int]bool{}
	t.Run("cases", func(t *testing.T) {
		for _, tc := range brokenCases() {
			t.Run(fmt.Sprintf("rule %d: %s", tc.rule, tc.name), func(t *testing.T) {
				t.Parallel()
				sum := check(t, tc.site)
				i := slices.IndexFunc(sum.Findings, func(f conformance.Finding) bool { return f.Number == tc.rule })
				if i < 0 {
					t.Fatalf("not found; findings: %v\nnot checked: %v", sum.Findings, sum.NotChecked)
				}
				if f := sum.Findings[i]; f.Saw == "" || f.Want == "" || f.Section == "" || f.Where == "" || f.Times < 1 {
					t.Errorf("the finding does not say enough: %+v", f)
				}
				if slices.ContainsFunc(sum.NotChecked, func(n conformance.NotChecked) bool { return n.Rule == tc.rule }) {
					t.Error("the rule is said not to be checked")
				}
				mu.Lock()
				defer mu.Unlock()
				broken[tc.rule] = true
			})
		}
	})
	for _, r := range conformance.Rules() {
		if !broken[r.Number] {
			t.Errorf("rule %d was not seen to fail: %s", r.Number, r.Want)
		}
	}
}

func TestRulesAreNumberedOnce(t *testing.T) {
	seen := map[int]bool{}
	for _, r := range conformance.Rules() {
		if seen[r.Number] || r.Want == "" || r.Section == "" || r.Level != conformance.Must && r.Level != conformance.Should {
			t.Errorf("rule %+v is there twice or says too little", r)
		}
		seen[r.Number] = true
	}
	for n := 1; n <= 94; n++ {
		if !seen[n] {
			t.Errorf("rule %d of the list is missing", n)
		}
	}
}
