package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// Who has a pass notices nothing when the keys are rotated once; twice voids it.
func TestGrantKeys(t *testing.T) {
	s := withClass(t, class.AccessPublic)
	const path = "/api/v1/grant-keys"
	if list := decode[api.GrantKeys](t, s.request(t, http.MethodGet, path, ""), http.StatusOK); list.Keys == nil || len(list.Keys) != 0 {
		t.Errorf("keys before there is a grant: %+v", list)
	}
	made := decode[api.RoomGrant](t, s.request(t, http.MethodPost, grantsPath, `{"role":"participant"}`), http.StatusCreated)
	one := decode[api.GrantKeys](t, s.request(t, http.MethodGet, path, ""), http.StatusOK)
	ts := httptest.NewServer(s)
	defer ts.Close()
	client, err := api.NewClient(ts.URL, class.NewSecret(token), ts.Client())
	if err != nil {
		t.Fatal(err)
	}
	two, err := client.RotateGrantKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(one.Keys) != 1 || one.Keys[0].RetiresAt != nil || len(two.Keys) != 2 || two.Keys[1].ID != one.Keys[0].ID || two.Keys[1].RetiresAt == nil || two.Keys[0].RetiresAt != nil {
		t.Fatalf("first %+v, then %+v", one, two)
	}
	if _, err = s.grants.Exchange(made.Pass, "algebra", time.Now()); err != nil {
		t.Errorf("a pass of the key before: %v", err)
	}
	again := decode[api.GrantKeys](t, s.request(t, http.MethodPost, path+"/rotate", ""), http.StatusOK)
	if len(again.Keys) != 2 || again.Keys[1].ID != two.Keys[0].ID {
		t.Errorf("rotated twice: %+v", again)
	}
	if _, err = s.grants.Exchange(made.Pass, "algebra", time.Now()); err == nil {
		t.Error("a pass of the key before the last is good")
	}
	decode[failure](t, s.request(t, http.MethodPost, path+"/rotate", `{"x":1}`), http.StatusBadRequest)
	decode[failure](t, s.request(t, http.MethodPost, path+"/rotate", "", "Authorization", "Bearer nothing"), http.StatusUnauthorized)
}
