package rtmp_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/media/stream"
)

// selfSigned returns a certificate for 127.0.0.1 and a pool that trusts it.
func selfSigned(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func TestRTMPS(t *testing.T) {
	cert, pool := selfSigned(t)
	listen := func() net.Listener {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	secure := tls.NewListener(listen(), &tls.Config{Certificates: []tls.Certificate{cert}})
	r := startOn(t, []rtmp.Listener{{Listener: secure, Protocol: "rtmps"}, {Listener: listen(), Protocol: "rtmp"}})

	dial := func() *rtmptest.Client {
		d := tls.Dialer{Config: &tls.Config{RootCAs: pool}}
		conn, err := d.DialContext(t.Context(), "tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		c := rtmptest.NewClient(conn)
		t.Cleanup(c.Drop)
		return c
	}
	c := dial()
	if err := c.Start(t.Context(), "live", goodKey); err != nil {
		t.Fatal(err)
	}
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	samples := src.Take(3 * time.Second)
	if err := errors.Join(c.WriteHeaders(0, src.Tracks()), c.WriteSamples(src.Tracks(), samples...)); err != nil {
		t.Fatal(err)
	}
	p := r.publication()
	r.eventually("all samples", func() bool { return len(p.Samples()) == len(samples) })
	if p.Request.Protocol != "rtmps" {
		t.Errorf("protocol = %q", p.Request.Protocol)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.ended(p, stream.CloseClean)

	// A refusal is read to its end through TLS, too.
	refused := dial()
	wantStatus(t, refused.Start(t.Context(), "live", "guess"), "NetStream.Publish.Denied", "not known")
	if err := refused.Closed(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("connection ended with %v", err)
	}

	// RTMP without TLS on the RTMPS port.
	plain, err := rtmptest.Dial(t.Context(), r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Drop()
	if err := plain.Handshake(t.Context()); err == nil {
		t.Error("plain RTMP is served on the RTMPS port")
	}
	r.metric(`lectern_rtmp_connections_closed_total{protocol="rtmps",reason="tls"}`, 1)
}

// A TLS handshake that never ends is cut off like any other silence.
func TestTLSSlowLorisIsInterruptedByShutdown(t *testing.T) {
	cert, _ := selfSigned(t)
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := tls.NewListener(inner, &tls.Config{Certificates: []tls.Certificate{cert}})
	r := startOn(t, []rtmp.Listener{{Listener: l, Protocol: "rtmps"}})
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.Copy(c, bytes.NewReader([]byte{0x16, 3, 1, 2, 0, 1})); err != nil {
		t.Fatal(err)
	}
	r.metric(`lectern_rtmp_connections{protocol="rtmps"}`, 1)
	r.stop() // does not hang
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("connection survives")
	}
}
