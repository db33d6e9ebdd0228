package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ErrMissed is returned by a scenario that ran to its end and missed a target.
var ErrMissed = errors.New("a target was missed")

// percentile returns the smallest value that is not exceeded by percent of the
// values (nearest rank); percent is 0 to 100. It returns zero for no values.
func percentile[T cmp.Ordered](values []T, percent int) T {
	if len(values) == 0 {
		var none T
		return none
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	rank := (percent*len(sorted) + 99) / 100
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// verdicts are the targets of a scenario and what became of them.
type verdicts struct {
	out    io.Writer
	missed int
}

// say prints the verdict on one target.
func (v *verdicts) say(ok bool, format string, args ...any) {
	word := "PASS"
	if !ok {
		word = "FAIL"
		v.missed++
	}
	fmt.Fprintf(v.out, "%s  %s\n", word, fmt.Sprintf(format, args...))
}

// err is ErrMissed if any target was.
func (v *verdicts) err() error {
	if v.missed == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d", ErrMissed, v.missed)
}
