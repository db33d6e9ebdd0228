package conformance

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// maxFindings bounds what is remembered. A presentation that breaks more is broken
// enough.
const maxFindings = 1000

// Rules returns the rules that are implemented, by number.
func Rules() []Rule {
	all := slices.Concat(multivariantRules(), snapshotRules(), dateRangeRules(), changeRules(), acrossRules(), boxRules(),
		lowLatencyRules(), reloadRules(), httpRules(), mediaRules())
	slices.SortFunc(all, func(a, b Rule) int { return cmp.Compare(a.Number, b.Number) })
	return all
}

// report collects findings. It is safe for concurrent use.
type report struct {
	rules map[int]Rule      // read-only
	hide  *strings.Replacer // takes secrets out of texts; read-only

	mu       sync.Mutex // guards the fields below
	findings []*Finding
	index    map[string]*Finding // by rule and place
	seen     map[int]bool        // rules that were judged
	why      map[int]string      // better reasons than the rule's for not judging
}

func newReport(hide *strings.Replacer) *report {
	r := &report{rules: map[int]Rule{}, hide: hide, index: map[string]*Finding{}, seen: map[int]bool{}, why: map[int]string{}}
	for _, rule := range Rules() {
		r.rules[rule.Number] = rule
	}
	return r
}

// judged records that the rules were applied to something.
func (r *report) judged(numbers ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range numbers {
		r.seen[n] = true
	}
}

// because says why a rule was not judged, where that is not what it says itself.
func (r *report) because(number int, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.why[number] = why
}

// broken records that a rule was seen broken at where.
func (r *report) broken(number int, where, format string, args ...any) {
	r.add(r.rules[number], where, format, args...)
}

// lesser records that the part of a rule was seen broken that is no MUST.
func (r *report) lesser(number int, where, format string, args ...any) {
	rule := r.rules[number]
	rule.Level = Should
	r.add(rule, where, format, args...)
}

func (r *report) add(rule Rule, where, format string, args ...any) {
	where = r.hide.Replace(where)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen[rule.Number] = true
	key := fmt.Sprint(rule.Number, rule.Level, where)
	if f, ok := r.index[key]; ok {
		f.Times++
		return
	}
	if len(r.findings) == maxFindings {
		return
	}
	f := &Finding{Rule: rule, Where: where, Saw: r.hide.Replace(clip(fmt.Sprintf(format, args...))), Times: 1}
	r.index[key] = f
	r.findings = append(r.findings, f)
}

// clip shortens what a hostile playlist made too long, and keeps it on one line.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, s)
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// list returns the findings by number, and the rules that were not judged.
func (r *report) list() ([]Finding, []NotChecked) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Finding, len(r.findings))
	for i, f := range r.findings {
		out[i] = *f
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(a.Number, b.Number) })
	var not []NotChecked
	for n, rule := range r.rules {
		if !r.seen[n] {
			not = append(not, NotChecked{n, cmp.Or(r.why[n], rule.needs, "nothing that it applies to was seen")})
		}
	}
	slices.SortFunc(not, func(a, b NotChecked) int { return cmp.Compare(a.Rule, b.Rule) })
	return out, not
}
