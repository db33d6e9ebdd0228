package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// patience is how long a request waits for what is not there yet.
const patience = 8 * time.Second

func (s *stage) serveMedia(w http.ResponseWriter, r *http.Request) {
	id, file := r.PathValue("class"), r.PathValue("file")
	stem, ext, _ := strings.Cut(file, ".")
	query := r.URL.Query()
	if !s.allowed(r, id) {
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "not without a token", http.StatusForbidden)
		return
	}
	switch {
	case file == "thumbnail.jpg":
		w.Header().Set("Content-Type", "image/jpeg")
		http.ServeFile(w, r, filepath.Join(s.talk.folder, file))
	case ext == "m3u8":
		text, ok := "", true
		if msn, err := strconv.Atoi(query.Get("_HLS_msn")); err == nil {
			part := -1
			if n, perr := strconv.Atoi(query.Get("_HLS_part")); perr == nil {
				part = n
			}
			if !s.await(r.Context(), id, msn, part) {
				http.Error(w, "not in time", http.StatusServiceUnavailable)
				return
			}
		}
		s.look(id, func(c *class) {
			text, ok = c.playlist(stem, query.Get("_HLS_skip") != "", time.Now())
		})
		s.answerText(w, r, "application/vnd.apple.mpegurl", text, ok && text != "")
	case file == "storyboard.vtt":
		text := ""
		s.look(id, func(c *class) { text = c.air.storyboard(time.Now()) })
		s.answerText(w, r, "text/vtt", text, text != "")
	case ext == "vtt":
		text, number := "", 0
		if _, err := fmt.Sscanf(file, "c%d.vtt", &number); err == nil {
			s.look(id, func(c *class) { text = c.air.caption(number) })
		}
		s.answerText(w, r, "text/vtt", text, text != "")
	default:
		s.serveSegment(w, r, id, stem, ext)
	}
}

// serveSegment serves v-init.mp4, v12.m4s, and v12.3.m4s for its fourth part.
func (s *stage) serveSegment(w http.ResponseWriter, r *http.Request, id, stem, ext string) {
	track, init := strings.CutSuffix(stem, "-init")
	t := s.talk.tracks[stem[:min(1, len(stem))]]
	if t == nil {
		http.NotFound(w, r)
		return
	}
	body := t.init
	if !init {
		track = stem[:1]
		number, err := strconv.Atoi(stem[1:])
		part := -1
		if n, _, found := strings.Cut(ext, "."); found && err == nil {
			part, err = strconv.Atoi(n)
		}
		if err != nil || !s.await(r.Context(), id, number, part) {
			http.NotFound(w, r)
			return
		}
		s.look(id, func(c *class) { body = c.air.media(track, number, part) })
	}
	w.Header().Set("Content-Type", "video/mp4")
	w.Header().Set("Cache-Control", "max-age=3600")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func (s *stage) answerText(w http.ResponseWriter, r *http.Request, contentType, text string, found bool) {
	if !found {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text)
}

// look calls see with a class, if there is one with media.
func (s *stage) look(id string, see func(c *class)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.classes[id]; ok && len(c.air.segments(time.Now())) > 0 {
		see(c)
	}
}

// await waits until part n of a segment is published, or the whole segment if n is
// -1. It reports whether it is.
func (s *stage) await(ctx context.Context, id string, msn, n int) bool {
	deadline := time.Now().Add(patience)
	for {
		known, there, far := false, false, false
		s.look(id, func(c *class) {
			all := c.air.segments(time.Now())
			known, there = true, c.air.reached(time.Now(), msn, n)
			far = msn > all[len(all)-1].number+2
		})
		if there {
			return true
		}
		if !known || far || time.Now().After(deadline) {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// playlist writes the playlist with this name, and reports whether there is one.
func (c *class) playlist(stem string, skip bool, now time.Time) (string, bool) {
	switch stem {
	case "index":
		if c.air.ended && c.public.DVR != "" {
			return c.air.multivariant(listRecording, c.captions), true
		}
		return c.air.multivariant(listLive, c.captions), true
	case "dvr":
		return c.air.multivariant(listDVR, c.captions), c.public.DVR != ""
	}
	track, list := stem[:1], stem[1:]
	_, known := c.air.talk.tracks[track]
	switch list {
	case listLive, listDVR, listIFrames:
	case listRecording:
		known = known && c.air.ended
	default:
		return "", false
	}
	if !known && track != "c" {
		return "", false
	}
	return c.air.playlist(track, list, skip, now), true
}
