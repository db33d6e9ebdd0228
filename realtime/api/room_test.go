package api_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

const grantsPath = "/api/v1/classes/algebra/grants"

func withClass(t *testing.T, kind class.Access) *server {
	t.Helper()
	s := newServer(t)
	if _, err := s.classes.Create(t.Context(), class.New{ID: "algebra", Title: "Algebra", Access: kind}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGrantLetsAPersonIn(t *testing.T) {
	s := withClass(t, class.AccessToken)
	for _, tc := range []struct {
		name, body string
		want       access.Person
		page       string // without fragment
		token      bool   // in the fragment, beside the pass
	}{
		{
			"a student",
			`{"role":"participant","name":" Ada  L. ","person":"p_ada","extra_time":50,"anonymous":true}`,
			access.Person{ID: "p_ada", Name: "Ada L.", Role: realtime.RoleParticipant, ExtraTime: 50, Anonymous: true},
			"/watch/algebra", true,
		},
		{"somebody", `{"role":"observer"}`, access.Person{Role: realtime.RoleObserver}, "/watch/algebra", true},
		{"staff may say so", `{"role":"moderator","name":"Moderator"}`, access.Person{Name: "Moderator", Role: realtime.RoleModerator}, "/watch/algebra", true},
		{"the teacher", `{"role":"host","name":"Grace"}`, access.Person{Name: "Grace", Role: realtime.RoleHost}, "/studio/algebra", false},
		{
			"less than the role",
			`{"role":"participant","permissions":["chat"]}`,
			access.Person{Role: realtime.RoleParticipant, Permissions: realtime.MayChat},
			"/watch/algebra", true,
		},
		{"a program", `{"role":"service"}`, access.Person{Role: realtime.RoleService}, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := decode[api.RoomGrant](t, s.request(t, http.MethodPost, grantsPath, tc.body), http.StatusCreated)
			who, err := s.grants.Verify(realtime.Credential(got.Grant), "algebra", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			want := tc.want
			if want.ID == "" {
				want.ID = got.Participant
			}
			if want.Permissions == 0 {
				want.Permissions = want.Role.Permissions()
			}
			have := access.Person{ID: who.ID, Name: who.Name, Role: who.Role, Permissions: who.Permissions, Anonymous: who.Anonymous, ExtraTime: who.ExtraTime}
			if have != want || got.Role != want.Role || got.Participant != want.ID {
				t.Errorf("granted to %+v (%s %s), want %+v", have, got.Participant, got.Role, want)
			}
			holder, _, err := s.grants.Holder(got.Pass, "algebra", time.Now())
			if err != nil || holder != want {
				t.Errorf("pass of %+v, %v", holder, err)
			}
			if got.Socket != "ws://live.example.edu/ws/algebra" || !got.PassExpiresAt.After(got.GrantExpiresAt) {
				t.Errorf("socket %s, pass until %s, grant until %s", got.Socket, got.PassExpiresAt, got.GrantExpiresAt)
			}
			if (got.Page == nil) != (tc.page == "") {
				t.Fatalf("page = %v", got.Page)
			}
			if got.Page == nil {
				return
			}
			page, fragment, _ := strings.Cut(*got.Page, "#")
			values, err := url.ParseQuery(fragment)
			if err != nil || page != "http://live.example.edu"+tc.page || values.Get("p") != got.Pass {
				t.Errorf("page = %s, %v", page, err)
			}
			if good := s.tokens.Check(values.Get("t"), "algebra", time.Now()) == nil; good != tc.token {
				t.Errorf("viewer token is good: %t", good)
			}
		})
	}
	for _, tc := range []struct{ name, body, field string }{
		{"no role", `{"name":"Ada"}`, "role"},
		{"false staff", `{"role":"participant","name":"M0derator"}`, "name"},
		{"no name", `{"role":"participant","name":"..."}`, "name"},
		{"endless name", `{"role":"participant","name":"` + strings.Repeat("x", 1000) + `"}`, "name"},
		{"address", `{"role":"participant","person":"ada@example.edu"}`, "person"},
		{"unknown permission", `{"role":"participant","permissions":["fly"]}`, "permissions"},
		{"no permission", `{"role":"participant","permissions":[]}`, "permissions"},
		{"too much time", `{"role":"participant","extra_time":301}`, "extra_time"},
		{"text for truth", `{"role":"participant","anonymous":"yes"}`, "anonymous"},
		{"unknown field", `{"role":"participant","admin":true}`, `"admin"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := decode[failure](t, s.request(t, http.MethodPost, grantsPath, tc.body), http.StatusBadRequest)
			if !strings.HasPrefix(got.Error.Message, tc.field+": ") {
				t.Errorf("message %q, want one about %s", got.Error.Message, tc.field)
			}
		})
	}
}

func TestStudioLinkIsSecretAndReplaced(t *testing.T) {
	s := withClass(t, class.AccessPublic)
	secretOf := func(c api.Class) class.Secret {
		t.Helper()
		link, fragment, _ := strings.Cut(c.Studio, "#k=")
		if link != "http://live.example.edu/studio/algebra" || len(fragment) < 40 {
			t.Fatalf("studio = %d characters beginning with %s", len(c.Studio), link)
		}
		return class.NewSecret(fragment)
	}
	check := func(secret class.Secret, want bool) {
		t.Helper()
		if good, err := s.studios.Check("algebra", secret); err != nil || good != want {
			t.Errorf("secret is good: %t, %v", good, err)
		}
	}
	const path = "/api/v1/classes/algebra"
	first := secretOf(decode[api.Class](t, s.request(t, http.MethodGet, path, ""), http.StatusOK))
	listed := decode[api.ClassList](t, s.request(t, http.MethodGet, "/api/v1/classes", ""), http.StatusOK)
	if again := secretOf(listed.Classes[0]); !again.Equal(first) {
		t.Error("the link changes by itself")
	}
	check(first, true)
	second := secretOf(decode[api.Class](t, s.request(t, http.MethodPost, path+"/studio", ""), http.StatusOK))
	check(first, false)
	check(second, true)
	granted := decode[api.RoomGrant](t, s.request(t, http.MethodPost, grantsPath, `{"role":"host"}`), http.StatusCreated)
	if resp := s.request(t, http.MethodDelete, path, ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("delete: %s", resp.Status)
	}
	check(second, false)
	for name, secret := range map[string]string{"first": first.Reveal(), "second": second.Reveal(), "pass": granted.Pass, "grant": granted.Grant} {
		if bytes.Contains(s.logs.Bytes(), []byte(secret)) {
			t.Errorf("the log has the %s secret", name)
		}
	}
}

func TestServerWithoutRooms(t *testing.T) {
	s := withClass(t, class.AccessPublic)
	h, err := api.New(api.Deps{Token: class.NewSecret(token), Classes: s.classes, Links: links})
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = h
	if c := decode[api.Class](t, s.request(t, http.MethodGet, "/api/v1/classes/algebra", ""), http.StatusOK); strings.Contains(c.Studio, "#") {
		t.Error("the link has a secret")
	}
	for path, body := range map[string]string{grantsPath: `{"role":"host"}`, "/api/v1/classes/algebra/studio": ""} {
		if resp := s.request(t, http.MethodPost, path, body); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}
