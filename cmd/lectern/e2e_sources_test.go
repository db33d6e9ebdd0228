//go:build e2e

package main_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/hls/conformance"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// watched is how long the conformance checker looks at each source: two
// segments of the longest GOP.
const watched = 10 * time.Second

// source is one way in which a real encoder pushes.
type source struct {
	name  string
	video string // lavfi source and filters; none if empty
	audio string
	by    string   // "rtmp" by default
	codec []string // ffmpeg's output options, after the defaults

	codecs string        // what CODECS begins with
	frame  time.Duration // of the video
	sound  time.Duration // an audio frame
	loose  time.Duration // how exact EXTINF is
}

const (
	tone    = "sine=b=4:r=48000"
	frame30 = time.Second / 30
	frame25 = time.Second / 25
	aac48   = 1024 * time.Second / 48000
	aac44   = 1024 * time.Second / 44100
	picture = "testsrc2=s=320x180:r="
	x265    = "log-level=error:keyint=60:min-keyint=60:scenecut=0:pools=1:frame-threads=1"
)

func sources() []source {
	gop := func(frames string) []string { return []string{"-g", frames, "-keyint_min", frames} }
	return []source{
		{name: "rtmp", video: picture + "30", audio: tone},
		{name: "rtmps", video: picture + "30", audio: tone, by: "rtmps"},
		{name: "rtsp", video: picture + "30", audio: tone, by: "rtsp"},
		{
			name: "hevc", video: picture + "30", audio: tone, by: "rtsp", codecs: "hvc1.",
			codec: []string{"-c:v", "libx265", "-x265-params", x265 + ":open-gop=0"},
		},
		{
			// The pictures that are shown before a keyframe and sent after it make
			// the first segment look longer than it is.
			name: "hevc-open-gop", video: picture + "30", audio: tone, by: "rtsp", codecs: "hvc1.", loose: 4 * frame30,
			codec: []string{"-c:v", "libx265", "-x265-params", x265 + ":open-gop=1"},
		},
		{name: "audio-only", audio: tone, codecs: "mp4a.40.2"},
		{name: "audio-only-rtsp", audio: tone, codecs: "mp4a.40.2", by: "rtsp"},
		{name: "video-only", video: picture + "30"},
		{name: "video-only-rtsp", video: picture + "30", by: "rtsp"},
		{
			name: "scene-cuts", video: picture + "30,negate=enable='lt(mod(t,1.7),0.6)+lt(mod(t,2.9),0.3)'", audio: tone,
			codec: []string{"-preset", "veryfast", "-bf", "2", "-sc_threshold", "40", "-keyint_min", "2"},
		},
		{name: "b-frames-rtsp", video: picture + "30", audio: tone, by: "rtsp", codec: []string{"-preset", "veryfast", "-bf", "3"}},
		{name: "25fps", video: picture + "25", audio: tone, codec: gop("50"), frame: frame25},
		{name: "29.97fps", video: picture + "30000/1001", audio: tone, frame: 1001 * time.Second / 30000},
		{name: "60fps", video: picture + "60", audio: tone, codec: gop("120"), frame: time.Second / 60},
		{name: "10fps", video: picture + "10", audio: tone, codec: gop("20"), frame: time.Second / 10},
		{name: "gop-1s", video: picture + "30", audio: tone, codec: gop("30")},
		{name: "gop-4s", video: picture + "30", audio: tone, codec: gop("120")},
		{name: "44.1kHz-mono", video: picture + "30", audio: "sine=b=4:r=44100", codec: []string{"-ar", "44100", "-ac", "1"}, sound: aac44},
		{name: "portrait", video: "testsrc2=s=360x640:r=30", audio: tone},
	}
}

// withDefaults fills what a source does not say.
func (s source) withDefaults() source {
	if s.by == "" {
		s.by = "rtmp"
	}
	if s.codecs == "" {
		s.codecs = "avc1."
	}
	if s.frame == 0 {
		s.frame = frame30
	}
	if s.sound == 0 {
		s.sound = aac48
	}
	if s.loose == 0 {
		s.loose = exact
	}
	return s
}

// push is the ffmpeg that sends file, which s was recorded to, to url in real time.
func (s source) push(file, url string) *exec.Cmd {
	to := []string{"-f", "flv", url}
	if s.by == "rtsp" {
		to = []string{"-f", "rtsp", "-rtsp_transport", "tcp", url}
	}
	return exec.Command("ffmpeg", append([]string{"-hide_banner", "-nostdin", "-loglevel", "error", "-re", "-i", file, "-c", "copy"}, to...)...)
}

// record encodes the source for seconds into a file, whose name it returns. It may be
// called from any goroutine.
func (s source) record(t *testing.T, name string, seconds int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	args := slices.Concat([]string{"-hide_banner", "-nostdin", "-loglevel", "error"}, s.encode(), []string{"-t", strconv.Itoa(seconds), file})
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Errorf("record %s: %v: %s", s.name, err, out)
	}
	return file
}

// replay is the ffmpeg that pushes the file again and again in real time.
func (s source) replay(file string, c api.Class) *exec.Cmd {
	args := []string{"-hide_banner", "-nostdin", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", file, "-c", "copy"}
	if s.by == "rtsp" {
		return exec.Command("ffmpeg", append(args, "-f", "rtsp", "-rtsp_transport", "tcp", c.Ingest.RTSP+"/"+c.StreamKey)...)
	}
	return exec.Command("ffmpeg", append(args, "-f", "flv", c.Ingest.RTMP+"/"+c.StreamKey)...)
}

// encode returns ffmpeg's arguments from the inputs to the encoders.
func (s source) encode() []string {
	var in, out []string
	for _, lavfi := range []string{s.video, s.audio} {
		if lavfi != "" {
			in = append(in, "-f", "lavfi", "-i", lavfi)
		}
	}
	if s.video != "" {
		out = append(out, "-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-pix_fmt", "yuv420p", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0")
	}
	if s.audio != "" {
		out = append(out, "-c:a", "aac", "-b:a", "64k")
	}
	return slices.Concat(in, out, s.codec)
}

// pushing is an ffmpeg at work.
type pushing struct {
	cmd    *exec.Cmd
	done   chan struct{}
	stderr bytes.Buffer // read it when done is closed
}

func start(t *testing.T, cmd *exec.Cmd) *pushing {
	t.Helper()
	p := &pushing{cmd: cmd, done: make(chan struct{})}
	cmd.Stderr = &p.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // killed, mostly; what it said is in stderr
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *pushing) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// Real encoders, as they come: one class each on one server, all at once. Every
// class keeps the rules of HLS, and every segment of it can be played. What they send
// is encoded beforehand, since this machine may be too slow to do that in real time.
func TestSources(t *testing.T) {
	all := sources()
	files := make([]string, len(all))
	var recording sync.WaitGroup
	for i := range all {
		all[i] = all[i].withDefaults()
		recording.Go(func() { files[i] = all[i].record(t, "source.mp4", 60) })
	}
	recording.Wait()
	if t.Failed() {
		t.FailNow()
	}
	srv := startServer(t, t.TempDir(), selfSigned(t)...)
	client := insecureClient()
	type run struct {
		source
		class api.Class
		push  *pushing
		sum   conformance.Summary
		err   error
	}
	var runs []*run
	for i, s := range all {
		c, err := srv.api.Create(t.Context(), api.CreateClass{ID: strings.ReplaceAll(strings.ToLower(s.name), ".", "-"), Title: s.name})
		if err != nil {
			t.Fatal(err)
		}
		base := map[string]string{"rtmp": c.Ingest.RTMP, "rtmps": c.Ingest.RTMPS, "rtsp": c.Ingest.RTSP}[s.by]
		runs = append(runs, &run{source: s, class: c, push: start(t, s.push(files[i], base+"/"+c.StreamKey))})
	}
	for _, r := range runs {
		until(t, func() string {
			select {
			case <-r.push.done:
				t.Fatalf("%s: ffmpeg ended: %s", r.name, r.push.stderr.String())
			default:
			}
			if code, body := get(t, r.class.Playback.HLS); code != http.StatusOK {
				return fmt.Sprintf("%s answers %d %s", r.class.Playback.HLS, code, body)
			}
			return ""
		})
	}
	var wg sync.WaitGroup
	for _, r := range runs {
		// One is watched as a CDN would, over TLS and HTTP/2.
		url, hc := r.class.Playback.HLS, (*http.Client)(nil)
		if r.by == "rtmps" {
			url, hc = "https://"+srv.HTTPS+"/live/"+r.class.ID+"/index.m3u8", client
		}
		wg.Go(func() {
			r.sum, r.err = conformance.Check(t.Context(), conformance.Config{URL: url, Duration: watched, Client: hc})
		})
	}
	wg.Wait()
	for _, r := range runs {
		r.push.kill() // what it left is examined without it
	}
	for _, r := range runs {
		t.Run(r.name, func(t *testing.T) {
			if r.err != nil {
				t.Fatal(r.err)
			}
			judge(t, r.sum.Findings)
			examine(t, r.source, r.class.Playback.HLS)
		})
	}
	t.Run("HTTP/2", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+srv.HTTPS+"/live/rtmps/source/index.m3u8", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || res.ProtoMajor != 2 {
			t.Errorf("answers %s over %s, want 200 over HTTP/2", res.Status, res.Proto)
		}
	})
}

// A keyframe interval that cannot be served is refused where the teacher looks:
// in what the encoder prints.
func TestLongKeyframeIntervalIsRefused(t *testing.T) {
	t.Parallel()
	srv := startServer(t, t.TempDir())
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: "algebra", Title: "Linear algebra"})
	if err != nil {
		t.Fatal(err)
	}
	s := source{video: picture + "30", audio: tone, codec: []string{"-g", "250", "-keyint_min", "250"}}.withDefaults()
	p := start(t, s.push(s.record(t, "source.mp4", 30), c.Ingest.RTMP+"/"+c.StreamKey))
	until(t, func() string {
		select {
		case <-p.done:
			return ""
		default:
			return "ffmpeg goes on"
		}
	})
	if said := p.stderr.String(); !strings.Contains(said, "Keyframe Interval") {
		t.Errorf("ffmpeg says\n%s", said)
	}
	got, err := srv.api.Get(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.LastRefusal == nil || !strings.Contains(got.LastRefusal.Text, "Keyframe Interval") || got.State != class.Scheduled {
		t.Errorf("the class is %s, refusal %+v", got.State, got.LastRefusal)
	}
}

// selfSigned makes a certificate for 127.0.0.1 and returns the settings to serve
// RTMPS and HTTPS with it.
func selfSigned(t *testing.T) []string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lectern"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certDER, err := x509.CreateCertificate(rand.Reader, &cert, &cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return []string{
		"LECTERN_TLS_CERT_FILE=" + write("cert.pem", "CERTIFICATE", certDER), "LECTERN_TLS_KEY_FILE=" + write("key.pem", "PRIVATE KEY", keyDER),
		"LECTERN_LISTEN_RTMPS=127.0.0.1:0", "LECTERN_LISTEN_HTTPS=127.0.0.1:0",
	}
}

// insecureClient is a client that speaks HTTP/2 where it can and trusts anybody:
// the certificate is the test's own.
func insecureClient() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	}
}
