package access_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/storage/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when tests begin.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 400e6, time.UTC) }

func openDB(tb testing.TB, path string) *kv.DB {
	tb.Helper()
	db, err := kv.Open(path, kv.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func newDB(tb testing.TB) *kv.DB {
	tb.Helper()
	return openDB(tb, filepath.Join(tb.TempDir(), "lectern.db"))
}

func newRing(tb testing.TB, cfg access.Config, db *kv.DB) *access.KeyRing {
	tb.Helper()
	r, err := access.New(cfg, access.Deps{DB: db})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func ring(tb testing.TB) *access.KeyRing {
	tb.Helper()
	return newRing(tb, access.DefaultConfig(), newDB(tb))
}

func mint(tb testing.TB, r *access.KeyRing, class, jti string, now time.Time) access.Token {
	tb.Helper()
	t, err := r.Mint(class, jti, 0, now)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// expect checks what becomes of a token, and that no refusal quotes it.
func expect(t *testing.T, what string, r *access.KeyRing, text, class string, now time.Time, want error) {
	t.Helper()
	err := r.Check(text, class, now)
	if !errors.Is(err, want) || (want == nil) != (err == nil) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
	if err != nil && len(text) > 8 && strings.Contains(err.Error(), text[len(text)-8:]) {
		t.Errorf("%s: the error quotes the token", what)
	}
}

func TestMintedTokensAreGood(t *testing.T) {
	r, now := ring(t), noon()
	seen := map[string]bool{}
	for _, tc := range []struct {
		name, class, jti string
		lifetime         time.Duration
		lives            time.Duration
	}{
		{"as configured", "maths", "", 0, 6 * time.Hour},
		{"own id", "maths", "ada12345", 0, 6 * time.Hour},
		{"longest id and class", strings.Repeat("z-", 31) + "z", strings.Repeat("9", 16), 0, 6 * time.Hour},
		{"shortest life", "a", "", time.Minute, time.Minute},
		{"longest life", "a", "", 168 * time.Hour, 168 * time.Hour},
		{"not whole seconds", "a", "", time.Minute + 900*time.Millisecond, time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tok, err := r.Mint(tc.class, tc.jti, tc.lifetime, now)
			if err != nil {
				t.Fatal(err)
			}
			if !access.ValidID(tok.ID) || (tc.jti != "" && tok.ID != tc.jti) || seen[tok.Text] {
				t.Errorf("id = %q", tok.ID)
			}
			seen[tok.Text] = true
			admitted := now.Truncate(time.Second)
			if want := admitted.Add(tc.lives); !tok.ExpiresAt.Equal(want) || tok.ExpiresAt.Location() != time.UTC {
				t.Errorf("expires at %s, want %s", tok.ExpiresAt, want)
			}
			claims, err := r.Verify(tok.Text, tc.class, now)
			if want := (access.Claims{ID: tok.ID, Class: tc.class, AdmittedAt: admitted, ExpiresAt: tok.ExpiresAt}); err != nil || claims != want {
				t.Errorf("claims = %+v, %v, want %+v", claims, err, want)
			}
			if len(tok.Text) > 170 {
				t.Errorf("a token of %d bytes", len(tok.Text))
			}
			expect(t, "in its last moment", r, tok.Text, tc.class, tok.ExpiresAt.Add(-1), nil)
			expect(t, "at its expiry", r, tok.Text, tc.class, tok.ExpiresAt, access.ErrExpired)
			expect(t, "in another class", r, tok.Text, tc.class+"x", now, access.ErrOtherClass)
			expect(t, "in no class", r, tok.Text, "", now, access.ErrOtherClass)
		})
	}
	for _, bad := range []struct {
		class, jti string
		lifetime   time.Duration
	}{
		{"", "", 0},
		{"a.b", "", 0},
		{"Maths", "", 0},
		{"maths", "short12", 0},
		{"maths", "UPPERCASE", 0},
		{"maths", "seventeen12345678", 0},
		{"maths", "dots.dots", 0},
		{"maths", "", time.Minute - 1},
		{"maths", "", 168*time.Hour + 1},
		{"maths", "", -time.Hour},
	} {
		if _, err := r.Mint(bad.class, bad.jti, bad.lifetime, now); !errors.Is(err, access.ErrInvalid) {
			t.Errorf("mint %+v: %v, want ErrInvalid", bad, err)
		}
	}
}

// An edge that has the key and these ten lines checks what we mint.
func TestTheFormatIsAsDocumented(t *testing.T) {
	r, now := ring(t), noon()
	text := mint(t, r, "maths", "ada12345", now).Text
	k := r.Keys(now)[0]
	raw, err := base64.RawURLEncoding.DecodeString(k.Secret.Reveal())
	if err != nil || len(raw) != 32 {
		t.Fatalf("key of %d bytes, %v", len(raw), err)
	}
	signed := fmt.Sprintf("v1.%s.%d.%d.ada12345.maths", k.ID, now.Unix(), now.Unix()+6*3600)
	mac := hmac.New(sha256.New, []byte(base64.RawURLEncoding.EncodeToString(raw)))
	_, _ = mac.Write([]byte(signed))
	if want := signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)); text != want {
		t.Errorf("token is not as documented: %d bytes, want %d", len(text), len(want))
	}
	if len(k.ID) > 8 || strings.Trim(k.ID, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || !k.RetiresAt.IsZero() || k.CreatedAt.After(now) {
		t.Errorf("key = %+v", k)
	}
	if printed := fmt.Sprintf("%v %+v %#v", k, r.Keys(now), k); strings.Contains(printed, k.Secret.Reveal()) || strings.Contains(fmt.Sprintf("%+v", r), k.Secret.Reveal()) {
		t.Error("a key prints itself")
	}
}

// Every other spelling of a good token is refused.
func TestOneSpelling(t *testing.T) {
	r, now := ring(t), noon()
	good := mint(t, r, "maths", "ada12345", now).Text
	expect(t, "as minted", r, good, "maths", now, nil)
	for i := range good {
		for _, c := range []byte("aA0.-_=\n\x00%+/\xff") {
			for _, other := range []string{good[:i] + string(rune(c)) + good[i+1:], good[:i] + string(rune(c)) + good[i:], good[:i] + good[i+1:]} {
				if other != good && r.Check(other, "maths", now) == nil {
					t.Fatalf("accepted with a change at byte %d", i)
				}
			}
		}
	}
	part := strings.Split(good, ".")
	with := func(i int, s string) string {
		p := append([]string(nil), part...)
		p[i] = s
		return strings.Join(p, ".")
	}
	for _, tc := range []struct {
		name, text string
		want       error
	}{
		{"empty", "", access.ErrMalformed},
		{"dots", strings.Repeat(".", 100), access.ErrMalformed},
		{"other version", with(0, "v2"), access.ErrMalformed},
		{"unknown key", with(1, "zzzzzzzz"), access.ErrUnknownKey},
		{"long key id", with(1, "zzzzzzzzz"), access.ErrMalformed},
		{"no key id", with(1, ""), access.ErrMalformed},
		{"expiry with a sign", with(3, "+"+part[3]), access.ErrMalformed},
		{"expiry with a leading zero", with(3, "0"+part[3]), access.ErrMalformed},
		{"expiry with spaces", with(3, " "+part[3]), access.ErrMalformed},
		{"expiry past the year 9999", with(3, "253402300800"), access.ErrMalformed},
		{"expiry that overflows", with(3, "99999999999999999999999"), access.ErrMalformed},
		{"expiry before admission", with(3, part[2]), access.ErrMalformed},
		{"later expiry", with(3, "253402300799"), access.ErrForged},
		{"earlier admission", with(2, "1"), access.ErrForged},
		{"other viewer", with(4, "bob12345"), access.ErrForged},
		{"other class", with(5, "physics"), access.ErrForged},
		{"path as class", with(5, "../maths"), access.ErrMalformed},
		{"no class", with(5, ""), access.ErrMalformed},
		{"mac of another", with(6, strings.Repeat("A", 43)), access.ErrForged},
		{"short mac", with(6, part[6][:42]), access.ErrMalformed},
		{"padded mac", good + "=", access.ErrMalformed},
		{"line break", good + "\n", access.ErrMalformed},
		{"one part more", good + ".x", access.ErrMalformed},
		{"too long", strings.Repeat("v", 257), access.ErrMalformed},
		{"a megabyte", good + strings.Repeat(".", 1<<20), access.ErrMalformed},
	} {
		expect(t, tc.name, r, tc.text, "maths", now, tc.want)
	}
	// The last letter of the MAC has two bits that say nothing.
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, good[len(good)-1])
	for spare := range 4 {
		if other := good[:len(good)-1] + letters[last&^3|spare:][:1]; other != good {
			expect(t, "idle bits set", r, other, "maths", now, access.ErrForged)
		}
	}
}

func TestRenew(t *testing.T) {
	cfg := access.Config{TokenLifetime: 2 * time.Hour, MaxAge: 5 * time.Hour, RenewBefore: 30 * time.Minute}
	r := newRing(t, cfg, newDB(t))
	start := noon().Truncate(time.Second)
	tok, err := r.Mint("maths", "ada12345", 0, start)
	must(t, err)
	for _, step := range []struct{ at, expires, renew time.Duration }{
		{0, 2 * time.Hour, 90 * time.Minute},
		{90 * time.Minute, 210 * time.Minute, 180 * time.Minute},
		{180 * time.Minute, 300 * time.Minute, 0}, // as old as it may become
		{290 * time.Minute, 300 * time.Minute, 0},
	} {
		now := start.Add(step.at)
		fresh, rerr := r.Renew(tok.Text, now)
		if rerr != nil {
			t.Fatalf("renew after %s: %v", step.at, rerr)
		}
		if got := fresh.ExpiresAt.Sub(start); got != step.expires || fresh.ID != "ada12345" {
			t.Errorf("renewed after %s: %q until %s, want %s", step.at, fresh.ID, got, step.expires)
		}
		if want := start.Add(step.renew); (step.renew == 0) != fresh.RenewAt.IsZero() || (step.renew != 0 && !fresh.RenewAt.Equal(want)) {
			t.Errorf("renewed after %s: again at %s, want %s", step.at, fresh.RenewAt, want)
		}
		claims, verr := r.Verify(fresh.Text, "maths", now)
		if verr != nil || !claims.AdmittedAt.Equal(start) {
			t.Errorf("claims = %+v, %v", claims, verr)
		}
		expect(t, "the old one", r, tok.Text, "maths", now, nil)
		tok = fresh
	}
	for what, tc := range map[string]struct {
		text string
		now  time.Time
		want error
	}{
		"expired":   {tok.Text, start.Add(5 * time.Hour), access.ErrExpired},
		"malformed": {"v1", start, access.ErrMalformed},
		"forged":    {tok.Text[:len(tok.Text)-2] + "AA", start, access.ErrForged},
	} {
		if none, rerr := r.Renew(tc.text, tc.now); !errors.Is(rerr, tc.want) || none != (access.Token{}) {
			t.Errorf("renew %s: %v, want %v", what, rerr, tc.want)
		}
	}
	must(t, r.RevokeToken("maths", "ada12345", start))
	if _, err = r.Renew(tok.Text, start); !errors.Is(err, access.ErrRevoked) {
		t.Errorf("renew a revoked one: %v", err)
	}

	// One that was made for long is not cut short, and renewing it is of use once
	// it is asked for.
	short := newRing(t, access.Config{TokenLifetime: time.Minute, MaxAge: 720 * time.Hour, RenewBefore: 24 * time.Hour}, newDB(t))
	tok, err = short.Mint("maths", "", 48*time.Hour, start)
	must(t, err)
	fresh, err := short.Renew(tok.Text, start.Add(time.Hour))
	if err != nil || !fresh.ExpiresAt.Equal(tok.ExpiresAt) {
		t.Errorf("renewed early: until %s, %v, want %s", fresh.ExpiresAt, err, tok.ExpiresAt)
	}
	if fresh, err = short.Renew(tok.Text, tok.RenewAt); err != nil || !fresh.ExpiresAt.After(tok.ExpiresAt) {
		t.Errorf("renewed when asked to: until %s, %v, want later than %s", fresh.ExpiresAt, err, tok.ExpiresAt)
	}
}

func TestConfigValidate(t *testing.T) {
	if err := access.DefaultConfig().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	err := access.Config{TokenLifetime: 200 * time.Hour, MaxAge: -1}.Validate()
	for _, want := range []string{"access.token_lifetime: 200h", "access.max_age: -1ns", "access.renew_before: 0s"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("err = %v, want %q in it", err, want)
		}
	}
	if _, err := access.New(access.Config{}, access.Deps{DB: newDB(t)}); err == nil {
		t.Error("an empty configuration was taken")
	}
	if _, err := access.New(access.DefaultConfig(), access.Deps{}); err == nil {
		t.Error("a ring without a database was made")
	}
}
