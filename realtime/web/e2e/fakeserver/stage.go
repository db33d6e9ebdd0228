package main

import (
	"encoding/json"
	"io"
	"net/http"
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
	revoked  []string      // ids of tokens
	room     bool          // there is one
	viewers  int           // as the studio is told
	problems []string      // the same
	edge     time.Duration // where the room thinks the lecture is, from its beginning; below 0: where it is
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
	Heavy    *bool    `json:"heavy"`
	// Low publishes parts. It must come before Air, as must Past: for how many
	// seconds the class has been on already.
	Low  *bool    `json:"low"`
	Past *float64 `json:"past"`
	// DVR is how many seconds of the past the DVR lists have, 0 for everything.
	DVR *float64 `json:"dvr"`
	// Access is public or token; Revoked are the ids of tokens that open it no more.
	Access     *string   `json:"access"`
	Revoked    *[]string `json:"revoked"`
	Storyboard *bool     `json:"storyboard"`
	// Gap names the rendition that has nothing but gaps from now on, "" for none;
	// Withdrawn the one that the multivariant playlist leaves out, Stuck the one
	// that is not added to any more.
	Gap       *string  `json:"gap"`
	Withdrawn *string  `json:"withdrawn"`
	Stuck     *string  `json:"stuck"`
	Thumbnail *bool    `json:"thumbnail"`
	Faults    *[]fault `json:"faults"`
	Remove    bool     `json:"remove"`
	// Room is whether the class has one; Viewers and Problems are what its host is told.
	Room     *bool     `json:"room"`
	Viewers  *int      `json:"viewers"`
	Problems *[]string `json:"problems"`
	// Edge is at which second of the lecture the room thinks it is, below 0 for where
	// it is: what is said then has that date.
	Edge *float64 `json:"edge"`
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
			edge:   -1,
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
		c.public.StartsAt = now.Add(seconds(*o.StartsIn))
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
	if o.Heavy != nil {
		c.air.heavy = *o.Heavy
	}
	if o.Low != nil {
		c.air.low = *o.Low
	}
	if o.Past != nil {
		c.air.past = seconds(*o.Past)
	}
	if o.DVR != nil {
		c.air.dvr = seconds(*o.DVR)
		c.public.DVR = "/live/" + c.public.ID + "/dvr.m3u8"
	}
	if o.Gap != nil {
		c.air.breakTrack(*o.Gap, now)
	}
	if o.Stuck != nil {
		c.air.stuck, c.air.stuckSince = *o.Stuck, now
	}
	if o.Access != nil {
		c.public.Access = *o.Access
	}
	if o.Revoked != nil {
		c.revoked = *o.Revoked
	}
	if o.Storyboard != nil && *o.Storyboard {
		c.public.Storyboard = "/live/" + c.public.ID + "/storyboard.vtt"
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
	if o.Room != nil {
		c.room = *o.Room
	}
	if o.Viewers != nil {
		c.viewers = *o.Viewers
	}
	if o.Problems != nil {
		c.problems = *o.Problems
	}
	if o.Edge != nil {
		c.edge = seconds(*o.Edge)
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

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

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
