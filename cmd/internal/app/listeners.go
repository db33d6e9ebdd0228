package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/lectern/lectern/cmd/internal/certs"
	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/media/rtmp"
)

// Addrs are the listeners' real addresses, HOST:PORT each, empty where nothing
// listens. As JSON it is the -addr-file.
type Addrs struct {
	RTMP  string `json:"rtmp,omitempty"`
	RTMPS string `json:"rtmps,omitempty"`
	RTSP  string `json:"rtsp,omitempty"`
	HTTP  string `json:"http"`
	HTTPS string `json:"https,omitempty"`
	Admin string `json:"admin"`
}

// listeners are the server's sockets, all open.
type listeners struct {
	rtmp, rtmps, rtsp, http, https, admin net.Listener
	certs                                 *certs.Source // nil without TLS
	addrs                                 Addrs
}

// openListeners opens every listener before anything serves, so that a port that
// is taken is an error at the start, under its key.
func openListeners(ctx context.Context, cfg configs.Config) (_ *listeners, err error) {
	l := &listeners{}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.certs, err = certs.Open(cfg.TLS, cfg.Data); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		key, addr string
		tls       bool
		to        *net.Listener
		real      *string
	}{
		{"listen.rtmp", cfg.Listen.RTMP, false, &l.rtmp, &l.addrs.RTMP},
		{"listen.rtmps", cfg.Listen.RTMPS, true, &l.rtmps, &l.addrs.RTMPS},
		{"listen.rtsp", cfg.Listen.RTSP, false, &l.rtsp, &l.addrs.RTSP},
		{"listen.http", cfg.Listen.HTTP, false, &l.http, &l.addrs.HTTP},
		{"listen.https", cfg.Listen.HTTPS, true, &l.https, &l.addrs.HTTPS},
		{"listen.admin", cfg.Listen.Admin, false, &l.admin, &l.addrs.Admin},
	} {
		if s.addr == "" || (s.tls && l.certs == nil) {
			continue
		}
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", s.addr)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.key, err)
		}
		*s.to, *s.real = ln, ln.Addr().String()
	}
	return l, nil
}

// rtmpListeners returns what the RTMP server serves.
func (l *listeners) rtmpListeners() []rtmp.Listener {
	var out []rtmp.Listener
	if l.rtmp != nil {
		out = append(out, rtmp.Listener{Listener: l.rtmp, Protocol: "rtmp"})
	}
	if l.rtmps != nil {
		out = append(out, rtmp.Listener{Listener: tls.NewListener(l.rtmps, l.certs.Config()), Protocol: "rtmps"})
	}
	return out
}

// close closes every listener. The parts that served them have closed theirs
// already; a second close does no harm.
func (l *listeners) close() {
	for _, ln := range []net.Listener{l.rtmp, l.rtmps, l.rtsp, l.http, l.https, l.admin} {
		if ln != nil {
			_ = ln.Close() // closed already, unless the start failed
		}
	}
}
