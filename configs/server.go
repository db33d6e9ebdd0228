package configs

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
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
	// or tls.acme.hosts is set. Default ":1936".
	RTMPS string `yaml:"rtmps"`

	// RTSP is where cameras and encoders push with ANNOUNCE and RECORD.
	// Default ":8554".
	RTSP string `yaml:"rtsp"`

	// HTTP serves the playlists, the pages and the API. Default ":8080".
	HTTP string `yaml:"http"`

	// HTTPS serves the same over TLS and HTTP/2. It listens only when
	// tls.cert_file or tls.acme.hosts is set. Default ":8443".
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

// TLS is the `tls` section: where the certificate of listen.https and
// listen.rtmps comes from, files or a certificate authority.
type TLS struct {
	// CertFile is the PEM file with the certificate and its chain, used by
	// listen.rtmps and listen.https. A new one is taken into use a few seconds
	// after both files have changed; a pair that is broken leaves the old one in
	// force. Default none.
	CertFile string `yaml:"cert_file"`

	// KeyFile is the PEM file with the private key of CertFile. Default none.
	KeyFile string `yaml:"key_file"`

	ACME ACME `yaml:"acme"`
}

// ACME is the `tls.acme` section: certificates from a certificate authority by
// RFC 8555. The authority must reach this server under every host, on port 443
// for the challenge tls-alpn-01 or on port 80 for http-01: let listen.https or
// listen.http be that port, or forward it.
type ACME struct {
	// Hosts lists the names to have certificates for, such as
	// live.example.edu. Setting it means to accept the authority's terms of
	// service. Clients that send no name get the certificate of the first.
	// Accounts and certificates are kept in DATA/certs. Default none; it may not
	// be set together with tls.cert_file.
	Hosts []string `yaml:"hosts"`

	// Email is where the authority writes when there is trouble with a
	// certificate. Default none.
	Email string `yaml:"email"`

	// DirectoryURL is the authority's ACME directory (RFC 8555 §7.1.1). Let's
	// Encrypt's for trying out is
	// https://acme-staging-v02.api.letsencrypt.org/directory. Default none, which
	// means Let's Encrypt.
	DirectoryURL string `yaml:"directory_url"`
}

// maxACMEHosts bounds the names; authorities allow about as many a week.
const maxACMEHosts = 50

// Enabled reports whether there is to be a certificate at all.
func (t TLS) Enabled() bool { return t.CertFile != "" || len(t.ACME.Hosts) > 0 }

func (t TLS) validate() error {
	var errs []error
	if (t.CertFile == "") != (t.KeyFile == "") {
		errs = append(errs, errors.New("tls.cert_file: must be set together with tls.key_file"))
	}
	if t.CertFile != "" && len(t.ACME.Hosts) > 0 {
		errs = append(errs, errors.New("tls.cert_file: may not be set together with tls.acme.hosts"))
	}
	return errors.Join(append(errs, t.ACME.validate())...)
}

func (a ACME) validate() error {
	var errs []error
	if len(a.Hosts) > maxACMEHosts {
		errs = append(errs, fmt.Errorf("tls.acme.hosts: %d names are more than %d", len(a.Hosts), maxACMEHosts))
	}
	seen := map[string]bool{}
	for _, h := range a.Hosts {
		switch {
		case !isHostName(h):
			errs = append(errs, fmt.Errorf("tls.acme.hosts: %q is not a name like live.example.edu, in lower case and without port or wildcard", h))
		case seen[h]:
			errs = append(errs, fmt.Errorf("tls.acme.hosts: %q is listed twice", h))
		}
		seen[h] = true
	}
	if a.Email != "" && !strings.Contains(strings.Trim(a.Email, "@"), "@") {
		errs = append(errs, fmt.Errorf("tls.acme.email: %q is not an address", a.Email))
	}
	if a.DirectoryURL != "" {
		u, err := url.Parse(a.DirectoryURL)
		if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname()))) {
			errs = append(errs, errors.New("tls.acme.directory_url: must be an https URL without password; http is for loopback addresses only"))
		}
	}
	return errors.Join(errs...)
}

// isHostName reports whether s is a DNS name of two labels or more (RFC 1123
// §2.1), in the form that certificates and TLS carry it, and no IP address.
func isHostName(s string) bool {
	labels := strings.Split(s, ".")
	if len(s) > 253 || len(labels) < 2 || net.ParseIP(s) != nil {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
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

// Proxies returns TrustedProxies, as far as they are good.
func (c Config) Proxies() []netip.Prefix {
	var all []netip.Prefix
	for _, s := range c.TrustedProxies {
		if p, err := parseNetwork(s); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func validateProxies(list []string) error {
	var errs []error
	for i, s := range list {
		if _, err := parseNetwork(s); err != nil {
			errs = append(errs, fmt.Errorf("trusted_proxies[%d]: %q is no address or network like 10.0.3.0/24", i, s))
		}
	}
	return errors.Join(errs...)
}

// parseNetwork reads a network, or an address as the network of it alone.
func parseNetwork(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	return netip.ParsePrefix(s)
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
