package access_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
)

func TestStudioKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	db := openDB(t, path)
	s, err := access.NewStudioKeys(access.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	check := func(s *access.StudioKeys, classID string, given class.Secret, want bool) {
		t.Helper()
		if ok, checkErr := s.Check(classID, given); checkErr != nil || ok != want {
			t.Errorf("check of %s: %t, %v, want %t", classID, ok, checkErr, want)
		}
	}
	check(s, "maths", class.Secret{}, false)
	first, err := s.Secret("maths", noon())
	if err != nil || len(first.Reveal()) != 43 {
		t.Fatalf("%d, %v", len(first.Reveal()), err)
	}
	again, err := s.Secret("maths", noon())
	if err != nil || !again.Equal(first) {
		t.Errorf("the secret changes: %v", err)
	}
	check(s, "maths", first, true)
	check(s, "physics", first, false)
	check(s, "maths", class.Secret{}, false)
	check(s, "maths", class.NewSecret(first.Reveal()[:42]), false)
	check(s, "maths", class.NewSecret(strings.Repeat("A", 43)), false)

	second, err := s.Rotate("maths", noon())
	must(t, err)
	check(s, "maths", first, false)
	check(s, "maths", second, true)
	must(t, db.Close())

	db = openDB(t, path)
	s, err = access.NewStudioKeys(access.Deps{DB: db})
	must(t, err)
	check(s, "maths", second, true)
	must(t, s.Forget("maths"))
	check(s, "maths", second, false)

	if _, err = s.Secret("Bad Class", noon()); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("bad class: %v", err)
	}
	if _, err = s.Rotate("", noon()); !errors.Is(err, access.ErrInvalid) {
		t.Errorf("no class: %v", err)
	}
}

// TestStudioSecretIsMadeOnce has many ask for it at the same time.
func TestStudioSecretIsMadeOnce(t *testing.T) {
	s, err := access.NewStudioKeys(access.Deps{DB: newDB(t)})
	must(t, err)
	var wg sync.WaitGroup
	got := make([]class.Secret, 8)
	for i := range got {
		wg.Go(func() { got[i], _ = s.Secret("maths", noon()) })
	}
	wg.Wait()
	for _, g := range got {
		if g.IsZero() || !g.Equal(got[0]) {
			t.Fatal("two secrets of one class")
		}
	}
}
