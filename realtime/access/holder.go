package access

import (
	"errors"
	"strings"
	"time"

	"github.com/lectern/lectern/storage/kv"
)

// Holder returns who holds the pass, if it is good for the class at now, and when
// it was signed, in UTC and whole seconds; otherwise Verify's errors. For who opens
// a door to holders of passes it says whether the door was another one then: a class
// of the same name, a studio link that was replaced since.
func (r *GrantRing) Holder(pass, classID string, now time.Time) (Person, time.Time, error) {
	c, o := r.check(kindPass, pass, classID, now)
	p, ok := c.person()
	if o == accepted && !ok {
		o = malformed
	}
	r.metrics.count(kindPass, o)
	if o != accepted {
		return Person{}, time.Time{}, grantErr(o)
	}
	return p, seconds(c.IAT), nil
}

// Since returns when the secret of the class was made, in whole seconds; zero for a
// class without one.
func (s *StudioKeys) Since(classID string) (time.Time, error) {
	rec, err := s.read(classID)
	if err != nil && !errors.Is(err, kv.ErrNotFound) {
		return time.Time{}, err
	}
	return rec.CreatedAt, nil
}

const (
	madeUpPrefix = "p_"
	madeUpLength = 16
)

// MadeUp reports whether a participant's id has the form of those that are made up for
// people who came without one.
func MadeUp(participant string) bool {
	rest, ok := strings.CutPrefix(participant, madeUpPrefix)
	return ok && len(rest) == madeUpLength && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
