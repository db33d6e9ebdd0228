package configs

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Listen is the `listen` section: one HOST:PORT for each listener. Port 0 takes
// a free port, which the start-up log line and -addr-file tell. An empty value
// turns the listener off, except for http and admin, which are always on.
type Listen struct {
	// RTMP is where encoders push, in clear. Default ":1935".
	RTMP string `yaml:"rtmp"`

	// RTMPS is where encoders push over TLS. It listens only when tls.cert_file
	// is set. Default ":1936".
	RTMPS string `yaml:"rtmps"`

	// RTSP is where cameras and encoders push with ANNOUNCE and RECORD.
	// Default ":8554".
	RTSP string `yaml:"rtsp"`

	// HTTP serves the playlists, the pages and the API. Default ":8080".
	HTTP string `yaml:"http"`

	// HTTPS serves the same over TLS and HTTP/2. It listens only when
	// tls.cert_file is set. Default ":8443".
	HTTPS string `yaml:"https"`

	// Admin serves /metrics, /healthz, /readyz and /debug/pprof, without a
	// password: keep it on a loopback or management address. Default
	// "127.0.0.1:9090".
	Admin string `yaml:"admin"`
}

func (l Listen) validate() error {
	var errs []error
	for _, a := range []struct {
		key, value string
		required   bool
	}{
		{"listen.rtmp", l.RTMP, false},
		{"listen.rtmps", l.RTMPS, false},
		{"listen.rtsp", l.RTSP, false},
		{"listen.http", l.HTTP, true},
		{"listen.https", l.HTTPS, false},
		{"listen.admin", l.Admin, true},
	} {
		if a.value == "" {
			if a.required {
				errs = append(errs, fmt.Errorf("%s: must be HOST:PORT", a.key))
			}
			continue
		}
		_, port, err := net.SplitHostPort(a.value)
		if n, perr := strconv.ParseUint(port, 10, 16); err != nil || perr != nil || n > 65535 {
			errs = append(errs, fmt.Errorf("%s: %q is not HOST:PORT, such as \":8080\" or \"127.0.0.1:0\"", a.key, a.value))
		}
	}
	return errors.Join(errs...)
}

// TLS is the `tls` section.
type TLS struct {
	// CertFile is the PEM file with the certificate and its chain, used by
	// listen.rtmps and listen.https. Default none.
	CertFile string `yaml:"cert_file"`

	// KeyFile is the PEM file with the private key of CertFile. Default none.
	KeyFile string `yaml:"key_file"`
}

func (t TLS) validate() error {
	if (t.CertFile == "") != (t.KeyFile == "") {
		return errors.New("tls.cert_file: must be set together with tls.key_file")
	}
	return nil
}

// API is the `api` section.
type API struct {
	// Token is the bearer token of /api/v1, at least 16 characters. It opens
	// every class: keep it out of files that others read. When neither Token nor
	// TokenFile is set, a token is made on first start and kept in
	// DATA/api-token, readable by the owner only. Default none.
	Token Secret `yaml:"token"`

	// TokenFile names a file whose first line is the token, readable by its owner
	// only. It may not be set together with Token. Default none.
	TokenFile string `yaml:"token_file"`
}

const (
	minTokenLen            = 16
	defaultShutdownTimeout = 10 * time.Second
)

func (a API) validate() error {
	var errs []error
	if a.Token != "" && a.TokenFile != "" {
		errs = append(errs, errors.New("api.token: may not be set together with api.token_file"))
	}
	if a.Token != "" && (len(a.Token) < minTokenLen || strings.ContainsFunc(string(a.Token), func(r rune) bool { return r <= ' ' || r > '~' })) {
		errs = append(errs, fmt.Errorf("api.token: must be at least %d characters, printable ASCII without spaces", minTokenLen))
	}
	return errors.Join(errs...)
}

// Log is the `log` section.
type Log struct {
	// Level is the least severe level that is written: debug, info, warn or
	// error. debug adds a line a segment. Default "info".
	Level string `yaml:"level"`

	// Format is text or json. Default "text".
	Format string `yaml:"format"`
}

func (l Log) validate() error {
	var errs []error
	switch l.Level {
	case "debug", "info", "warn", "error":
	default:
		errs = append(errs, fmt.Errorf("log.level: %q is not debug, info, warn or error", l.Level))
	}
	switch l.Format {
	case "text", "json":
	default:
		errs = append(errs, fmt.Errorf("log.format: %q is not text or json", l.Format))
	}
	return errors.Join(errs...)
}

// Shutdown is the `shutdown` section.
type Shutdown struct {
	// Timeout is how long a stopping server waits for requests under way and
	// for segments on their way to disk. Lower it for a faster restart, raise it
	// for slow disks. Default 10s, range 1s to 5m.
	Timeout time.Duration `yaml:"timeout"`
}

func (s Shutdown) validate() error {
	if s.Timeout < time.Second || s.Timeout > 5*time.Minute {
		return fmt.Errorf("shutdown.timeout: %s is outside 1s to 5m", s.Timeout)
	}
	return nil
}

func validatePublicURL(s string) error {
	if s == "" {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return errors.New("public_url: must be like https://live.example.edu, without path, query or password")
	}
	return nil
}
