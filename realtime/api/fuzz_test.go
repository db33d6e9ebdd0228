package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// bodySeeds are bodies at the edges of the two readers.
func bodySeeds() []string {
	return []string{
		`{"title":"Analysis I"}`,
		`{"id":"maths","title":"Analysis I","starts_at":"2027-01-11T09:00:00+01:00","source":"rtsp://a:b@cam:554/1?c=d"}`,
		`{"title":"x","starts_at":null,"source":null}`,
		`{"id":null,"title":"x"}`,
		`{"title":"\ud800"}`, `{"title":"a\u0000b"}`, `{"title":"\u202e"}`, `{"title":" "}`,
		`{"title":"x","title":"y"}`, `{"Title":"x"}`, `{"title":"x"}{}`, `{"title":["x"]}`,
		`{"starts_at":"2027-13-41T99:00:00Z"}`, `{"starts_at":"2027-01-01T00:00:00.999999999Z"}`,
		`{"source":"rtsp://"}`, `{"source":"rtsp://[::1"}`, `{"source":"rtsp://redacted@cam/1"}`,
		`{"title":"x","ladder":["source","720p"]}`, `{"title":"x","ladder":[]}`, `{"title":"x","ladder":[null]}`, `{"title":"x","ladder":["a","a"]}`, `{"ladder":null}`,
		`{"title":"x","access":"token","dvr_window":3600}`, `{"title":"x","access":null,"dvr_window":null}`, `{"access":""}`, `{"access":"Token"}`,
		`{"dvr_window":59}`, `{"dvr_window":86401}`, `{"dvr_window":1e3}`, `{"dvr_window":60.5}`, `{"dvr_window":-60}`, `{"dvr_window":"2h"}`, `{"dvr_window":99999999999999999999}`,
		`[]`, `null`, ``, `{`, `{"title"`, `{"title":}`, "\xef\xbb\xbf{}", `{"title":` + strings.Repeat("[", 100),
	}
}

func checkRefusal(t *testing.T, status int, body string) {
	t.Helper()
	var f failure
	if err := json.Unmarshal([]byte(body), &f); err != nil || f.Error.Code == "" || f.Error.Message == "" || f.Error.RequestID == "" {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	if status != 400 && status != 409 && status != 413 {
		t.Fatalf("status = %d %s", status, body)
	}
	if len(body) > 1000 {
		t.Fatalf("the refusal echoes %d bytes", len(body))
	}
}

// checkShown says what holds for every class that the API shows.
func checkShown(t *testing.T, body string) api.Class {
	t.Helper()
	var c api.Class
	if err := json.Unmarshal([]byte(body), &c); err != nil {
		t.Fatal(err)
	}
	if n := utf8.RuneCountInString(c.Title); n < 1 || n > 200 || strings.ContainsFunc(c.Title, unicode.IsControl) || strings.TrimSpace(c.Title) == "" {
		t.Fatalf("title = %q", c.Title)
	}
	if !class.ValidID(c.ID) || len(c.StreamKey) != 32 {
		t.Fatalf("class = %+v", c)
	}
	if c.Source != nil && !strings.HasPrefix(*c.Source, "rtsp://") && !strings.HasPrefix(*c.Source, "rtsps://") {
		t.Fatalf("source = %q", *c.Source)
	}
	if c.StartsAt != nil && (c.StartsAt.Year() < 2000 || c.StartsAt.Year() > 2199) {
		t.Fatalf("starts_at = %v", c.StartsAt)
	}
	if c.Ladder != nil && (len(*c.Ladder) < 1 || len(*c.Ladder) > 16) {
		t.Fatalf("ladder = %q", *c.Ladder)
	}
	if c.Access != class.AccessPublic && c.Access != class.AccessToken {
		t.Fatalf("access = %q", c.Access)
	}
	if c.DVRWindow != nil && (*c.DVRWindow < 60 || *c.DVRWindow > 86400) {
		t.Fatalf("window = %d", *c.DVRWindow)
	}
	return c
}

func FuzzCreateBody(f *testing.F) {
	for _, s := range bodySeeds() {
		f.Add(s)
	}
	s := newServer(f)
	f.Fuzz(func(t *testing.T, body string) {
		resp := s.request(t, "POST", "/api/v1/classes", body, "Content-Type", "application/json")
		answer := read(t, resp)
		if resp.StatusCode != 201 {
			checkRefusal(t, resp.StatusCode, answer)
			return
		}
		c := checkShown(t, answer)
		kept, err := s.classes.Get(t.Context(), c.ID)
		if err != nil || kept.Title != c.Title || kept.StreamKey.Reveal() != c.StreamKey || kept.State != class.Scheduled {
			t.Fatalf("kept %+v, %v, shown %s", kept, err, answer)
		}
		if err := s.classes.Delete(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzPatchBody(f *testing.F) {
	for _, s := range bodySeeds() {
		f.Add(s)
	}
	s := newServer(f)
	if _, err := s.classes.Create(f.Context(), class.New{ID: "maths", Title: "Analysis I", Source: class.NewSecret("rtsp://a:b@cam/1")}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		before, err := s.classes.Get(t.Context(), "maths")
		if err != nil {
			t.Fatal(err)
		}
		resp := s.request(t, "PATCH", "/api/v1/classes/maths", body, "Content-Type", "application/merge-patch+json")
		answer := read(t, resp)
		after, err := s.classes.Get(t.Context(), "maths")
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 200 {
			checkRefusal(t, resp.StatusCode, answer)
			if !after.Equal(before) {
				t.Fatalf("a refused patch changed %+v to %+v", before, after)
			}
			return
		}
		checkShown(t, answer)
		if !strings.Contains(body, "title") && !strings.Contains(body, `\u`) && after.Title != before.Title {
			t.Fatalf("the title changed to %q", after.Title)
		}
		before.Access, before.DVRWindow = after.Access, after.DVRWindow
		before.Title, before.StartsAt, before.Source, before.Ladder, before.Pull = after.Title, after.StartsAt, after.Source, after.Ladder, after.Pull
		if !after.Equal(before) {
			t.Fatalf("a patch changed more than it may: %+v", after)
		}
	})
}

func FuzzMintBody(f *testing.F) {
	for _, s := range []string{
		``, `{}`, `{"expires_in":60}`, `{"expires_in":604800}`, `{"expires_in":null}`, `{"expires_in":59}`, `{"expires_in":604801}`,
		`{"expires_in":-1}`, `{"expires_in":0}`, `{"expires_in":"60"}`, `{"expires_in":60.0}`, `{"expires_in":9e9}`, `{"jti":"ada12345"}`, `[]`, `{`,
	} {
		f.Add(s)
	}
	s := newServer(f)
	if _, err := s.classes.Create(f.Context(), class.New{ID: "maths", Title: "Analysis I"}); err != nil {
		f.Fatal(err)
	}
	s.now = time.Now()
	f.Fuzz(func(t *testing.T, body string) {
		resp := s.request(t, "POST", "/api/v1/classes/maths/playback-tokens", body, "Content-Type", "application/json")
		answer := read(t, resp)
		if resp.StatusCode != 201 {
			checkRefusal(t, resp.StatusCode, answer)
			return
		}
		var tok api.PlaybackToken
		if err := json.Unmarshal([]byte(answer), &tok); err != nil {
			t.Fatal(err)
		}
		if life := tok.ExpiresAt.Sub(s.now.Truncate(time.Second)); life < time.Minute || life > 168*time.Hour {
			t.Fatalf("%q makes a token for %s", body, life)
		}
		if err := s.tokens.Check(tok.Token, "maths", s.now); err != nil {
			t.Fatal(err)
		}
	})
}

// Whoever the API lets into a room is somebody that a room can take.
func FuzzGrantBody(f *testing.F) {
	for _, body := range append(bodySeeds(),
		`{"role":"participant","name":"Ada","person":"p_1","permissions":["chat"],"anonymous":true,"extra_time":50}`,
		`{"role":"host"}`, `{"role":"service","name":null}`, `{"role":"observer","permissions":["room"]}`, `{"role":"king"}`,
		`{"role":"participant","name":"\u202eadmin"}`, `{"role":"participant","extra_time":1e1}`, `{"role":"participant","permissions":[null]}`,
	) {
		f.Add(body)
	}
	s := newServer(f)
	if _, err := s.classes.Create(f.Context(), class.New{ID: "algebra", Title: "Algebra"}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		resp := s.request(t, "POST", "/api/v1/classes/algebra/grants", body, "Content-Type", "application/json")
		answer := read(t, resp)
		if resp.StatusCode != 201 {
			checkRefusal(t, resp.StatusCode, answer)
			return
		}
		var got api.RoomGrant
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(err)
		}
		who, err := s.grants.Verify(realtime.Credential(got.Grant), "algebra", time.Now())
		if err != nil || who.ID != got.Participant || !realtime.ValidID(who.ID) || !who.Role.Valid() || utf8.RuneCountInString(who.Name) > realtime.MaxName {
			t.Fatalf("granted to %+v: %v", who, err)
		}
		if who.Role == realtime.RoleObserver && who.Permissions != 0 {
			t.Fatalf("an observer with %v", who.Permissions.Names())
		}
	})
}
