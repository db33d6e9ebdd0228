package access_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
)

func TestPassTellsItsHolder(t *testing.T) {
	r := newGrants(t, openDB(t, filepath.Join(t.TempDir(), "lectern.db")))
	want := participant()
	pass, err := r.Pass("maths", want, noon())
	must(t, err)
	want.Permissions = want.Role.Permissions()
	got, signed, err := r.Holder(pass.Text, "maths", noon().Add(time.Hour))
	if err != nil || got != want || !signed.Equal(noon().Truncate(time.Second)) {
		t.Errorf("holder = %+v, %s, %v, want %+v, %s", got, signed, err, want, noon())
	}
	for _, tc := range []struct {
		name, text, class string
		after             time.Duration
		want              error
	}{
		{"another class", pass.Text, "physics", 0, access.ErrGrantOtherClass},
		{"too late", pass.Text, "maths", 25 * time.Hour, access.ErrGrantExpired},
		{"no pass", "x", "maths", 0, access.ErrGrantMalformed},
		{"a grant", grant(t, r, "maths", want, noon()).Text, "maths", 0, access.ErrGrantMalformed},
	} {
		if _, _, err = r.Holder(tc.text, tc.class, noon().Add(tc.after)); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
}

func TestStudioSecretTellsItsAge(t *testing.T) {
	s, err := access.NewStudioKeys(access.Deps{DB: openDB(t, filepath.Join(t.TempDir(), "lectern.db"))})
	must(t, err)
	since := func(want time.Time) {
		t.Helper()
		if got, sinceErr := s.Since("maths"); sinceErr != nil || !got.Equal(want) {
			t.Errorf("since = %s, %v, want %s", got, sinceErr, want)
		}
	}
	since(time.Time{})
	var secret class.Secret
	secret, err = s.Secret("maths", noon())
	must(t, err)
	since(noon().Truncate(time.Second))
	after, err := s.Rotate("maths", noon().Add(time.Hour))
	if must(t, err); after.Equal(secret) {
		t.Error("rotation left the secret")
	}
	since(noon().Add(time.Hour).Truncate(time.Second))
	if _, err = s.Since("Bad Class"); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("bad class: %v", err)
	}
}
