package app

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/realtime/room/state"
	"github.com/lectern/lectern/realtime/web"
)

// studio is what the page of a host works with: it implements web.Studio.
type studio struct {
	rooms     *rooms
	classes   *class.Registry
	hub       *stream.Hub
	pipelines *pipelines
	tokens    *access.KeyRing
	links     links
}

// host checks the credential, the secret of the studio link or a host's pass, and
// returns the class and who it is, nobody yet for the secret.
func (s studio) host(ctx context.Context, id, credential string) (class.Class, access.Person, error) {
	c, err := s.classes.Get(ctx, id)
	if errors.Is(err, class.ErrNotFound) {
		err = web.ErrNoRoom
	}
	if err != nil {
		return c, access.Person{}, err
	}
	good, err := s.rooms.studio.Check(id, class.NewSecret(credential))
	if err != nil || good {
		return c, access.Person{Role: realtime.RoleHost}, err
	}
	who, err := s.rooms.holder(c, credential)
	if err == nil && who.Role != realtime.RoleHost {
		err = web.ErrRefused
	}
	return c, who, err
}

// Enter implements web.Studio.
func (s studio) Enter(r *http.Request, id, credential string) (web.Entrance, error) {
	c, who, err := s.host(r.Context(), id, credential)
	if err != nil {
		return web.Entrance{}, err
	}
	if c.State == class.Ended {
		return web.Entrance{}, web.ErrNoRoom
	}
	if who.ID == "" {
		credential = "" // the secret is no pass
	}
	return s.rooms.admit(id, who, credential)
}

// End implements web.Studio.
func (s studio) End(r *http.Request, id, credential string) error {
	if _, _, err := s.host(r.Context(), id, credential); err != nil {
		return err
	}
	_, err := s.classes.End(r.Context(), id)
	return err
}

// Status implements web.Studio.
func (s studio) Status(r *http.Request, id, credential string) (web.Status, error) {
	c, _, err := s.host(r.Context(), id, credential)
	if err != nil {
		return web.Status{}, err
	}
	out := web.Status{State: c.State.String(), LiveSince: c.StartedAt}
	if c.Access == class.AccessToken {
		token, terr := s.tokens.Mint(id, "", 0, time.Now())
		if terr != nil {
			return web.Status{}, terr
		}
		out.Token = token.Text
	}
	if c.State == class.Ended {
		return out, nil
	}
	if c.Source.IsZero() { // who is pulled types nothing anywhere
		ingest := s.links.of(r, id).Ingest
		out.Server, out.StreamKey = cmp.Or(ingest.RTMP, ingest.RTMPS), c.StreamKey.Reveal()
	}
	out.Viewers = s.rooms.audience(r.Context(), id)
	out.Ingest, out.Problems = s.ingest(id)
	return out, nil
}

// ingest tells what comes in, nil if nothing does, and what is wrong with it.
func (s studio) ingest(id string) (*web.Ingest, []string) {
	var problems []string
	say := func(texts ...string) {
		if text := strings.TrimSpace(strings.Join(texts, " ")); text != "" {
			problems = append(problems, text)
		}
	}
	if s.rooms.log.Health().Err != nil {
		say("The server cannot store what is said in the room. Tell those who run it.")
	}
	live, ok := s.hub.Stream(id)
	if !ok {
		return nil, problems
	}
	status := live.Status()
	if !status.Publishing {
		if refusal := status.Previous.Refusal; refusal != nil {
			say(refusal.Text)
		}
		return nil, problems
	}
	out := &web.Ingest{Protocol: status.Protocol, Since: status.Since, BitRate: status.Bitrate}
	if t, found := media.Find(status.Tracks, media.KindVideo); found {
		out.VideoCodec, out.Width, out.Height, out.FrameRate = t.Codec.String(), t.Video.Width, t.Video.Height, t.Video.FrameRate
	}
	if t, found := media.Find(status.Tracks, media.KindAudio); found {
		out.AudioCodec = t.Codec.String()
	}
	if health, found := s.pipelines.Health(id); found {
		for _, f := range health.Findings {
			if f.Severity != "info" {
				say(f.Text, f.Setting)
			}
		}
	}
	say(status.Warning)
	if ladder, found := s.pipelines.Ladder(id); found && ladder.Reason != "" {
		say(ladder.Text)
	}
	return out, problems
}

// audience counts who is in the room to learn, be it as an observer.
func (r *rooms) audience(ctx context.Context, id string) int {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	n := 0
	if err := r.rooms.Read(ctx, id, func(s *state.State) {
		for _, who := range s.AllPresent() {
			if who.Role == realtime.RoleParticipant || who.Role == realtime.RoleObserver {
				n++
			}
		}
	}); err != nil {
		r.logger.WarnContext(ctx, "room not counted", "class", id, "err", err)
	}
	return n
}
