package access_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

func TestRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	db := openDB(t, path)
	r, now := newRing(t, access.DefaultConfig(), db), noon()
	if keys := r.Keys(now); len(keys) != 0 {
		t.Errorf("a new ring has keys: %v", keys)
	}
	first := mint(t, r, "maths", "ada12345", now)
	must(t, r.Rotate(now))
	second := mint(t, r, "maths", "ada12345", now)
	if first.Text == second.Text {
		t.Error("a rotation changed nothing")
	}
	keys := r.Keys(now)
	if len(keys) != 2 || !keys[0].RetiresAt.IsZero() || !keys[1].RetiresAt.Equal(now.Add(access.MaxLifetime).Truncate(time.Second)) {
		t.Fatalf("keys = %+v", keys)
	}
	for _, at := range []string{"as it was", "after a restart"} {
		expect(t, "the old key, "+at, r, first.Text, "maths", now, nil)
		expect(t, "the new key, "+at, r, second.Text, "maths", now, nil)
		if again := mint(t, r, "maths", "ada12345", now); again.Text != second.Text {
			t.Errorf("%s, another key mints", at)
		}
		renewed, err := r.Renew(first.Text, now)
		if err != nil || renewed.Text != second.Text {
			t.Errorf("%s, a renewal is not under the new key: %v", at, err)
		}
		must(t, db.Close())
		db = openDB(t, path)
		r = newRing(t, access.DefaultConfig(), db)
	}

	// The old key is refused from its retirement on, whatever its tokens say.
	if got := r.Keys(keys[1].RetiresAt); len(got) != 1 || got[0].ID != keys[0].ID {
		t.Errorf("keys after retirement = %+v", got)
	}
	late, err := r.Mint("maths", "", access.MaxLifetime, now)
	must(t, err)
	must(t, r.Rotate(now.Add(time.Hour)))
	expect(t, "before retirement", r, late.Text, "maths", now.Add(access.MaxLifetime-time.Second), nil)
	expect(t, "of the key before the last", r, first.Text, "maths", now, access.ErrUnknownKey)
	must(t, r.Rotate(now.Add(time.Hour)))
	expect(t, "after two rotations", r, late.Text, "maths", now, access.ErrUnknownKey)
	if n := len(r.Keys(now)); n != 2 {
		t.Errorf("%d keys are in force", n)
	}
	must(t, db.View(func(tx *kv.Tx) error {
		if n := kv.NewBucket[any]("access_keys").Count(tx); n != 2 {
			t.Errorf("%d keys are stored", n)
		}
		return nil
	}))
}

func TestRevoke(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	db := openDB(t, path)
	r, now := newRing(t, access.DefaultConfig(), db), noon()
	ada, bob := mint(t, r, "maths", "ada12345", now), mint(t, r, "maths", "bob12345", now)
	other := mint(t, r, "physics", "ada12345", now)

	must(t, r.RevokeToken("maths", "ada12345", now))
	expect(t, "the one", r, ada.Text, "maths", now, access.ErrRevoked)
	expect(t, "another viewer", r, bob.Text, "maths", now, nil)
	expect(t, "another class", r, other.Text, "physics", now, nil)

	// Let in again in the same second.
	again := mint(t, r, "maths", "ada12345", now)
	expect(t, "minted afterwards", r, again.Text, "maths", now, nil)
	renewed, err := r.Renew(again.Text, now.Add(time.Hour))
	must(t, err)

	must(t, r.RevokeClass("maths", now))
	for what, text := range map[string]string{"ada": ada.Text, "bob": bob.Text, "again": again.Text, "renewed": renewed.Text} {
		expect(t, what, r, text, "maths", now.Add(time.Hour), access.ErrRevoked)
	}
	expect(t, "another class", r, other.Text, "physics", now, nil)
	fresh := mint(t, r, "maths", "ada12345", now)
	expect(t, "minted after the class was revoked", r, fresh.Text, "maths", now, nil)

	must(t, db.Close())
	db = openDB(t, path)
	r = newRing(t, access.DefaultConfig(), db)
	expect(t, "after a restart", r, bob.Text, "maths", now, access.ErrRevoked)
	expect(t, "minted later, after a restart", r, fresh.Text, "maths", now, nil)
	must(t, r.RevokeClass("maths", now)) // the clock has not moved, and what was minted is ahead of it
	expect(t, "revoked again, after a restart", r, fresh.Text, "maths", now, access.ErrRevoked)

	// The system's clock is set back: what was minted is revoked all the same.
	ahead := mint(t, r, "maths", "", now.Add(50*time.Minute))
	must(t, r.RevokeClass("maths", now))
	expect(t, "after the clock was set back", r, ahead.Text, "maths", now, access.ErrRevoked)

	// It was years ahead: who is let in now is not let in for years.
	mint(t, r, "maths", "", now.AddDate(70, 0, 0))
	must(t, r.RevokeClass("maths", now))
	if tok := mint(t, r, "maths", "", now); tok.ExpiresAt.After(now.Add(7*time.Hour + time.Minute)) {
		t.Errorf("expires at %s", tok.ExpiresAt)
	}

	for _, bad := range [][2]string{{"a.b", ""}, {"", ""}, {"maths", "x"}, {"maths", "a.b.c.d.e"}} {
		err := r.RevokeToken(bad[0], bad[1], now)
		if bad[1] == "" {
			err = r.RevokeClass(bad[0], now)
		}
		if !errors.Is(err, access.ErrInvalid) {
			t.Errorf("revoke %q: %v", bad, err)
		}
	}
}

// What is stored is bounded, and forgotten once it is of no use.
func TestRevocationsAreForgotten(t *testing.T) {
	db, now := newDB(t), noon()
	bucket := kv.NewBucket[int64]("access_revocations")
	must(t, db.Update(func(tx *kv.Tx) error {
		for i := range access.MaxRevocations {
			if err := bucket.Put(tx, fmt.Sprintf("class-%d.viewer%05d", i%3, i), now.Unix()); err != nil {
				return err
			}
		}
		return nil
	}))
	r := newRing(t, access.DefaultConfig(), db)
	if err := r.RevokeClass("maths", now); err != nil {
		t.Errorf("before anything was minted: %v", err)
	}
	mint(t, r, "maths", "", now)
	count := func() (n int) {
		must(t, db.View(func(tx *kv.Tx) error { n = bucket.Count(tx); return nil }))
		return n
	}
	if err := r.RevokeToken("maths", "ada12345", now); !errors.Is(err, access.ErrFull) || count() != access.MaxRevocations {
		t.Errorf("one too many: %v, %d stored", err, count())
	}
	must(t, r.RevokeToken("class-0", "viewer00000", now.Add(time.Hour))) // takes no more room
	must(t, r.RevokeClass("class-0", now.Add(2*time.Hour)))              // stands for all of its viewers
	if n := count(); n > access.MaxRevocations*2/3+1 {
		t.Errorf("%d are stored", n)
	}
	must(t, r.RevokeToken("maths", "ada12345", now.Add(access.MaxLifetime)))
	if n := count(); n < access.MaxRevocations/3 {
		t.Errorf("%d are stored: forgotten too early", n)
	}
	must(t, r.RevokeToken("maths", "bob12345", now.Add(access.MaxLifetime+time.Second)))
	if n := count(); n != 3 { // class-0, ada and bob
		t.Errorf("%d are stored, want 3", n)
	}
}

// Tokens are checked and minted without the disk, and a change that could not be
// stored did not happen.
func TestDatabaseFails(t *testing.T) {
	db := newDB(t)
	r, now := newRing(t, access.DefaultConfig(), db), noon()
	broken := newRing(t, access.DefaultConfig(), db)
	tok := mint(t, r, "maths", "ada12345", now)
	must(t, db.Close())
	expect(t, "checked", r, tok.Text, "maths", now, nil)
	if _, err := r.Renew(tok.Text, now); err != nil {
		t.Errorf("renew: %v", err)
	}
	mint(t, r, "maths", "", now)
	if err := broken.RevokeClass("maths", now); err != nil {
		t.Errorf("nothing to revoke: %v", err)
	}
	for what, err := range map[string]error{
		"rotate": r.Rotate(now), "class": r.RevokeClass("maths", now), "token": r.RevokeToken("maths", "ada12345", now),
		"first key": second(broken.Mint("maths", "", 0, now)),
	} {
		if !errors.Is(err, kv.ErrClosed) {
			t.Errorf("%s: %v, want the database's error", what, err)
		}
	}
	expect(t, "after changes that failed", r, tok.Text, "maths", now, nil)
	if n := len(r.Keys(now)); n != 1 {
		t.Errorf("%d keys", n)
	}
	if _, err := access.New(access.DefaultConfig(), access.Deps{DB: db}); !errors.Is(err, kv.ErrClosed) {
		t.Errorf("new: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// A damaged record is an error: skipping it could let someone in.
func TestDamagedRecords(t *testing.T) {
	type keyRecord struct {
		Secret string `json:"secret"`
	}
	for name, damage := range map[string]func(*kv.Tx) error{
		"short key": func(tx *kv.Tx) error {
			return kv.NewBucket[keyRecord]("access_keys").Put(tx, "abcd", keyRecord{"c2hvcnQ"})
		},
		"no key": func(tx *kv.Tx) error {
			return kv.NewBucket[keyRecord]("access_keys").Put(tx, "abcd", keyRecord{"c2hvcnQ!secret"})
		},
		"bad class": func(tx *kv.Tx) error { return kv.NewBucket[int64]("access_revocations").Put(tx, "A", 1) },
		"bad token": func(tx *kv.Tx) error { return kv.NewBucket[int64]("access_revocations").Put(tx, "a.b", 1) },
		"no moment": func(tx *kv.Tx) error { return kv.NewBucket[string]("access_revocations").Put(tx, "a", "x") },
	} {
		db := newDB(t)
		must(t, db.Update(damage))
		_, err := access.New(access.DefaultConfig(), access.Deps{DB: db})
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "c2hvcnQ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Checks go on while keys and revocations change, and never see half a change.
func TestConcurrentUse(t *testing.T) {
	r, now := ring(t), noon()
	mint(t, r, "maths", "", now)
	keep := mint(t, r, "physics", "keep1234", now)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				tok, err := r.Mint("maths", "", 0, now)
				if err != nil {
					t.Errorf("mint: %v", err)
				}
				if err = r.Check(tok.Text, "maths", now); err != nil && !errors.Is(err, access.ErrRevoked) {
					t.Errorf("check: %v", err)
				}
				if err = r.Check(keep.Text, "physics", now); err != nil {
					t.Errorf("check of a class that nobody touches: %v", err)
				}
			}
		})
	}
	for i := range 20 {
		before := mint(t, r, "maths", "", now)
		must(t, r.RevokeClass("maths", now))
		expect(t, "revoked while others mint", r, before.Text, "maths", now, access.ErrRevoked)
		if i == 10 {
			must(t, r.Rotate(now))
		}
	}
	close(stop)
	wg.Wait()
}

// What the operator sees holds no credential.
func TestLogsAndMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	var logs bytes.Buffer
	r, err := access.New(access.DefaultConfig(), access.Deps{
		DB: newDB(t), Registerer: reg, Logger: slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	must(t, err)
	now := noon()
	tok := mint(t, r, "maths", "ada12345", now)
	_, err = r.Renew(tok.Text, now)
	must(t, err)
	must(t, r.Rotate(now))
	expect(t, "good", r, tok.Text, "maths", now, nil)
	expect(t, "expired", r, tok.Text, "maths", tok.ExpiresAt, access.ErrExpired)
	must(t, r.RevokeToken("maths", "ada12345", now))
	must(t, r.RevokeClass("physics", now))
	expect(t, "revoked", r, tok.Text, "maths", now, access.ErrRevoked)
	slog.New(slog.NewTextHandler(&logs, nil)).Info("token", "class", tok)

	if err = testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP lectern_access_revocations Revocations of a class or a viewer token in force.
# TYPE lectern_access_revocations gauge
lectern_access_revocations 2
# HELP lectern_access_token_checks_total Viewer tokens that were checked.
# TYPE lectern_access_token_checks_total counter
lectern_access_token_checks_total{outcome="accepted"} 2
lectern_access_token_checks_total{outcome="expired"} 1
lectern_access_token_checks_total{outcome="forged"} 0
lectern_access_token_checks_total{outcome="malformed"} 0
lectern_access_token_checks_total{outcome="other_class"} 0
lectern_access_token_checks_total{outcome="revoked"} 1
lectern_access_token_checks_total{outcome="unknown_key"} 0
# HELP lectern_access_tokens_minted_total Viewer tokens that began a chain.
# TYPE lectern_access_tokens_minted_total counter
lectern_access_tokens_minted_total 1
# HELP lectern_access_tokens_renewed_total Viewer tokens that were given for an older one.
# TYPE lectern_access_tokens_renewed_total counter
lectern_access_tokens_renewed_total 1
`)); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v, %v", problems, err)
	}
	if !strings.Contains(logs.String(), "class=maths") {
		t.Errorf("logs = %s", &logs)
	}
	secrets := []class.Secret{class.NewSecret(tok.Text), class.NewSecret(tok.ID)}
	for _, k := range r.Keys(now) {
		secrets = append(secrets, k.Secret)
	}
	for _, s := range secrets {
		if strings.Contains(logs.String(), s.Reveal()) {
			t.Error("a credential was logged")
		}
	}
}
