package configs

import (
	_ "embed" // REFERENCE.md
	"errors"
	"fmt"
	"time"

	"github.com/lectern/lectern/hls"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/media/health"
	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtsp"
	"github.com/lectern/lectern/media/stream"
	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/realtime/room"
	"github.com/lectern/lectern/realtime/web"
	"github.com/lectern/lectern/realtime/ws"
	"github.com/lectern/lectern/storage/segment"
	"github.com/lectern/lectern/storage/space"
	"github.com/lectern/lectern/storage/storyboard"
	"github.com/lectern/lectern/transcode"
	"github.com/lectern/lectern/transcode/worker"
)

// Reference is the text of REFERENCE.md.
//
//go:embed REFERENCE.md
var Reference string

// Config is the whole configuration file.
type Config struct {
	// Data is the folder that holds everything Lectern keeps: lectern.db, the
	// media of the classes, the generated API token. One server at a time may
	// use it. Default "./data".
	Data string `yaml:"data"`

	// PublicURL is how viewers reach this server, such as
	// "https://live.example.edu"; links in the API and on the pages start with
	// it. Default none: links then use the host of each request.
	PublicURL string `yaml:"public_url"`

	// TrustedProxies are the addresses and networks of the proxies in front of the
	// pages and rooms, such as "10.0.3.0/24": who asks through them is known by
	// X-Forwarded-For or Forwarded, and limits of one address count clients, not
	// the proxy. Name none that clients can have themselves. Default none.
	TrustedProxies []string `yaml:"trusted_proxies"`

	Listen     Listen             `yaml:"listen"`
	TLS        TLS                `yaml:"tls"`
	API        API                `yaml:"api"`
	Log        Log                `yaml:"log"`
	Shutdown   Shutdown           `yaml:"shutdown"`
	Class      class.Config       `yaml:"class"`
	Access     access.Config      `yaml:"access"`
	Grants     access.GrantConfig `yaml:"grants"`
	Room       room.Config        `yaml:"room"`
	WS         ws.Config          `yaml:"ws"`
	RTMP       rtmp.Config        `yaml:"rtmp"`
	RTSP       rtsp.Config        `yaml:"rtsp"`
	Stream     stream.Config      `yaml:"stream"`
	Transcode  transcode.Config   `yaml:"transcode"`
	Worker     worker.Config      `yaml:"worker"`
	Health     health.Config      `yaml:"health"`
	HLS        hls.Config         `yaml:"hls"`
	Origin     origin.Config      `yaml:"origin"`
	Storage    segment.Config     `yaml:"storage"`
	Space      space.Config       `yaml:"space"`
	Storyboard storyboard.Config  `yaml:"storyboard"`
	Web        web.Config         `yaml:"web"`
}

// Default returns the configuration in force when nothing is set.
func Default() Config {
	return Config{
		Data:           "./data",
		TrustedProxies: []string{},
		Listen: Listen{
			RTMP:  ":1935",
			RTMPS: ":1936",
			RTSP:  ":8554",
			HTTP:  ":8080",
			HTTPS: ":8443",
			Admin: "127.0.0.1:9090",
		},
		TLS:        TLS{ACME: ACME{Hosts: []string{}}},
		Log:        Log{Level: "info", Format: "text"},
		Shutdown:   Shutdown{Timeout: defaultShutdownTimeout},
		Class:      class.DefaultConfig(),
		Access:     access.DefaultConfig(),
		Grants:     access.DefaultGrantConfig(),
		Room:       room.DefaultConfig(),
		WS:         ws.DefaultConfig(),
		RTMP:       rtmp.DefaultConfig(),
		RTSP:       rtsp.DefaultConfig(),
		Stream:     stream.DefaultConfig(),
		Transcode:  transcode.DefaultConfig(),
		Worker:     worker.DefaultConfig(),
		Health:     health.DefaultConfig(),
		HLS:        hls.DefaultConfig(),
		Origin:     origin.DefaultConfig(),
		Storage:    segment.DefaultConfig(),
		Space:      space.DefaultConfig(),
		Storyboard: storyboard.DefaultConfig(),
		Web:        web.DefaultConfig(),
	}
}

// Validate reports every broken constraint, each under its key. It looks at no
// file and no network.
func (c Config) Validate() error {
	var errs []error
	if c.Data == "" {
		errs = append(errs, errors.New("data: must name a folder"))
	}
	// Parts are listed for three target durations and must be there for three
	// more (RFC 8216bis §6.2.2).
	if least := 6 * c.HLS.SegmentDuration.Round(time.Second); c.Storage.PartRetention < least {
		errs = append(errs, fmt.Errorf("storage.part_retention: %s is below %s, six times hls.segment_duration", c.Storage.PartRetention, least))
	}
	return errors.Join(append(errs,
		validatePublicURL(c.PublicURL),
		validateProxies(c.TrustedProxies),
		c.Listen.validate(),
		c.TLS.validate(),
		c.API.validate(),
		c.Log.validate(),
		c.Shutdown.validate(),
		c.Class.Validate(),
		c.Access.Validate(),
		c.Grants.Validate(),
		c.Room.Validate(),
		c.WS.Validate(),
		c.RTMP.Validate(),
		c.RTSP.Validate(),
		c.Stream.Validate(),
		c.Transcode.Validate(),
		c.Worker.Validate(),
		c.Health.Validate(),
		c.HLS.Validate(),
		c.Origin.Validate(),
		c.Storage.Validate(),
		c.Space.Validate(),
		c.Storyboard.Validate(),
		c.Web.Validate(),
	)...)
}
