package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/lectern/lectern/media"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/realtime/web"
)

// links makes the URLs that the API gives out.
type links struct {
	public *url.URL // nil: follow the request
	addrs  Addrs
	stills *pictures
}

func newLinks(publicURL string, addrs Addrs, stills *pictures) links {
	u, err := url.Parse(publicURL)
	if err != nil || publicURL == "" {
		u = nil // Validate has refused a bad one
	}
	return links{public: u, addrs: addrs, stills: stills}
}

// of returns the URLs of a class for whoever sent r.
func (l links) of(r *http.Request, id string) api.Links {
	base := l.base(r)
	host := base.Hostname()
	at := func(elem ...string) string { return base.JoinPath(elem...).String() }
	return api.Links{
		Ingest: api.Ingest{
			RTMP:  ingestURL("rtmp", host, l.addrs.RTMP),
			RTMPS: ingestURL("rtmps", host, l.addrs.RTMPS),
			RTSP:  ingestURL("rtsp", host, l.addrs.RTSP),
		},
		Playback: api.Playback{HLS: at("live", id, "index.m3u8"), Watch: at("watch", id)},
		Studio:   at("studio", id),
		Socket:   strings.Replace(at("ws", id), "http", "ws", 1),
	}
}

// base is the URL of the server's root for whoever sent r.
func (l links) base(r *http.Request) *url.URL {
	if l.public != nil {
		return l.public
	}
	base := &url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		base.Scheme = "https"
	}
	return base
}

// pictures returns the URLs of the class's still pictures, as far as there are
// any.
func (l links) pictures(r *http.Request, id string) api.Pictures {
	var out api.Pictures
	if l.stills.has(id, thumbnailFile) {
		out.Thumbnail = l.base(r).JoinPath("live", id, thumbnailFile).String()
	}
	if l.stills.has(id, storyboardFile) {
		out.Storyboard = l.base(r).JoinPath("live", id, storyboardFile).String()
	}
	return out
}

// ingestURL returns scheme://host:port/live, empty if nothing listens. The port
// is always written: people copy the line into OBS, and it shows what to open in
// a firewall.
func ingestURL(scheme, host, addr string) string {
	if addr == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "" // our own listener's address
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/live"
}

// publishers tells the API who publishes: it implements api.Publishers.
type publishers struct{ hub *stream.Hub }

// Publisher implements api.Publishers.
func (p publishers) Publisher(id string) (api.Publisher, bool) {
	live, ok := p.hub.Stream(id)
	if !ok {
		return api.Publisher{}, false
	}
	s := live.Status()
	if !s.Publishing {
		return api.Publisher{}, false
	}
	out := api.Publisher{
		Protocol: s.Protocol, Remote: s.Remote, Since: s.Since,
		BitrateBPS: s.Bitrate, KeyframeIntervalSeconds: s.KeyframeInterval.Round(time.Millisecond).Seconds(),
		Warning: s.Warning,
	}
	if t, ok := media.Find(s.Tracks, media.KindVideo); ok {
		out.Video = fmt.Sprintf("%s %dx%d", t.Codec, t.Video.Width, t.Video.Height)
		if t.Video.FrameRate > 0 {
			out.Video += fmt.Sprintf(" %.4g fps", t.Video.FrameRate)
		}
	}
	if t, ok := media.Find(s.Tracks, media.KindAudio); ok {
		out.Audio = fmt.Sprintf("%s %d Hz %d ch", t.Codec, t.Audio.SampleRate, t.Audio.Channels)
	}
	return out, true
}

// LastRefusal implements api.Publishers.
func (p publishers) LastRefusal(id string) (api.Refusal, bool) {
	s, ok := p.hub.Stream(id)
	if !ok {
		return api.Refusal{}, false
	}
	previous := s.Status().Previous
	if previous.Refusal == nil {
		return api.Refusal{}, false
	}
	return api.Refusal{Code: previous.Refusal.Code, Text: previous.Refusal.Text, At: previous.At}, true
}

// publicClasses tells the pages what anybody may know: it implements web.Classes.
type publicClasses struct {
	registry *class.Registry
	pictures *pictures
	room     func(id string) error // nil while it is open
	dvr      bool                  // classes have one unless they say otherwise
}

// PublicClass implements web.Classes.
func (p publicClasses) PublicClass(id string) (web.PublicClass, bool) {
	c, err := p.registry.Get(context.Background(), id)
	if err != nil {
		return web.PublicClass{}, false
	}
	out := web.PublicClass{
		ID: c.ID, Title: c.Title, State: c.State.String(), StartsAt: c.StartsAt,
		Access: string(c.Access), HLS: "/live/" + c.ID + "/index.m3u8",
		RoomOpen: c.State == class.Ended && p.room(c.ID) == nil,
	}
	if p.dvr {
		out.DVR = "/live/" + c.ID + "/dvr.m3u8"
	}
	if p.pictures.has(c.ID, storyboardFile) {
		out.Storyboard = "/live/" + c.ID + "/" + storyboardFile
	}
	if p.pictures.has(c.ID, thumbnailFile) {
		out.Thumbnail = "/live/" + c.ID + "/" + thumbnailFile
	}
	return out, true
}
