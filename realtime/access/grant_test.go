package access_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/storage/kv"
)

func newGrants(tb testing.TB, db *kv.DB) *access.GrantRing {
	tb.Helper()
	r, err := access.NewGrantRing(access.DefaultGrantConfig(), access.Deps{DB: db, Registerer: prometheus.NewRegistry()})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func grant(tb testing.TB, r *access.GrantRing, classID string, p access.Person, now time.Time) access.Grant {
	tb.Helper()
	g, err := r.Grant(classID, p, now)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func participant() access.Person {
	return access.Person{ID: "p_ada", Name: "Ada", Role: realtime.RoleParticipant}
}

func TestGrantSaysWhoItIs(t *testing.T) {
	r, now := newGrants(t, newDB(t)), noon()
	tests := []struct {
		name   string
		person access.Person
		want   realtime.Principal
	}{
		{"a participant", participant(), realtime.Principal{ID: "p_ada", Name: "Ada", Role: "participant", Permissions: realtime.RoleParticipant.Permissions()}},
		{"a host", access.Person{ID: "host", Name: "Dr. Noether", Role: "host"}, realtime.Principal{ID: "host", Name: "Dr. Noether", Role: "host", Permissions: realtime.RoleHost.Permissions()}},
		{
			"more and less than the role",
			access.Person{ID: "p_1", Role: "participant", Permissions: realtime.MayVote | realtime.SeesNames, Anonymous: true, ExtraTime: 50},
			realtime.Principal{ID: "p_1", Role: "participant", Permissions: realtime.MayVote | realtime.SeesNames, Anonymous: true, ExtraTime: 50},
		},
		{"an observer may nothing", access.Person{ID: "p_2", Role: "observer", Permissions: realtime.MayChat}, realtime.Principal{ID: "p_2", Role: "observer"}},
		{"a name that is not fit", access.Person{ID: "p_3", Role: "participant", Name: "a\u202eb\n"}, realtime.Principal{ID: "p_3", Name: "ab", Role: "participant", Permissions: realtime.RoleParticipant.Permissions()}},
		{"a name that claims to be staff", access.Person{ID: "p_4", Role: "participant", Name: "M0derator"}, realtime.Principal{ID: "p_4", Role: "participant", Permissions: realtime.RoleParticipant.Permissions()}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := grant(t, r, "maths", tt.person, now)
			tt.want.ExpiresAt = now.Add(15 * time.Minute)
			got, err := r.Verify(realtime.Credential(g.Text), "maths", now)
			if err != nil || got != tt.want || g.Participant != tt.want.ID {
				t.Errorf("got %#v, %v", got, err)
			}
		})
	}
}

func TestGrantIsRefused(t *testing.T) {
	r, now := newGrants(t, newDB(t)), noon()
	good := grant(t, r, "maths", participant(), now).Text
	part := strings.Split(good, ".")
	other := grant(t, newGrants(t, newDB(t)), "maths", participant(), now).Text
	pass, err := r.Pass("maths", participant(), now)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	head := func(edit func(map[string]any)) string {
		var h map[string]any
		raw, decodeErr := base64.RawURLEncoding.DecodeString(part[0])
		if decodeErr != nil || json.Unmarshal(raw, &h) != nil {
			t.Fatal(decodeErr)
		}
		edit(h)
		out, encodeErr := json.Marshal(h)
		if encodeErr != nil {
			t.Fatal(encodeErr)
		}
		return b64(out) + "." + part[1] + "." + part[2]
	}
	payload := func(old, replacement string) string {
		raw, decodeErr := base64.RawURLEncoding.DecodeString(part[1])
		if decodeErr != nil {
			t.Fatal(decodeErr)
		}
		return part[0] + "." + b64(bytes.Replace(raw, []byte(old), []byte(replacement), 1)) + "." + part[2]
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text, class string
		later             time.Duration
		want              error
	}{
		{"nothing", "", "maths", 0, access.ErrGrantMalformed},
		{"dots", "..", "maths", 0, access.ErrGrantMalformed},
		{"too long", good + strings.Repeat("A", 3000), "maths", 0, access.ErrGrantMalformed},
		{"no signature", part[0] + "." + part[1] + ".", "maths", 0, access.ErrGrantForged},
		{"alg none", head(func(h map[string]any) { h["alg"] = "none" }), "maths", 0, access.ErrGrantMalformed},
		{"alg HS256", head(func(h map[string]any) { h["alg"] = "HS256" }), "maths", 0, access.ErrGrantMalformed},
		{"a key of its own", head(func(h map[string]any) { h["jwk"] = "x" }), "maths", 0, access.ErrGrantMalformed},
		{"no typ", head(func(h map[string]any) { delete(h, "typ") }), "maths", 0, access.ErrGrantMalformed},
		{"a crit", head(func(h map[string]any) { h["crit"] = []string{"x"} }), "maths", 0, access.ErrGrantMalformed},
		{"unknown key", other, "maths", 0, access.ErrGrantUnknownKey},
		{"another role", payload(`"participant"`, `"moderator"`), "maths", 0, access.ErrGrantForged},
		{"signed by a stranger", part[0] + "." + part[1] + "." + b64(ed25519.Sign(stranger, []byte(part[0]+"."+part[1]))), "maths", 0, access.ErrGrantForged},
		{"padding", good + "=", "maths", 0, access.ErrGrantMalformed},
		{"another spelling of the last bits", good[:len(good)-1] + nextLetter(good[len(good)-1]), "maths", 0, access.ErrGrantMalformed},
		{"a line feed", good + "\n", "maths", 0, access.ErrGrantMalformed},
		{"a pass", pass.Text, "maths", 0, access.ErrGrantMalformed},
		{"another class", good, "physics", 0, access.ErrGrantOtherClass},
		{"no class", good, "", 0, access.ErrGrantOtherClass},
		{"expired", good, "maths", 2 * time.Minute, access.ErrGrantExpired},
		{"signed tomorrow", good, "maths", -24 * time.Hour, access.ErrGrantExpired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, verifyErr := r.Verify(realtime.Credential(tt.text), tt.class, now.Add(tt.later))
			if !errors.Is(verifyErr, tt.want) || p != (realtime.Principal{}) {
				t.Errorf("got %+v, %v", p, verifyErr)
			}
			if len(tt.text) > 20 && verifyErr != nil && strings.Contains(verifyErr.Error(), part[1][:20]) {
				t.Error("the error quotes the grant")
			}
		})
	}
	if _, err = r.Verify(realtime.Credential(good), "maths", now.Add(-30*time.Second)); err != nil {
		t.Errorf("a clock that was set back a little: %v", err)
	}
}

// nextLetter returns the letter whose six bits differ in the last one only.
func nextLetter(c byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(letters[strings.IndexByte(letters, c)^1])
}

func TestPassIsExchanged(t *testing.T) {
	r, now := newGrants(t, newDB(t)), noon()
	pass, err := r.Pass("maths", access.Person{Role: realtime.RoleParticipant, Name: "Ada", ExtraTime: 25}, now)
	if err != nil || !strings.HasPrefix(pass.Participant, "p_") {
		t.Fatalf("%+v, %v", pass, err)
	}
	for _, later := range []time.Duration{0, time.Hour, 23 * time.Hour} {
		g, exchangeErr := r.Exchange(pass.Text, "maths", now.Add(later))
		if exchangeErr != nil {
			t.Fatal(exchangeErr)
		}
		p, verifyErr := r.Verify(realtime.Credential(g.Text), "maths", now.Add(later+time.Minute))
		if verifyErr != nil || p.ID != pass.Participant || p.Name != "Ada" || p.ExtraTime != 25 {
			t.Errorf("after %s: %+v, %v", later, p, verifyErr)
		}
	}
	if _, err = r.Exchange(pass.Text, "maths", now.Add(24*time.Hour)); !errors.Is(err, access.ErrGrantExpired) {
		t.Errorf("a day later: %v", err)
	}
	if _, err = r.Exchange(pass.Text, "physics", now); !errors.Is(err, access.ErrGrantOtherClass) {
		t.Errorf("another class: %v", err)
	}
	if _, err = r.Exchange(grant(t, r, "maths", participant(), now).Text, "maths", now); !errors.Is(err, access.ErrGrantMalformed) {
		t.Errorf("a grant in place of a pass: %v", err)
	}
}

func TestGrantKeysRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	db := openDB(t, path)
	r, now := newGrants(t, db), noon()
	first := grant(t, r, "maths", participant(), now).Text
	verify := func(r *access.GrantRing, text string) error {
		_, err := r.Verify(realtime.Credential(text), "maths", now)
		return err
	}
	must(t, r.Rotate(now))
	second := grant(t, r, "maths", participant(), now).Text
	must(t, verify(r, first))
	must(t, verify(r, second))
	must(t, r.Rotate(now))
	if err := verify(r, first); !errors.Is(err, access.ErrGrantUnknownKey) {
		t.Errorf("after two rotations: %v", err)
	}
	must(t, verify(r, second))
	must(t, db.Close())

	again := newGrants(t, openDB(t, path))
	must(t, verify(again, second))
	if err := verify(again, first); !errors.Is(err, access.ErrGrantUnknownKey) {
		t.Errorf("after a restart: %v", err)
	}
	third := grant(t, again, "maths", participant(), now).Text
	must(t, verify(again, third))
}

func TestGrantRefusesWhatNoPersonIs(t *testing.T) {
	r, now := newGrants(t, newDB(t)), noon()
	tests := []struct {
		name, class string
		person      access.Person
	}{
		{"no role", "maths", access.Person{}},
		{"unknown role", "maths", access.Person{Role: "king"}},
		{"bad class", "Maths!", participant()},
		{"bad id", "maths", access.Person{ID: "a.b", Role: "host"}},
		{"too much time", "maths", access.Person{Role: "participant", ExtraTime: 301}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if g, err := r.Grant(tt.class, tt.person, now); !errors.Is(err, access.ErrInvalid) {
				t.Errorf("got %v, %v", g, err)
			}
		})
	}
}

func TestGrantSecretsDoNotPrint(t *testing.T) {
	db := newDB(t)
	r, now := newGrants(t, db), noon()
	g := grant(t, r, "maths", participant(), now)
	var seed string
	keys := kv.NewBucket[struct {
		Seed string `json:"seed"`
	}]("grant_keys")
	must(t, db.View(func(tx *kv.Tx) error {
		return keys.ForEach(tx, "", func(_ string, rec struct {
			Seed string `json:"seed"`
		},
		) (bool, error) {
			seed = rec.Seed
			return true, nil
		})
	}))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "grant", g)
	raw, err := base64.RawURLEncoding.DecodeString(seed)
	if err != nil || len(raw) != ed25519.SeedSize {
		t.Fatalf("seed: %v", err)
	}
	private := ed25519.NewKeyFromSeed(raw)
	printed := fmt.Sprintf("%+v %#v %v", r, r, []byte(nil)) + log.String()
	for _, secret := range []string{seed, g.Text, fmt.Sprintf("%d", private), fmt.Sprintf("%x", raw)} {
		if strings.Contains(printed, secret) {
			t.Error("a secret is printed")
		}
	}
}

// FuzzVerifyGrant looks for a text that is accepted and was not signed.
func FuzzVerifyGrant(f *testing.F) {
	r, now := newGrants(f, newDB(f)), noon()
	signed := map[string]bool{}
	for _, p := range []access.Person{participant(), {ID: "host", Role: realtime.RoleHost}} {
		text := grant(f, r, "maths", p, now).Text
		signed[text] = true
		f.Add(text)
		f.Add(text[:len(text)-2])
		f.Add(strings.Replace(text, ".", ".A", 1))
	}
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := r.Verify(realtime.Credential(text), "maths", now)
		if (err == nil) != signed[text] {
			t.Fatalf("%q: %+v, %v", text, p, err)
		}
		if _, err = r.Exchange(text, "maths", now); err == nil {
			t.Fatalf("%q was exchanged", text)
		}
	})
}

func BenchmarkVerifyGrant(b *testing.B) {
	r, now := newGrants(b, newDB(b)), noon()
	g := realtime.Credential(grant(b, r, "maths", participant(), now).Text)
	for b.Loop() {
		if _, err := r.Verify(g, "maths", now); err != nil {
			b.Fatal(err)
		}
	}
}
