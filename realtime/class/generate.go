package class

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// idLetters has no vowels, so that no word forms by accident, and none of 0 o 1
// l i, so that an ID survives being read out. Its 27 letters make ten of them
// 47 bits.
const idLetters = "bcdfghjkmnpqrstvwxz23456789"

// newID returns an ID such as "k3x-9mpt-w7d".
func newID() string {
	var b strings.Builder
	for b.Len() < 12 {
		if b.Len() == 3 || b.Len() == 8 {
			b.WriteByte('-')
			continue
		}
		b.WriteByte(idLetters[uniform(len(idLetters))])
	}
	return b.String()
}

// uniform returns a random number below n, which is at most 256, without bias.
func uniform(n int) int {
	var b [1]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if v := int(b[0]); v < 256/n*n {
			return v % n
		}
	}
}

// newStreamKey returns 160 random bits as 32 letters and digits: one double
// click selects it, and no dialog stumbles over it.
func newStreamKey() Secret {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails
	return NewSecret(strings.ToLower(base32.StdEncoding.EncodeToString(b)))
}
