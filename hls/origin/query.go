package origin

import (
	"errors"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/lectern/lectern/hls"
)

// The delivery directives of RFC 8216bis §6.2.5.
const (
	directiveMSN  = "_HLS_msn"
	directivePart = "_HLS_part"
	directiveSkip = "_HLS_skip"
)

// Texts of 400 answers. They are fixed: nothing of the request is repeated.
var (
	errMSNNumber    = errors.New("_HLS_msn must be a decimal integer")
	errPartNumber   = errors.New("_HLS_part must be a decimal integer")
	errSkipValue    = errors.New("_HLS_skip must be YES or v2")
	errMSNTwice     = errors.New("_HLS_msn must not be repeated")
	errPartTwice    = errors.New("_HLS_part must not be repeated")
	errSkipTwice    = errors.New("_HLS_skip must not be repeated")
	errPartAlone    = errors.New("_HLS_part needs _HLS_msn")
	errMSNTooFar    = errors.New("_HLS_msn is too far ahead of the playlist")
	errPartTooFar   = errors.New("_HLS_part is too far ahead of the playlist")
	errQueryTooLong = errors.New("the query is too long")
)

// maxQuery bounds the query, in bytes; CMCD stays well below.
const maxQuery = 8 << 10

// directives is what a media playlist request asks for.
type directives struct {
	msn, part int  // -1 if absent
	delta     bool // _HLS_skip
}

// blocking reports whether the request may have to wait.
func (d directives) blocking() bool { return d.msn >= 0 }

// parseDirectives reads the three directives and ignores everything else, so
// that CMCD and whatever a player adds do no harm.
func parseDirectives(query string) (directives, error) {
	d := directives{msn: -1, part: -1}
	if len(query) > maxQuery {
		return d, errQueryTooLong
	}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if strings.ContainsAny(key, "%+") {
			var err error
			if key, err = url.QueryUnescape(key); err != nil {
				continue // not one of ours
			}
		}
		switch key {
		case directiveMSN:
			if d.msn >= 0 {
				return d, errMSNTwice
			}
			if d.msn = parseNumber(value); d.msn < 0 {
				return d, errMSNNumber
			}
		case directivePart:
			if d.part >= 0 {
				return d, errPartTwice
			}
			if d.part = parseNumber(value); d.part < 0 {
				return d, errPartNumber
			}
		case directiveSkip:
			if d.delta {
				return d, errSkipTwice
			}
			if value != "YES" && value != "v2" {
				return d, errSkipValue
			}
			d.delta = true
		}
	}
	if d.part >= 0 && d.msn < 0 {
		return d, errPartAlone
	}
	return d, nil
}

// parseNumber returns -1 for what is not a decimal integer, and the largest
// number we know for one that is larger.
func parseNumber(s string) int {
	if s == "" || len(s) > 20 {
		return -1
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return -1
		}
		n = min(n*10+int(c-'0'), math.MaxInt32)
	}
	return n
}

// check refuses what lies so far ahead of s that waiting is pointless:
// segments more than two past the last, and parts past the Advance Part Limit
// (RFC 8216bis §6.2.5.2).
func (d directives) check(s *hls.Snapshot, partTarget time.Duration) error {
	if d.msn > s.NextMSN+1 {
		return errMSNTooFar
	}
	if d.part < 0 || d.msn < s.NextMSN {
		return nil
	}
	// How far the part is past the last one, at least: nobody knows how many
	// parts the segments before its own will have.
	ahead := d.part + 1
	switch {
	case d.msn == s.NextMSN:
		ahead -= s.NextPart
	case s.NextPart == 0:
		ahead++
	}
	if ahead > advancePartLimit(partTarget) {
		return errPartTooFar
	}
	return nil
}

// advancePartLimit is three seconds' worth of parts, and at least three.
func advancePartLimit(partTarget time.Duration) int {
	if partTarget <= 0 || partTarget >= time.Second {
		return 3
	}
	return int(math.Ceil(3 * float64(time.Second) / float64(partTarget)))
}
