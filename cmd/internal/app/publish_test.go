package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/media/rtmp/rtmptest"
	"github.com/lectern/lectern/realtime/class"
)

func TestPublishAndPlay(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("algebra")
	if code, _ := s.get("/live/algebra/index.m3u8"); code != http.StatusNotFound {
		t.Errorf("before the first segment: %d, want 404", code)
	}
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	teacher := s.push(c.StreamKey)
	s.teach(teacher, src, 20*time.Second)
	s.wantState("algebra", class.Live)

	for _, rendition := range []string{"source", "audio"} {
		base := "/live/algebra/" + rendition + "/"
		body := s.wantSegments(base+"index.m3u8", 3)
		files := mapURI.FindStringSubmatch(body)[1:]
		for _, m := range partURI.FindAllStringSubmatch(body, -1) {
			files = append(files, m[1])
		}
		files = append(files, segmentLine.FindAllString(body, -1)...)
		for _, f := range files {
			if code, media := s.get(base + f); code != http.StatusOK || len(media) < 100 {
				t.Errorf("%s%s: %d with %d bytes", base, f, code, len(media))
			}
		}
	}
	code, multivariant := s.get("/live/algebra/index.m3u8")
	if code != http.StatusOK || !strings.Contains(multivariant, "RESOLUTION=64x36") || !strings.Contains(multivariant, `CODECS="avc1.`) {
		t.Errorf("multivariant playlist: %d\n%s", code, multivariant)
	}
	if strings.Contains(multivariant, c.StreamKey) {
		t.Error("the stream key is in a playlist")
	}
	got, err := s.api.Get(t.Context(), "algebra")
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Publisher; p == nil || p.Protocol != "rtmp" || !strings.Contains(p.Video, "H.264 64x36") || !strings.Contains(p.Audio, "AAC 48000") || p.KeyframeIntervalSeconds != 2 {
		t.Errorf("publisher = %+v", p)
	}

	if _, err := s.api.End(t.Context(), "algebra"); err != nil {
		t.Fatal(err)
	}
	mediatest.Eventually(t, func() string {
		if _, body := s.get("/live/algebra/source/index.m3u8"); !strings.Contains(body, "#EXT-X-ENDLIST") {
			return "no end in\n" + body
		}
		return ""
	})
	if err := teacher.Closed(t.Context()); err == nil {
		t.Error("the publisher of an ended class is still connected")
	}
	if _, err := rtmptest.Push(t.Context(), s.addrs.RTMP, c.StreamKey); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("publishing to an ended class: %v", err)
	}
	if strings.Contains(s.log.String(), c.StreamKey) || strings.Contains(s.log.String(), s.token) {
		t.Error("the log holds a secret")
	}
}

// Whatever one peer sends, it gets a clear answer and the other class goes on.
func TestBadInputIsAnsweredWhereThePersonLooks(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	good := s.create("good")
	src := mediatest.New(t, mediatest.Config{Round: time.Millisecond})
	teacher := s.push(good.StreamKey)
	s.teach(teacher, src, 5*time.Second)

	t.Run("wrong key", func(t *testing.T) {
		_, err := rtmptest.Push(t.Context(), s.addrs.RTMP, "not-a-key")
		var refused *rtmptest.StatusError
		if !errors.As(err, &refused) || !strings.Contains(refused.Error(), "stream key is not known") {
			t.Errorf("err = %v, want words about the stream key", err)
		}
	})
	t.Run("slow keyframes", func(t *testing.T) {
		c := s.create("slow")
		lazy := mediatest.New(t, mediatest.Config{GOP: 300, Round: time.Millisecond})
		client := s.push(c.StreamKey)
		s.teach(client, lazy, 6*time.Second)
		for {
			status, err := client.NextStatus(t.Context())
			if err != nil {
				t.Fatalf("no refusal: %v", err)
			}
			if strings.Contains(fmt.Sprint(status), "Keyframe Interval") {
				break
			}
		}
		_ = client.Closed(t.Context())
		mediatest.Eventually(t, func() string {
			got, err := s.api.Get(t.Context(), "slow")
			if err != nil {
				return err.Error()
			}
			if got.LastRefusal == nil || got.LastRefusal.Code != "keyframe_interval" {
				return fmt.Sprintf("last refusal = %+v", got.LastRefusal)
			}
			return ""
		})
	})
	t.Run("HTTP on the RTMP port", func(t *testing.T) {
		code, body := s.request(http.MethodGet, "http://"+s.addrs.RTMP+"/", "")
		if code != http.StatusBadRequest || !strings.Contains(body, "RTMP") {
			t.Errorf("%d %q", code, body)
		}
	})
	t.Run("junk on the RTMP port", func(t *testing.T) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.addrs.RTMP)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Write(bytes.Repeat([]byte{0x9e}, 4096)) // may be cut off in between
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("err = %v, want the connection closed", err)
		}
	})
	for _, tc := range []struct {
		name, method, path, body string
		code                     int
		want                     string
	}{
		{"unknown class playlist", "GET", "/live/none/index.m3u8", "", 404, ""},
		{"unknown class page", "GET", "/watch/none", "", 404, ""},
		{"unknown rendition", "GET", "/live/good/9000p/index.m3u8", "", 404, ""},
		{"unknown segment", "GET", "/live/good/source/s999-abc.m4s", "", 404, ""},
		{"path tricks", "GET", "/live/good/source/..%2f..%2f..%2flectern.db", "", 404, ""},
		{"write to a playlist", "PUT", "/live/good/index.m3u8", "x", 405, ""},
		{"bad directive", "GET", "/live/good/source/index.m3u8?_HLS_part=1", "", 400, "_HLS_msn"},
		{"api without token", "GET", "/api/v1/classes?anonymous", "", 401, "unauthorized"},
		{"malformed body", "POST", "/api/v1/classes", `{"title":`, 400, ""},
		{"bad field", "POST", "/api/v1/classes", `{"title":""}`, 400, "title"},
		{"unknown field", "POST", "/api/v1/classes", `{"titel":"x"}`, 400, "titel"},
		{"unknown class", "GET", "/api/v1/classes/none", "", 404, "error"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			header := []string{"Content-Type", "application/json", "Authorization", "Bearer " + s.token}
			if strings.HasSuffix(tc.path, "?anonymous") {
				header = header[:2]
			}
			code, body := s.request(tc.method, "http://"+s.addrs.HTTP+tc.path, tc.body, header...)
			if code != tc.code || !strings.Contains(body, tc.want) {
				t.Errorf("%s %s = %d %s, want %d with %q", tc.method, tc.path, code, body, tc.code, tc.want)
			}
		})
	}

	before := len(segments(s.wantSegments("/live/good/source/index.m3u8", 0)))
	s.teach(teacher, src, 10*time.Second)
	s.wantSegments("/live/good/source/index.m3u8", before)
	_, metrics := s.request(http.MethodGet, "http://"+s.addrs.Admin+"/metrics", "")
	for _, want := range []string{
		`lectern_class_key_checks_total{outcome="unknown"} 1`,
		`lectern_stream_refusals_total{reason="keyframe_interval"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// An encoder whose settings are refused may try for hours: the class has not
// begun, so it cannot end.
func TestRefusedPublisherDoesNotBeginTheClass(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("hevc-less")
	client := s.push(c.StreamKey)
	_, frames := mediatest.Frames(t, "mp3")
	for i := range uint32(12) {
		if err := client.WriteAudio(i*250, append([]byte{0x2f}, frames[0]...)); err != nil {
			break // refused already
		}
	}
	for {
		status, err := client.NextStatus(t.Context())
		if err != nil {
			t.Fatalf("no refusal: %v", err)
		}
		if strings.Contains(fmt.Sprint(status), "AAC") {
			break
		}
	}
	_ = client.Closed(t.Context())
	s.wantState("hevc-less", class.Scheduled)
}
