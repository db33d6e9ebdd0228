package certs_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

// authority is as much of a certificate authority (RFC 8555) as one client needs
// who orders one name at a time. It checks the challenges for real and the
// signatures of requests not at all.
type authority struct {
	t      *testing.T
	server *httptest.Server
	life   time.Duration
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	// where the host is reached on port 443 and 80; an empty one is closed
	https, http string

	mu         sync.Mutex // guards the fields below
	accounts   int
	orders     int
	thumbprint string
	host       string
	status     string // of the authorization
	final      bool   // the order was finalized
	chain      []byte
	solved     []string // types of the challenges
	email      string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, life: 90 * 24 * time.Hour}
	a.key, a.cert = issue(t, "Test Authority", time.Now().Add(-time.Hour), time.Now().Add(1000*24*time.Hour), nil, nil)
	mux := http.NewServeMux()
	for path, h := range map[string]func(http.ResponseWriter, map[string]any){
		"/account":     a.newAccount,
		"/order":       a.newOrder,
		"/order/1":     func(w http.ResponseWriter, _ map[string]any) { a.answer(w, http.StatusOK, a.order()) },
		"/authz/1":     func(w http.ResponseWriter, _ map[string]any) { a.answer(w, http.StatusOK, a.authz()) },
		"/challenge/1": func(w http.ResponseWriter, _ map[string]any) { a.challenge(w, "tls-alpn-01", a.tryALPN) },
		"/challenge/2": func(w http.ResponseWriter, _ map[string]any) { a.challenge(w, "http-01", a.tryHTTP) },
		"/finalize/1":  a.finalize,
		"/cert/1":      func(w http.ResponseWriter, _ map[string]any) { _, _ = w.Write(a.chain) },
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			a.mu.Lock()
			defer a.mu.Unlock()
			w.Header().Set("Replay-Nonce", "n")
			protected, payload := openJWS(t, r.Body)
			if jwk, ok := protected["jwk"].(map[string]any); ok {
				sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, jwk["crv"], jwk["kty"], jwk["x"], jwk["y"])) // RFC 7638 §3
				a.thumbprint = base64.RawURLEncoding.EncodeToString(sum[:])
			}
			h(w, payload)
		})
	}
	mux.HandleFunc("/nonce", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Replay-Nonce", "n") })
	mux.HandleFunc("GET /directory", func(w http.ResponseWriter, _ *http.Request) {
		a.answer(w, http.StatusOK, map[string]any{
			"newNonce": a.server.URL + "/nonce", "newAccount": a.server.URL + "/account", "newOrder": a.server.URL + "/order",
			"revokeCert": a.server.URL + "/revoke", "keyChange": a.server.URL + "/key",
			"meta": map[string]any{"termsOfService": "https://example.org/terms"},
		})
	})
	a.server = httptest.NewServer(mux)
	t.Cleanup(a.server.Close)
	return a
}

// openJWS returns the header and the payload of a request (RFC 8555 §6.2).
func openJWS(t *testing.T, body io.Reader) (protected, payload map[string]any) {
	t.Helper()
	var jws struct{ Protected, Payload string }
	err := json.NewDecoder(body).Decode(&jws)
	for _, p := range []struct {
		text string
		into *map[string]any
	}{{jws.Protected, &protected}, {jws.Payload, &payload}} {
		b, derr := base64.RawURLEncoding.DecodeString(p.text)
		err = errors.Join(err, derr)
		if len(b) > 0 { // POST-as-GET has none
			err = errors.Join(err, json.Unmarshal(b, p.into))
		}
	}
	if err != nil {
		t.Errorf("request: %v", err)
	}
	return protected, payload
}

func (a *authority) answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		a.t.Errorf("answer: %v", err)
	}
}

func (a *authority) newAccount(w http.ResponseWriter, payload map[string]any) {
	a.accounts++
	a.email = fmt.Sprint(payload["contact"])
	if payload["termsOfServiceAgreed"] != true {
		a.t.Error("the terms were not agreed to")
	}
	w.Header().Set("Location", a.server.URL+"/account/1")
	a.answer(w, http.StatusCreated, map[string]any{"status": "valid"})
}

func (a *authority) newOrder(w http.ResponseWriter, payload map[string]any) {
	a.orders++
	ids, ok := payload["identifiers"].([]any)
	if !ok || len(ids) != 1 {
		a.t.Fatalf("order: %v", payload)
	}
	a.host, a.status, a.final, a.chain = fmt.Sprint(ids[0].(map[string]any)["value"]), "pending", false, nil
	w.Header().Set("Location", a.server.URL+"/order/1")
	a.answer(w, http.StatusCreated, a.order())
}

func (a *authority) order() map[string]any {
	status := map[string]string{"pending": "pending", "valid": "ready", "invalid": "invalid"}[a.status]
	o := map[string]any{
		"identifiers":    []any{map[string]any{"type": "dns", "value": a.host}},
		"authorizations": []string{a.server.URL + "/authz/1"},
		"finalize":       a.server.URL + "/finalize/1",
	}
	if a.final {
		status, o["certificate"] = "valid", a.server.URL+"/cert/1"
	}
	o["status"] = status
	return o
}

func (a *authority) authz() map[string]any {
	return map[string]any{
		"status": a.status, "identifier": map[string]any{"type": "dns", "value": a.host},
		"challenges": []any{
			map[string]any{"type": "dns-01", "url": a.server.URL + "/challenge/0", "status": "pending", "token": token},
			map[string]any{"type": "tls-alpn-01", "url": a.server.URL + "/challenge/1", "status": "pending", "token": token},
			map[string]any{"type": "http-01", "url": a.server.URL + "/challenge/2", "status": "pending", "token": token},
		},
	}
}

func (a *authority) challenge(w http.ResponseWriter, kind string, try func() error) {
	a.status = "valid"
	if err := try(); err != nil {
		a.t.Logf("%s for %s: %v", kind, a.host, err)
		a.status = "invalid"
	} else {
		a.solved = append(a.solved, kind)
	}
	a.answer(w, http.StatusOK, map[string]any{"type": kind, "url": a.server.URL + "/challenge", "status": a.status, "token": token})
}

// tryALPN is RFC 8737 §3.
func (a *authority) tryALPN() error {
	if a.https == "" {
		return errors.New("port 443 is closed")
	}
	d := tls.Dialer{Config: &tls.Config{ServerName: a.host, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}}
	c, err := d.DialContext(context.Background(), "tcp", a.https)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	state := c.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	if state.NegotiatedProtocol != "acme-tls/1" || !slices.Equal(leaf.DNSNames, []string{a.host}) {
		return fmt.Errorf("protocol %q, names %v", state.NegotiatedProtocol, leaf.DNSNames)
	}
	sum := sha256.Sum256([]byte(token + "." + a.thumbprint))
	want, err := asn1.Marshal(sum[:])
	if err != nil {
		return err
	}
	for _, e := range leaf.Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.1.31" && e.Critical && string(e.Value) == string(want) {
			return nil
		}
	}
	return errors.New("no acmeIdentifier, or a wrong one")
}

// tryHTTP is RFC 8555 §8.3.
func (a *authority) tryHTTP() error {
	if a.http == "" {
		return errors.New("port 80 is closed")
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+a.http+"/.well-known/acme-challenge/"+token, http.NoBody)
	if err != nil {
		return err
	}
	req.Host = a.host
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(b) != token+"."+a.thumbprint {
		return fmt.Errorf("%d %q %w", res.StatusCode, b, err)
	}
	return nil
}

func (a *authority) finalize(w http.ResponseWriter, payload map[string]any) {
	if a.status != "valid" {
		a.t.Errorf("finalized while the authorization is %s", a.status)
	}
	der, err := base64.RawURLEncoding.DecodeString(fmt.Sprint(payload["csr"]))
	if err != nil {
		a.t.Error(err)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil || !slices.Equal(csr.DNSNames, []string{a.host}) {
		a.t.Fatalf("request for %v: %v", csr, err)
	}
	a.chain = a.sign(csr.PublicKey, a.host)
	a.final = true
	a.answer(w, http.StatusOK, a.order())
}

func (a *authority) sign(public any, host string) []byte {
	tmpl := template(host, time.Now().Add(-time.Minute), time.Now().Add(a.life))
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})...)
}

func (a *authority) counts() (orders, accounts int, solved string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.orders, a.accounts, strings.Join(a.solved, " ")
}

func template(name string, from, to time.Time) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		panic(err)
	}
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: from, NotAfter: to,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
}

// issue makes a certificate, signed by itself unless there is a parent.
func issue(t *testing.T, name string, from, to time.Time, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := template(name, from, to)
	if parent == nil {
		parent, parentKey = tmpl, key
		tmpl.IsCA, tmpl.BasicConstraintsValid = true, true
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}
