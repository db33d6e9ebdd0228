package state

import (
	"slices"

	"github.com/lectern/lectern/realtime"
)

func (s *State) decideAnnounce(d realtime.Announce, in input) (Fact, string, error) {
	switch {
	case d.Until != 0 && d.Until <= in.now.Now:
		return nil, "", refuse(realtime.CodeBadRequest, "until: must be in the future")
	case len(s.announcements) >= maxAnnouncements:
		return nil, "", refuse(realtime.CodeConflict, "too many announcements stand")
	}
	return Announced{Text: d.Text, Until: d.Until}, announcementPrefix + in.id, nil
}

// Announced is an announcement that stands.
type Announced struct {
	Text  string `json:"text"`
	Until int64  `json:"until,omitempty"`
}

func (Announced) kind() string { return "announced" }

func (f Announced) apply(s *State, _ *Entry, out *Effects) {
	a := realtime.Announcement{ID: idOf(f, s.seq), Text: f.Text, Until: f.Until}
	s.announcements = append(s.announcements, a)
	out.All = a
}

func (s *State) decideClear(d realtime.AnnounceClear) (Fact, string, error) {
	if !slices.ContainsFunc(s.announcements, func(a realtime.Announcement) bool { return a.ID == d.Announcement }) {
		return nil, "", refuse(realtime.CodeNotFound, "announcement: is not there")
	}
	return Cleared{Announcement: d.Announcement}, "", nil
}

// Cleared is an announcement that was taken down, or whose time is over.
type Cleared struct {
	Announcement string `json:"announcement"`
}

func (Cleared) kind() string { return "cleared" }

func (f Cleared) apply(s *State, _ *Entry, out *Effects) {
	kept := make([]realtime.Announcement, 0, len(s.announcements)) // what there was may be in a snapshot
	for _, a := range s.announcements {
		if a.ID != f.Announcement {
			kept = append(kept, a)
		}
	}
	s.announcements = kept
	out.All = realtime.AnnouncementCleared(f)
}

func (s *State) decideMarker(d realtime.Marker, in input) (Fact, string, error) {
	if len(s.markers) >= maxMarkers {
		return nil, "", refuse(realtime.CodeClosed, "the room takes no more markers")
	}
	return Marked{Title: d.Title, At: in.now.Edge}, markerPrefix + in.id, nil
}

// Marked is a moment of the lecture.
type Marked struct {
	Title string `json:"title"`
	At    int64  `json:"at,omitempty"`
}

func (Marked) kind() string { return "marked" }

func (f Marked) apply(s *State, _ *Entry, out *Effects) {
	m := realtime.Marked{ID: idOf(f, s.seq), Title: f.Title, At: f.At}
	s.markers = append(s.markers, m)
	out.All = m
}

func (s *State) decideSet(d realtime.RoomSet, in input) (Fact, string, error) {
	if !in.by.Permissions.Has(d.Needs()) {
		return nil, "", refuse(realtime.CodeForbidden, "data: holds settings that the grant does not allow to change")
	}
	after := Set(d).on(s.settings)
	if settingsEqual(after, s.settings) {
		return nil, "", nil
	}
	return Set(d), "", nil
}

func settingsEqual(a, b realtime.Settings) bool {
	if !slices.Equal(a.Words, b.Words) {
		return false
	}
	a.Words, b.Words = nil, nil
	return a.Chat == b.Chat && a.SlowMode == b.SlowMode && a.Links == b.Links && a.Names == b.Names && a.Locked == b.Locked && a.Paused == b.Paused
}

// Set is settings that were changed.
type Set realtime.RoomSet

func (Set) kind() string { return "set" }

func (f Set) on(s realtime.Settings) realtime.Settings {
	assign(&s.Chat, f.Chat)
	assign(&s.SlowMode, f.SlowMode)
	assign(&s.Links, f.Links)
	assign(&s.Names, f.Names)
	assign(&s.Locked, f.Locked)
	assign(&s.Paused, f.Paused)
	if f.Words != nil {
		s.Words = slices.Clone(*f.Words)
	}
	return s
}

func assign[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

func (f Set) apply(s *State, _ *Entry, out *Effects) {
	s.settings = f.on(s.settings)
	all := s.settings
	all.Words = nil
	out.All, out.Staff = all, s.settings
}
