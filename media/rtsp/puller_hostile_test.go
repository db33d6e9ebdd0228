package rtsp

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/bluenviron/gortsplib/v4/pkg/base"

	"github.com/lectern/lectern/media/rtsp/internal/rtptest"
)

// script is a camera made of canned answers, one connection after the other.
func script(t *testing.T, answer func(method, cseq string) string) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close() //nolint:errcheck // a test's own connection
				r := bufio.NewReader(c)
				var method, cseq string
				for {
					line, err := r.ReadString('\n')
					if err != nil {
						return
					}
					line = strings.TrimSpace(line)
					switch {
					case method == "":
						method, _, _ = strings.Cut(line, " ")
					case strings.HasPrefix(line, "CSeq:"):
						cseq = strings.TrimSpace(line[5:])
					case line == "":
						res := answer(method, cseq)
						if res == "" {
							return
						}
						if _, err := c.Write([]byte(res)); err != nil {
							return
						}
						method = ""
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		wg.Wait()
	})
	return ln.Addr().String()
}

func sdpH264Control(control string) string {
	return strings.Replace(rtptest.SDPH264, "streamid=0", control, 1)
}

func describeAnswer(cseq, medias string) string {
	body := rtptest.SDPHead + medias
	return fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: %s\r\nContent-Base: rtsp://127.0.0.1/x/\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", cseq, len(body), body)
}

// Cameras that would crash the library, and so the process.
func TestPullerSurvivesHostileCameras(t *testing.T) {
	ok := func(cseq, more string) string {
		return "RTSP/1.0 200 OK\r\nCSeq: " + cseq + "\r\n" + more + "\r\n"
	}
	for _, tc := range []struct {
		name   string
		answer func(method, cseq string) string
		want   string
	}{
		{"control address that does not parse", func(method, cseq string) string {
			switch method {
			case "DESCRIBE":
				return describeAnswer(cseq, sdpH264Control("%zz"))
			case "SETUP":
				return "RTSP/1.0 401 Unauthorized\r\nCSeq: " + cseq + "\r\n\r\n"
			default:
				return ok(cseq, "")
			}
		}, outcomeNetwork},
		{"OPTIONS unknown, and junk after the first SETUP", func() func(method, cseq string) string {
			setups := 0
			return func(method, cseq string) string {
				switch method {
				case "OPTIONS":
					return "RTSP/1.0 404 Not Found\r\nCSeq: " + cseq + "\r\n\r\n"
				case "DESCRIBE":
					return describeAnswer(cseq, sdpH264Control("trackID=0")+rtptest.SDPAAC)
				case "SETUP":
					if setups++; setups%2 == 1 {
						return ok(cseq, "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
					}
				}
				return "RTSP/1.0 junk\r\n\r\n"
			}
		}(), outcomeNetwork},
		{"OPTIONS unknown, and all else well", func(method, cseq string) string {
			switch method {
			case "OPTIONS":
				return "RTSP/1.0 404 Not Found\r\nCSeq: " + cseq + "\r\n\r\n"
			case "DESCRIBE":
				return describeAnswer(cseq, sdpH264Control("trackID=0"))
			case "SETUP":
				return ok(cseq, "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
			default:
				return ok(cseq, "")
			}
		}, outcomeConnected},
		{"session timeout that overflows", func(method, cseq string) string {
			switch method {
			case "DESCRIBE":
				return describeAnswer(cseq, sdpH264Control("trackID=0"))
			case "SETUP":
				return ok(cseq, "Session: 1;timeout=4294967295\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
			default:
				return ok(cseq, "")
			}
		}, outcomeConnected},
		{"case 48: redirect to another host", func(method, cseq string) string {
			if method == "DESCRIBE" {
				return "RTSP/1.0 302 Found\r\nCSeq: " + cseq + "\r\nLocation: rtsp://203.0.113.9/x\r\n\r\n"
			}
			return ok(cseq, "")
		}, outcomeRedirect},
		{"redirects in a circle", func(method, cseq string) string {
			if method == "DESCRIBE" {
				return "RTSP/1.0 302 Found\r\nCSeq: " + cseq + "\r\nLocation: rtsp://HOST/x\r\n\r\n"
			}
			return ok(cseq, "")
		}, outcomeRedirect},
		{"closes at once", func(string, string) string { return "" }, outcomeNetwork},
		{"status", func(_, cseq string) string {
			return "RTSP/1.0 453 Secret Words\r\nCSeq: " + cseq + "\r\n\r\n"
		}, outcomeStatus},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var addr string
			addr = script(t, func(method, cseq string) string {
				return strings.ReplaceAll(tc.answer(method, cseq), "HOST", addr)
			})
			tp := newTestPuller(t, "rtsp://"+cameraUser+":secret@"+addr+"/stream1").start(t)
			tp.waitAttempts(t, tc.want, 1)
			tp.stop()
			if text := tp.log.String(); strings.Contains(text, "Secret Words") {
				t.Errorf("the camera's words are in the log:\n%s", text)
			}
		})
	}
}

func TestPullerBelievesNoEndlessSession(t *testing.T) {
	a := &pull{puller: newTestPuller(t, "rtsp://camera/x").puller}
	for header, want := range map[string]string{
		"1;timeout=4294967295": "1;timeout=3600",
		"1;timeout=60":         "1;timeout=60",
		"1":                    "1",
	} {
		res := &base.Response{StatusCode: base.StatusOK, Header: base.Header{"Session": base.HeaderValue{header}}}
		a.onResponse(res)
		if got := res.Header["Session"]; len(got) != 1 || got[0] != want {
			t.Errorf("Session %q became %q, want %q", header, got, want)
		}
	}
}
