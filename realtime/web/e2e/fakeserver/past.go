package main

import (
	"context"
	"net/http"

	"github.com/lectern/lectern/realtime/web"
)

// over reports whether a class has ended.
func (s *stage) over(_ context.Context, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.classes[id]
	return c != nil && c.public.State == web.StateEnded
}

// serveTranscript serves what was said in a class, to those who may see it.
func (l *lounge) serveTranscript(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("class")
	w.Header().Set("Cache-Control", "no-store")
	if !l.stage.allowed(r, id) {
		http.Error(w, "not without a token", http.StatusForbidden)
		return
	}
	doc, err := l.past.Document(r.Context(), id, r.PathValue("file"))
	if err != nil || !l.open(id) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(doc.Body)
}
