package access

import (
	"slices"
	"strings"
	"unicode"

	"github.com/lectern/lectern/realtime"
)

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'

	maxMarks = 3 // accents on one letter
)

// CleanName returns a display name as it may be shown: without control
// characters and what turns the direction of writing, with single spaces, at
// most three accents on a letter, at most realtime.MaxName characters. What has
// no letter and no digit in it is no name, and becomes empty.
func CleanName(name string) string {
	out := make([]rune, 0, realtime.MaxName)
	marks := 0
	seen := false // a letter or digit
	for _, r := range strings.ToValidUTF8(name, "") {
		last := rune(' ')
		if len(out) > 0 {
			last = out[len(out)-1]
		}
		switch {
		case unicode.IsSpace(r):
			if r = ' '; last == ' ' {
				continue
			}
		case r == zeroWidthJoiner || r == zeroWidthNonJoiner:
			// Needed within words of Persian and Indic scripts, and in emoji.
			if last == ' ' || last == zeroWidthJoiner || last == zeroWidthNonJoiner {
				continue
			}
		case unicode.Is(unicode.M, r):
			if marks++; marks > maxMarks || last == ' ' {
				continue
			}
		case blank(r) || !unicode.IsGraphic(r):
			continue
		default:
			marks = 0
			seen = seen || unicode.IsLetter(r) || unicode.IsDigit(r)
		}
		if len(out) == realtime.MaxName {
			break
		}
		out = append(out, r)
	}
	if !seen {
		return ""
	}
	return strings.TrimRight(string(out), " \u200c\u200d")
}

// blank reports whether r is a letter that shows nothing.
func blank(r rune) bool {
	return r == '\u115f' || r == '\u1160' || r == '\u3164' || r == '\uffa0' || r == '\u2800'
}

// ReservedName reports whether a name, as a whole, claims to be staff rather
// than to be somebody: "Moderator", "h0st", "ADMIN 1".
func ReservedName(name string) bool {
	name = strings.TrimRightFunc(name, func(r rune) bool { return !unicode.IsLetter(r) }) // "Host 2"
	s := skeleton(name)
	return slices.Contains([]string{
		"host", "cohost", "moderator", "admin", "administrator", "staff", "system", "lectern", "support",
		"teacher", "instructor", "lecturer", "professor", "service",
	}, s)
}

// SameName reports whether two names could be taken for each other: they differ
// in capitals, accents, spaces and look-alike letters at most. A room uses it to
// keep participants from being called what staff are called.
func SameName(a, b string) bool {
	s := skeleton(a)
	return s != "" && s == skeleton(b)
}

// skeleton maps what looks alike to the same text.
func skeleton(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'Ａ' && r <= 'ｚ' { // full width
			r -= 'Ａ' - 'A'
		}
		r = unicode.ToLower(r)
		if like, ok := lookalike(r); ok {
			return like
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, name)
}

// lookalike maps the most common letters that pass for a Latin one.
func lookalike(r rune) (rune, bool) {
	for _, row := range []struct {
		like rune
		from string
	}{
		{'a', "аαáàâäãåāą4@"},
		{'c', "сϲçćč¢"},
		{'e', "еéèêëēęěε3€"},
		{'h', "һ"},
		{'i', "іιíìîïīı!"},
		{'j', "ј"},
		{'k', "кκ"},
		{'l', "ӏ1|łĺľ"},
		{'m', "м"},
		{'n', "ñńňη"},
		{'o', "оοóòôöõøōσ0"},
		{'p', "рρ"},
		{'r', "гř"},
		{'s', "ѕśšş5$"},
		{'t', "тτťţ7"},
		{'u', "υúùûüūů"},
		{'v', "ν"},
		{'w', "ѡω"},
		{'x', "хχ"},
		{'y', "уγýÿ"},
		{'z', "źżž"},
		{'g', "ğģ"},
		{'d', "ԁďđ"},
		{'b', "ьв"},
	} {
		if strings.ContainsRune(row.from, r) {
			return row.like, true
		}
	}
	return 0, false
}
