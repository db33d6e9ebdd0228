package access

import (
	"crypto/rand"
	"encoding/base32"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/lectern/lectern/realtime/class"
)

// MaxLen is the most bytes that are looked at as a token.
const MaxLen = 256

const (
	version  = "v1"
	macLen   = 43 // 32 bytes in base64url without padding
	maxKID   = 8
	minJTI   = 8
	maxJTI   = 16
	maxEpoch = 253402300799 // the last second of the year 9999
)

// Token is a token as its owner gets it. It is a credential: do not log it.
type Token struct {
	Text      string    // what stands in the path
	ID        string    // the jti, which renewal keeps
	Class     string    // the class it is for
	ExpiresAt time.Time // UTC, whole seconds

	// RenewAt is when a player should renew it; zero if that would not extend it,
	// the chain being as old as it may become.
	RenewAt time.Time
}

// LogValue tells the expiry alone.
func (t Token) LogValue() slog.Value { return slog.TimeValue(t.ExpiresAt) }

// Claims are what a token says that was found good.
type Claims struct {
	ID         string    // the jti
	Class      string    // the class it is for
	AdmittedAt time.Time // when the chain of tokens began; UTC, whole seconds
	ExpiresAt  time.Time // UTC, whole seconds
}

// ValidID reports whether id could be the id (jti) of a token: [a-z0-9]{8,16}.
func ValidID(id string) bool { return len(id) >= minJTI && len(id) <= maxJTI && alphanumeric(id) }

// body is a token without its MAC. Its strings are parts of the text.
type body struct {
	kid, jti, class string
	iat, exp        int64
}

// parse takes a text apart. It accepts exactly what appendTo writes, so that two
// texts are never the same token; all but the MAC's own spelling, which is for
// whoever compares it.
func parse(text string) (b body, signed, mac string, ok bool) {
	if len(text) > MaxLen || len(text) <= macLen+1 {
		return b, "", "", false
	}
	signed, mac = text[:len(text)-macLen-1], text[len(text)-macLen:]
	if text[len(signed)] != '.' {
		return b, "", "", false
	}
	var v, iat, exp string
	v, rest, _ := strings.Cut(signed, ".")
	b.kid, rest, _ = strings.Cut(rest, ".")
	iat, rest, _ = strings.Cut(rest, ".")
	exp, rest, _ = strings.Cut(rest, ".")
	b.jti, b.class, _ = strings.Cut(rest, ".")
	var okIAT, okEXP bool
	b.iat, okIAT = parseSeconds(iat)
	b.exp, okEXP = parseSeconds(exp)
	ok = v == version && validKID(b.kid) && okIAT && okEXP && b.iat < b.exp && ValidID(b.jti) && class.ValidID(b.class)
	return b, signed, mac, ok
}

// appendTo writes everything before the last dot.
func (b body) appendTo(text []byte) []byte {
	text = append(text, version+"."...)
	text = append(append(text, b.kid...), '.')
	text = append(strconv.AppendInt(text, b.iat, 10), '.')
	text = append(strconv.AppendInt(text, b.exp, 10), '.')
	text = append(append(text, b.jti...), '.')
	return append(text, b.class...)
}

func (b body) claims() Claims {
	return Claims{ID: b.jti, Class: b.class, AdmittedAt: seconds(b.iat), ExpiresAt: seconds(b.exp)}
}

// parseSeconds reads a positive number without sign or leading zeros.
func parseSeconds(s string) (int64, bool) {
	if s == "" || len(s) > 12 || s[0] == '0' {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + int64(d)
	}
	return n, n <= maxEpoch
}

func validKID(kid string) bool { return kid != "" && len(kid) <= maxKID && alphanumeric(kid) }

func alphanumeric(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func seconds(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

// randomID returns n random letters and digits, 5 bits each.
func randomID(n int) string {
	b := make([]byte, (n*5+7)/8)
	_, _ = rand.Read(b) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))[:n]
}
