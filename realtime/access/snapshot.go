package access

import (
	"maps"
	"slices"
	"time"
)

// tokenRef names the chain of tokens of one viewer of one class.
type tokenRef struct{ class, jti string }

// snapshot is all that checks look at. Once published it never changes.
type snapshot struct {
	// keys are at most two: the one that mints, then its predecessor. There is
	// none before the first token is minted.
	keys []*key

	// The Unix second up to which, itself included, chains that began are void.
	classes map[string]int64
	tokens  map[tokenRef]int64
}

// clone returns a copy to be changed and then published.
func (s *snapshot) clone() snapshot {
	return snapshot{keys: slices.Clone(s.keys), classes: maps.Clone(s.classes), tokens: maps.Clone(s.tokens)}
}

// key returns the key with the id, or nil if there is none that is in force.
func (s *snapshot) key(kid string, now time.Time) *key {
	for _, k := range s.keys {
		if k.ID == kid && !k.retired(now) {
			return k
		}
	}
	return nil
}

// revokedThrough returns the second up to which chains of this viewer are void,
// 0 if none are.
func (s *snapshot) revokedThrough(classID, jti string) int64 {
	through := s.classes[classID]
	if len(s.tokens) > 0 {
		through = max(through, s.tokens[tokenRef{classID, jti}])
	}
	return through
}

// check says what to do with the text of a token for a class; an empty class
// stands for the one that the token names. What a text claims is looked at only
// once its MAC has been found right.
func (s *snapshot) check(text, classID string, now time.Time) (body, outcome) {
	b, signed, mac, ok := parse(text)
	if !ok {
		return body{}, malformed
	}
	k := s.key(b.kid, now)
	switch {
	case k == nil:
		return body{}, unknownKey
	case !k.signs(signed, mac):
		return body{}, forged
	case classID != "" && b.class != classID:
		return body{}, otherClass
	case now.Unix() >= b.exp:
		return body{}, expired
	case b.iat <= s.revokedThrough(b.class, b.jti):
		return body{}, revoked
	}
	return b, accepted
}

// prune drops what nothing depends on any more at now.
func (s *snapshot) prune(now time.Time) {
	s.keys = slices.DeleteFunc(s.keys, func(k *key) bool { return k.retired(now) })
	// Whatever began by then has expired by now.
	over := now.Add(-MaxLifetime).Unix()
	maps.DeleteFunc(s.classes, func(_ string, through int64) bool { return through < over })
	maps.DeleteFunc(s.tokens, func(ref tokenRef, through int64) bool {
		return through < over || through <= s.classes[ref.class]
	})
}

// latest returns the last second up to which anything is revoked.
func (s *snapshot) latest() int64 {
	var last int64
	for _, through := range s.classes {
		last = max(last, through)
	}
	for _, through := range s.tokens {
		last = max(last, through)
	}
	return last
}

// revocations returns the revocations by their names in the database.
func (s *snapshot) revocations() map[string]int64 {
	all := make(map[string]int64, len(s.classes)+len(s.tokens))
	maps.Copy(all, s.classes)
	for ref, through := range s.tokens {
		all[ref.class+"."+ref.jti] = through
	}
	return all
}
