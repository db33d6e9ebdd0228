package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lectern/lectern/realtime/web"
)

// token is what v1.{kid}.{iat}.{exp}.{jti}.{class}.{mac} says. Here the mac is the
// word good.
type token struct {
	issued, expires time.Time
	id, class       string
}

func parseToken(text string) (token, bool) {
	f := strings.Split(text, ".")
	if len(f) != 7 || f[0] != "v1" || f[6] != "good" {
		return token{}, false
	}
	issued, ierr := strconv.ParseInt(f[2], 10, 64)
	expires, eerr := strconv.ParseInt(f[3], 10, 64)
	return token{time.Unix(issued, 0), time.Unix(expires, 0), f[4], f[5]}, ierr == nil && eerr == nil
}

// admit implements web.Deps.Admit.
func (s *stage) admit(_ *http.Request, id, text string) bool {
	t, ok := parseToken(text)
	if !ok || t.class != id || !time.Now().Before(t.expires) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.classes[id]
	return ok && !slices.Contains(c.revoked, t.id)
}

// serveRenewal answers with a token of the same id that lives as long again.
func (s *stage) serveRenewal(w http.ResponseWriter, r *http.Request) {
	text := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	t, _ := parseToken(text)
	if !s.admit(r, t.class, text) {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	now := time.Now()
	fresh := fmt.Sprintf("v1.k1.%d.%d.%s.%s.good", now.Unix(), now.Add(t.expires.Sub(t.issued)).Unix(), t.id, t.class)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"token": fresh})
}

// allowed reports whether a request may have media of the class: everybody those of
// a public one.
func (s *stage) allowed(r *http.Request, id string) bool {
	text := r.PathValue("token")
	if text != "" {
		return s.admit(r, id, text)
	}
	class, ok := s.PublicClass(id)
	return !ok || class.Access != web.AccessToken
}
