package state

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lectern/lectern/realtime"
)

// checkLinks refuses a text with a link where links are off.
func (s *State) checkLinks(text string) error {
	if s.settings.Links || !hasLink(text) {
		return nil
	}
	return refuse(realtime.CodeForbidden, "text: links are off")
}

// hasLink reports whether clients would make a link of something in the text, or
// people would: a scheme, www, or a name under a common top-level domain with a
// path.
func hasLink(text string) bool {
	return strings.Contains(text, ".") && linkPattern.MatchString(fold(text)) || strings.Contains(text, "://")
}

var linkPattern = regexp.MustCompile(`[a-z][a-z0-9+.-]*://|\bwww\.[a-z0-9]|\b[a-z0-9-]+\.(com|net|org|io|ru|cn|info|biz|xyz|top|co|me|ly|gg|tv|app|link|site|online|shop)(/|\b)`)

// hasWord reports whether the text holds one of the words: whole, whatever its
// capitals, unless its script does not set words apart.
func hasWord(text string, words []string) bool {
	if len(words) == 0 {
		return false
	}
	text = fold(text)
	for _, w := range words {
		w = fold(w)
		for from := 0; w != ""; {
			i := strings.Index(text[from:], w)
			if i < 0 {
				break
			}
			start, end := from+i, from+i+len(w)
			before, _ := utf8.DecodeLastRuneInString(text[:start])
			after, _ := utf8.DecodeRuneInString(text[end:])
			first, _ := utf8.DecodeRuneInString(w)
			last, _ := utf8.DecodeLastRuneInString(w)
			if !joins(before, first) && !joins(last, after) {
				return true
			}
			_, size := utf8.DecodeRuneInString(text[start:])
			from = start + size
		}
	}
	return false
}

// joins reports whether two characters beside each other are within one word.
func joins(a, b rune) bool {
	return inWord(a) && inWord(b)
}

func inWord(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r)) && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai)
}

// fold makes texts comparable: small letters, no invisible characters.
func fold(s string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, s))
}
