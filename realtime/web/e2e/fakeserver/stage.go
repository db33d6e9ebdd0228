package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lectern/lectern/realtime/web"
)

// stage holds the classes of one test run.
type stage struct {
	talk *lecture

	// mu guards the fields below.
	mu      sync.Mutex
	classes map[string]*class
}

type class struct {
	public   web.PublicClass
	air      *broadcast
	captions bool
	faults   []fault
}

// fault makes requests whose path contains Match fail: with Status, or with junk
// for a body if Status is 200. Times limits how often, 0 is for ever.
type fault struct {
	Match  string `json:"match"`
	Status int    `json:"status"`
	Times  int    `json:"times"`
}

// order is the body of PUT /fake/{class}; what is left out stays as it is.
type order struct {
	Title    *string  `json:"title"`
	State    *string  `json:"state"`
	StartsIn *float64 `json:"starts_in"` // seconds
	Air      string   `json:"air"`       // on, off or end
	Captions *bool    `json:"captions"`
	Ladder   *bool    `json:"ladder"`
	Steep    *bool    `json:"steep"`
	// Gap names the rendition that has nothing but gaps from now on, "" for none;
	// Withdrawn the one that the multivariant playlist leaves out, Stuck the one
	// that is not added to any more.
	Gap       *string  `json:"gap"`
	Withdrawn *string  `json:"withdrawn"`
	Stuck     *string  `json:"stuck"`
	Thumbnail *bool    `json:"thumbnail"`
	Faults    *[]fault `json:"faults"`
	Remove    bool     `json:"remove"`
}

func newStage(talk *lecture) *stage {
	return &stage{talk: talk, classes: map[string]*class{}}
}

// PublicClass implements web.Classes.
func (s *stage) PublicClass(id string) (web.PublicClass, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.classes[id]
	if !ok {
		return web.PublicClass{}, false
	}
	return c.public, true
}

func (s *stage) serveControl(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, now := r.PathValue("class"), time.Now()
	if o.Remove {
		delete(s.classes, id)
		return
	}
	c := s.classes[id]
	if c == nil {
		c = &class{
			public: web.PublicClass{ID: id, Title: id, State: web.StateScheduled, HLS: "/live/" + id + "/index.m3u8"},
			air:    &broadcast{talk: s.talk},
		}
		s.classes[id] = c
	}
	c.apply(o, now)
}

func (c *class) apply(o order, now time.Time) {
	if o.Title != nil {
		c.public.Title = *o.Title
	}
	if o.State != nil {
		c.public.State = *o.State
	}
	if o.StartsIn != nil {
		c.public.StartsAt = now.Add(time.Duration(*o.StartsIn * float64(time.Second)))
	}
	if o.Captions != nil {
		c.captions = *o.Captions
	}
	if o.Ladder != nil {
		c.air.ladder = *o.Ladder
	}
	if o.Steep != nil {
		c.air.steep = *o.Steep
	}
	if o.Gap != nil {
		c.air.breakTrack(*o.Gap, now)
	}
	if o.Stuck != nil {
		c.air.stuck, c.air.stuckSince = *o.Stuck, now
	}
	if o.Withdrawn != nil {
		c.air.withdrawn = *o.Withdrawn
	}
	if o.Thumbnail != nil {
		c.public.Thumbnail = ""
		if *o.Thumbnail {
			c.public.Thumbnail = "/live/" + c.public.ID + "/thumbnail.jpg"
		}
	}
	if o.Faults != nil {
		c.faults = *o.Faults
	}
	switch o.Air {
	case "on":
		c.air.start(now)
	case "off":
		c.air.stop(now)
	case "end":
		c.air.stop(now)
		c.air.ended = true
	}
}

func (s *stage) serveMedia(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.classes[r.PathValue("class")]
	now, file := time.Now(), r.PathValue("file")
	if !ok || len(c.air.segments(now)) == 0 {
		http.NotFound(w, r)
		return
	}
	var number int
	text := ""
	switch ext := filepath.Ext(file); {
	case file == "index.m3u8":
		text = c.air.multivariant(c.captions)
	case ext == ".m3u8":
		text = c.air.playlist(strings.TrimSuffix(file, ext), now)
	case ext == ".vtt":
		if _, err := fmt.Sscanf(file, "c%d.vtt", &number); err != nil || number < 0 || number >= len(s.talk.video) {
			http.NotFound(w, r)
			return
		}
		text = c.air.caption(number)
	case ext == ".jpg":
		w.Header().Set("Content-Type", "image/jpeg")
		http.ServeFile(w, r, filepath.Join(s.talk.folder, filepath.Base(file)))
		return
	default:
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeFile(w, r, filepath.Join(s.talk.folder, filepath.Base(file)))
		return
	}
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, text)
}

// faults answers for next where a test asked for it.
func (s *stage) faults(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status := s.faultFor(r.URL.Path); status != 0 {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, strings.Repeat("this is not what you asked for\n", 64))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *stage) faultFor(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, c := range s.classes {
		if !strings.Contains(path, "/"+id+"/") {
			continue
		}
		for i := range c.faults {
			f := &c.faults[i]
			if !strings.Contains(path, f.Match) {
				continue
			}
			status := f.Status
			switch {
			case f.Times == 1:
				c.faults = slices.Delete(c.faults, i, i+1)
			case f.Times > 1:
				f.Times--
			}
			return status
		}
	}
	return 0
}
