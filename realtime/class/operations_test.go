package class_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/lectern/lectern/realtime/class"
)

func TestCreate(t *testing.T) {
	r := newRegistry(t, class.Deps{})
	start := time.Date(2027, 1, 11, 9, 0, 0, 0, time.FixedZone("CET", 3600))
	c := create(t, r, class.New{ID: "maths-1", Title: "Análisis 1: ∑", StartsAt: start})
	if c.ID != "maths-1" || c.State != class.Scheduled || !c.StartsAt.Equal(start) || c.StartsAt.Location() != time.UTC || c.CreatedAt.IsZero() || c.Pull {
		t.Errorf("class = %+v", c)
	}
	if got, err := r.Get(t.Context(), "maths-1"); err != nil || !got.Equal(c) {
		t.Errorf("get = %+v, %v, want %+v", got, err, c)
	}
	if _, err := r.Create(t.Context(), class.New{ID: "maths-1", Title: "again"}); !errors.Is(err, class.ErrExists) {
		t.Errorf("second create: %v, want ErrExists", err)
	}
	seen := map[string]bool{}
	for range 50 {
		g := create(t, r, class.New{})
		if key := g.StreamKey.Reveal(); len(key) != 32 || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz234567") != "" || seen[key] {
			t.Errorf("stream key %q", key)
		}
		if !class.ValidID(g.ID) || len(g.ID) != 12 || seen[g.ID] {
			t.Errorf("generated id %q", g.ID)
		}
		seen[g.ID], seen[g.StreamKey.Reveal()] = true, true
	}
}

func TestInvalidInput(t *testing.T) {
	r := newRegistry(t, class.Deps{})
	long := strings.Repeat("é", 200)
	for _, tc := range []struct {
		name, field string // no field: valid
		in          class.New
	}{
		{"longest title", "", class.New{Title: long}},
		{"title too long", "title", class.New{Title: long + "x"}},
		{"no title", "title", class.New{}},
		{"blank title", "title", class.New{Title: " \u00a0 "}},
		{"line break in title", "title", class.New{Title: "a\nb"}},
		{"escape in title", "title", class.New{Title: "a\x1b[31m"}},
		{"delete in title", "title", class.New{Title: "a\x7f"}},
		{"line separator in title", "title", class.New{Title: "a\u2028b"}},
		{"bidi override in title", "title", class.New{Title: "a\u202eb"}},
		{"broken UTF-8 in title", "title", class.New{Title: "a\xff"}},
		{"longest id", "", class.New{Title: "x", ID: "0" + strings.Repeat("-", 61) + "z"}},
		{"id too long", "id", class.New{Title: "x", ID: strings.Repeat("a", 64)}},
		{"capital in id", "id", class.New{Title: "x", ID: "Maths"}},
		{"id starts with -", "id", class.New{Title: "x", ID: "-a"}},
		{"path in id", "id", class.New{Title: "x", ID: "../a"}},
		{"start in the year 1", "starts_at", class.New{Title: "x", StartsAt: time.Time{}.Add(time.Hour)}},
		{"start in the year 9999", "starts_at", class.New{Title: "x", StartsAt: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{"source", "", class.New{Title: "x", Source: class.NewSecret("rtsps://u:p@[::1]:322/a?b=c")}},
		{"http source", "source", class.New{Title: "x", Source: class.NewSecret("http://cam/1")}},
		{"source without host", "source", class.New{Title: "x", Source: class.NewSecret("rtsp:///1")}},
		{"source with space", "source", class.New{Title: "x", Source: class.NewSecret("rtsp://cam/a b")}},
		{"source with line break", "source", class.New{Title: "x", Source: class.NewSecret("rtsp://cam/a\r\nTEARDOWN")}},
		{"source too long", "source", class.New{Title: "x", Source: class.NewSecret("rtsp://cam/" + strings.Repeat("a", 2048))}},
		{"ladder", "", class.New{Title: "x", Ladder: []string{"source", "720p", "audio-only"}}},
		{"empty ladder", "ladder", class.New{Title: "x", Ladder: []string{}}},
		{"rendition twice", "ladder", class.New{Title: "x", Ladder: []string{"source", "source"}}},
		{"path as rendition", "ladder", class.New{Title: "x", Ladder: []string{"../source"}}},
		{"long rendition", "ladder", class.New{Title: "x", Ladder: []string{strings.Repeat("a", 33)}}},
		{"long ladder", "ladder", class.New{Title: "x", Ladder: strings.Split(strings.Repeat("a", 17), "")}},
		{"access", "", class.New{Title: "x", Access: class.AccessToken}},
		{"unknown access", "access", class.New{Title: "x", Access: "private"}},
		{"shortest window", "", class.New{Title: "x", DVRWindow: time.Minute}},
		{"longest window", "", class.New{Title: "x", DVRWindow: 24 * time.Hour}},
		{"window too short", "dvr_window", class.New{Title: "x", DVRWindow: time.Minute - 1}},
		{"window too long", "dvr_window", class.New{Title: "x", DVRWindow: 24*time.Hour + 1}},
		{"negative window", "dvr_window", class.New{Title: "x", DVRWindow: -time.Hour}},
		{"source is no URL", "source", class.New{Title: "x", Source: class.NewSecret("rtsp://%zz")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := r.Create(t.Context(), tc.in)
			var invalid *class.InvalidError
			switch {
			case tc.field == "" && err != nil:
				t.Errorf("err = %v, want none", err)
			case tc.field != "" && (!errors.As(err, &invalid) || invalid.Field != tc.field || !strings.HasPrefix(err.Error(), tc.field+": ")):
				t.Errorf("err = %v, want an InvalidError of %s", err, tc.field)
			}
		})
	}
}

func TestAuthorize(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	r := newRegistry(t, class.Deps{Registerer: reg})
	maths := create(t, r, class.New{ID: "maths"})
	over := create(t, r, class.New{ID: "over"})
	if _, err := r.End(t.Context(), "over"); err != nil {
		t.Fatal(err)
	}
	gone := create(t, r, class.New{ID: "gone"})
	if err := r.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	old := create(t, r, class.New{ID: "rotated"})
	fresh, err := r.RotateStreamKey(t.Context(), "rotated")
	if err != nil || fresh.StreamKey.Equal(old.StreamKey) {
		t.Fatalf("rotate = %+v, %v", fresh, err)
	}
	key := maths.StreamKey.Reveal()
	for _, tc := range []struct {
		name, key, id string
		err           error
		code          string
	}{
		{"right", key, "maths", nil, ""},
		{"pasted with white space", " " + key + "\r\n", "maths", nil, ""},
		{"ended", over.StreamKey.Reveal(), "over", class.ErrEnded, "ended"},
		{"deleted", gone.StreamKey.Reveal(), "", class.ErrUnknownKey, "unknown_key"},
		{"before rotation", old.StreamKey.Reveal(), "", class.ErrUnknownKey, "unknown_key"},
		{"after rotation", fresh.StreamKey.Reveal(), "rotated", nil, ""},
		{"empty", "", "", class.ErrUnknownKey, "unknown_key"},
		{"almost right", key[:31], "", class.ErrUnknownKey, "unknown_key"},
		{"the id", "maths", "", class.ErrUnknownKey, "unknown_key"},
		{"the placeholder", "[redacted]", "", class.ErrUnknownKey, "unknown_key"},
		{"a megabyte", strings.Repeat("x", 1<<20), "", class.ErrUnknownKey, "unknown_key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := r.Authorize(t.Context(), tc.key)
			if !errors.Is(err, tc.err) || c.ID != tc.id {
				t.Errorf("got %q, %v, want %q, %v", c.ID, err, tc.id, tc.err)
			}
			if code, text, ok := class.Refusal(err); code != tc.code || ok != (tc.code != "") || ok != (text != "") {
				t.Errorf("refusal = %q, %q, %v", code, text, ok)
			}
		})
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`
# HELP lectern_class_key_checks_total Stream keys that publishers presented.
# TYPE lectern_class_key_checks_total counter
lectern_class_key_checks_total{outcome="accepted"} 3
lectern_class_key_checks_total{outcome="ended"} 1
lectern_class_key_checks_total{outcome="unknown"} 7
`), "lectern_class_key_checks_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v, %v", problems, err)
	}
	if _, err := r.RotateStreamKey(t.Context(), "over"); !errors.Is(err, class.ErrEnded) {
		t.Errorf("rotate the key of an ended class: %v, want ErrEnded", err)
	}
	if code, _, ok := class.Refusal(errors.New("disk")); ok || code != "" {
		t.Error("an internal error is shown to the publisher")
	}
}

func TestListPages(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := newRegistry(t, class.Deps{Now: func() time.Time { return now }})
	var want []string
	for i := range 7 {
		id := fmt.Sprintf("z%d", 9-i) // not in the order of IDs
		create(t, r, class.New{ID: id})
		want = append(want, id)
		now = now.Add(time.Minute)
	}
	for _, limit := range []int{1, 3, 7, 200} {
		var got []string
		cursor, pages := "", 0
		for {
			page, next, err := r.List(t.Context(), limit, cursor)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, c := range page {
				got = append(got, c.ID)
			}
			if next == "" {
				break
			}
			cursor = next
		}
		if !slices.Equal(got, want) || pages != (6+limit)/limit {
			t.Errorf("limit %d: %d pages with %v, want %v", limit, pages, got, want)
		}
	}
	_, cursor, err := r.List(t.Context(), 3, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range want[2:4] { // the last one seen, and the next
		if err = r.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if page, _, err := r.List(t.Context(), 1, cursor); err != nil || len(page) != 1 || page[0].ID != want[4] {
		t.Errorf("after a deletion: %v, %v, want %s", page, err, want[4])
	}
	for _, bad := range []string{"x", "AAAA", strings.Repeat("A", 40), "\x00", strings.Repeat("A", 1<<16)} {
		if _, _, err := r.List(t.Context(), 1, bad); err == nil || !strings.HasPrefix(err.Error(), "cursor: ") {
			t.Errorf("cursor %.10q: %v", bad, err)
		}
	}
	for _, bad := range []int{-1, 0, 201} {
		if _, _, err := r.List(t.Context(), bad, ""); err == nil || !strings.HasPrefix(err.Error(), "limit: ") {
			t.Errorf("limit %d: %v", bad, err)
		}
	}
}

func TestUpdateEndDelete(t *testing.T) {
	d := &diary{}
	r := newRegistry(t, class.Deps{Observer: d})
	ctx := t.Context()
	for name, err := range map[string]error{
		"get":    second(r.Get(ctx, "none")),
		"update": second(r.Update(ctx, "none", class.Update{})),
		"end":    second(r.End(ctx, "none")),
		"rotate": second(r.RotateStreamKey(ctx, "none")),
		"arrive": second(r.PublisherArrived(ctx, "none")),
		"delete": r.Delete(ctx, "none"),
	} {
		if !errors.Is(err, class.ErrNotFound) {
			t.Errorf("%s of no class: %v, want ErrNotFound", name, err)
		}
	}
	if err := r.PublisherLeft(ctx, "none", true); err != nil {
		t.Errorf("departure from no class: %v", err)
	}

	c := create(t, r, class.New{ID: "maths"})
	title := "Analysis II"
	got, err := r.Update(ctx, "maths", class.Update{Title: &title})
	if err != nil || got.Title != title || !got.StreamKey.Equal(c.StreamKey) {
		t.Errorf("update = %+v, %v", got, err)
	}
	bad := ""
	if _, err = r.Update(ctx, "maths", class.Update{Title: &bad}); err == nil {
		t.Error("an empty title was taken")
	}
	arrive(t, r, "maths")
	if _, err = r.RotateStreamKey(ctx, "maths"); err != nil {
		t.Fatal(err)
	}
	if err = r.Delete(ctx, "maths"); err != nil {
		t.Fatal(err)
	}
	if _, err = r.PublisherArrived(ctx, "maths"); !errors.Is(err, class.ErrNotFound) {
		t.Errorf("arrival after delete: %v", err)
	}
	create(t, r, class.New{ID: "maths"})
	arrive(t, r, "maths")
	leave(t, r, "maths", true) // the publication of the deleted class, late
	if s := state(t, r, "maths"); s != class.Live {
		t.Errorf("the departure from a deleted class made its successor %s", s)
	}
	leave(t, r, "maths", true)
	for range 2 { // idempotent
		if c, err = r.End(ctx, "maths"); err != nil || c.State != class.Ended {
			t.Errorf("end = %+v, %v", c, err)
		}
	}
	if _, err = r.PublisherArrived(ctx, "maths"); !errors.Is(err, class.ErrEnded) {
		t.Errorf("arrival after the end: %v", err)
	}
	now := time.Now()
	if _, err = r.Update(ctx, "maths", class.Update{StartsAt: &now}); !errors.Is(err, class.ErrEnded) {
		t.Errorf("new start of an ended class: %v", err)
	}
	if _, err = r.Update(ctx, "maths", class.Update{Title: &title}); err != nil {
		t.Errorf("new title of an ended class: %v", err)
	}
	d.expect(t,
		"maths none->scheduled", "maths scheduled->scheduled", "maths scheduled->live", "maths live->live new key",
		"maths live->ended", "maths ended->none",
		"maths none->scheduled", "maths scheduled->live", "maths live->interrupted", "maths interrupted->ended", "maths ended->ended")
}

// What a class was made with stays, whatever the server's own choice becomes.
func TestAccessAndWindowSurviveARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	for _, was := range class.Accesses() {
		db := openDB(t, path)
		cfg := class.DefaultConfig()
		cfg.Access = was
		r, err := class.NewRegistry(cfg, class.Deps{DB: db})
		if err != nil {
			t.Fatal(err)
		}
		id := string(was)
		create(t, r, class.New{ID: id, DVRWindow: 30 * time.Minute})
		other := class.AccessPublic
		if was == class.AccessPublic {
			other = class.AccessToken
		}
		create(t, r, class.New{ID: "not-" + id, Access: other})
		if err = db.Close(); err != nil {
			t.Fatal(err)
		}

		db = openDB(t, path)
		cfg.Access = other
		if r, err = class.NewRegistry(cfg, class.Deps{DB: db}); err != nil {
			t.Fatal(err)
		}
		c, err := r.Get(t.Context(), id)
		if err != nil || c.Access != was || c.DVRWindow != 30*time.Minute {
			t.Errorf("%s: %+v, %v", id, c, err)
		}
		if c, err = r.Get(t.Context(), "not-"+id); err != nil || c.Access != other || c.DVRWindow != 0 {
			t.Errorf("not %s: %+v, %v", id, c, err)
		}
		if err = db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestConfigValidate(t *testing.T) {
	if err := class.DefaultConfig().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	err := class.Config{ReconnectGrace: 2 * time.Hour, PullLead: -1}.Validate()
	for _, key := range []string{"class.reconnect_grace: 2h", "class.clean_stop_grace: 0s", "class.pull_grace: 0s", "class.pull_lead: -1ns", `class.access: ""`} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("err = %v, want %q in it", err, key)
		}
	}
	if _, err := class.NewRegistry(class.Config{}, class.Deps{}); err == nil {
		t.Error("an empty configuration was taken")
	}
	if _, err := class.NewRegistry(class.DefaultConfig(), class.Deps{}); err == nil {
		t.Error("a registry without a database was made")
	}
}

func TestStateText(t *testing.T) {
	for _, s := range class.States() {
		text, err := s.MarshalText()
		var back class.State
		if err != nil || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("%s does not survive its text", s)
		}
	}
	var s class.State
	if s.UnmarshalText([]byte("paused")) == nil {
		t.Error("an unknown state was read")
	}
}
