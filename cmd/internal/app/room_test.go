package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/lectern/lectern/media/mediatest"
	"github.com/lectern/lectern/realtime"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
)

// A poll in a lesson, over a restart of the server: both are in the room again as
// the persons they were, miss nothing, and the vote counts once.
func TestRoomGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	first := start(t, testConfig(dir))
	c := first.create("algebra")
	teacher := first.push(c.StreamKey)
	first.teach(teacher, mediatest.New(t, mediatest.Config{Round: time.Millisecond}), 20*time.Second)
	first.wantSegments("/live/algebra/source/index.m3u8", 3)

	hosting := first.enter("/studio/algebra/grant", secretOf(t, c), "")
	viewing := first.enter("/watch/algebra/grant", "", "")
	host := first.join("algebra", hosting.Grant, nil)
	ada := first.join("algebra", viewing.Grant, nil)
	if host.welcome.Role != realtime.RoleHost || ada.welcome.Role != realtime.RoleParticipant || ada.welcome.Participant == host.welcome.Participant {
		t.Errorf("host %+v, viewer %+v", host.welcome, ada.welcome)
	}
	poll := host.do("poll.save", map[string]any{"kind": "single", "prompt": "2+2?", "options": []string{"3", "4"}, "results": "live"}).ID
	host.do("poll.open", map[string]any{"poll": poll})
	var opened realtime.PollOpened
	ada.want(realtime.EventPollOpened, &opened)
	body := first.wantSegments("/live/algebra/source/index.m3u8", 3)
	// What is on the viewer's clock lies in what they can play.
	if at := time.UnixMilli(opened.At); opened.Poll != poll || at.Before(firstDate(t, body)) || at.After(firstDate(t, body).Add(21*time.Second)) {
		t.Errorf("opened %+v, the playlist begins at %s", opened, firstDate(t, body))
	}
	vote := map[string]any{"poll": poll, "choices": []int{1}, "media_ts": opened.At}
	ada.do("poll.vote", vote)
	var tally realtime.Tally
	for tally.Voters != 1 {
		host.want(realtime.EventTally, &tally)
	}

	status := first.status("algebra", hosting.Pass)
	if in := status.Ingest; status.State != "live" || status.Viewers != 1 || in == nil || in.Protocol != "rtmp" || in.VideoCodec == "" || in.Width == 0 ||
		status.StreamKey != c.StreamKey || status.LiveSince.IsZero() {
		t.Errorf("status %s", toJSON(t, status))
	}

	stopped := make(chan error, 1)
	go func() { stopped <- first.stop() }()
	if a, b := ada.closed(), host.closed(); a != realtime.CloseRestart || b != realtime.CloseRestart {
		t.Errorf("closed with %d and %d", a, b)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	_ = teacher.Closed(t.Context())

	second := start(t, testConfig(dir))
	hostAgain := second.enter("/studio/algebra/grant", hosting.Pass, "")
	adaAgain := second.enter("/watch/algebra/grant", "", viewing.Pass)
	host2 := second.join("algebra", hostAgain.Grant, host)
	ada2 := second.join("algebra", adaAgain.Grant, ada)
	for _, x := range []struct {
		name          string
		before, after *guest
	}{{"host", host, host2}, {"ada", ada, ada2}} {
		if !x.after.welcome.Recovered || x.after.welcome.Participant != x.before.welcome.Participant || x.after.epoch != x.before.epoch {
			t.Errorf("%s comes back as %+v, was %+v", x.name, x.after.welcome, x.before.welcome)
		}
	}
	ada2.do("poll.vote", vote) // the same again changes nothing
	for another := ada2.say("poll.vote", map[string]any{"poll": poll, "choices": []int{0}, "media_ts": opened.At}); ; {
		e, err := ada2.next()
		if err != nil {
			t.Fatal(err)
		}
		if e.Re != another {
			continue
		}
		var refused realtime.Refusal
		if err = json.Unmarshal(e.Data, &refused); err != nil || refused.Code != realtime.CodeAlreadyVoted {
			t.Errorf("votes for another: %s %s, %v", e.Type, e.Data, err)
		}
		break
	}
	host2.do("poll.close", map[string]any{"poll": poll})
	host2.do("poll.reveal", map[string]any{"poll": poll})
	var shown realtime.PollRevealed
	if ada2.want(realtime.EventPollRevealed, &shown); shown.Tally == nil || shown.Tally.Voters != 1 || shown.Tally.Counts[1] != 1 {
		t.Errorf("revealed %s", toJSON(t, shown))
	}

	// The class ends from the studio. People are still behind, and speak to each other
	// until the host has enough.
	if code, answer := second.post("/studio/algebra/end", hosting.Pass, ""); code != http.StatusOK {
		t.Errorf("end: %d %s", code, answer)
	}
	second.wantState("algebra", class.Ended)
	var closes realtime.RoomCloses
	if ada2.want(realtime.EventRoomCloses, &closes); closes.Until < time.Now().UnixMilli() {
		t.Errorf("the room closes at %d", closes.Until)
	}
	ada2.do("chat.send", map[string]any{"text": "Thank you!"})
	if _, page := second.get("/watch/algebra"); !strings.Contains(page, `data-grant-url="/watch/algebra/grant"`) {
		t.Error("who opens the page just after the end is not let into the room")
	}
	late := second.join("algebra", second.enter("/watch/algebra/grant", "", "").Grant, nil)
	if late.welcome.OpenUntil != closes.Until {
		t.Errorf("who is late is told %+v", late.welcome)
	}
	host2.do("room.close", map[string]any{})
	if a, b := ada2.closed(), host2.closed(); a != realtime.CloseClassEnded || b != realtime.CloseClassEnded {
		t.Errorf("closed with %d and %d", a, b)
	}
	again := second.dial("algebra")
	again.say("hello", map[string]any{"grant": adaAgain.Grant})
	if code := again.closed(); code != realtime.CloseClassEnded {
		t.Errorf("after the end: %d", code)
	}
	if err := second.stop(); err != nil {
		t.Fatal(err)
	}

	// A server that starts later lets nobody in.
	cfg := testConfig(dir)
	cfg.Room.CloseAfter = 0
	third := start(t, cfg)
	again = third.dial("algebra")
	again.say("hello", map[string]any{"grant": adaAgain.Grant})
	if code := again.closed(); code != realtime.CloseClassEnded {
		t.Errorf("after a restart: %d", code)
	}
	for path, bearer := range map[string]string{"/watch/algebra/grant": "", "/studio/algebra/grant": hosting.Pass} {
		if code, answer := third.post(path, bearer, "{}"); code != http.StatusNotFound {
			t.Errorf("%s after the end: %d %s", path, code, answer)
		}
	}
	if _, page := third.get("/watch/algebra"); strings.Contains(page, "data-grant-url") {
		t.Error("the page has a room that is over")
	}
	for name, secret := range map[string]string{
		"studio": secretOf(t, c), "host's pass": hosting.Pass, "viewer's pass": viewing.Pass, "host's grant": hosting.Grant, "viewer's grant": viewing.Grant,
	} {
		if strings.Contains(first.log.String()+second.log.String()+third.log.String(), secret) {
			t.Errorf("the log has the secret: %s", name)
		}
	}
}

// firstDate returns the first EXT-X-PROGRAM-DATE-TIME.
func firstDate(t *testing.T, playlist string) time.Time {
	t.Helper()
	_, rest, _ := strings.Cut(playlist, "#EXT-X-PROGRAM-DATE-TIME:")
	line, _, _ := strings.Cut(rest, "\n")
	date, err := time.Parse(time.RFC3339, line)
	if err != nil {
		t.Fatal(err)
	}
	return date
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Who may enter what.
func TestDoorsOfTheRoom(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	s.create("open")
	closed, err := s.api.Create(t.Context(), api.CreateClass{ID: "closed", Title: "Exam", Access: class.AccessToken})
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := s.api.CreatePlaybackToken(t.Context(), "closed", api.CreatePlaybackToken{})
	if err != nil {
		t.Fatal(err)
	}
	ada, err := s.api.CreateGrant(t.Context(), "open", api.CreateGrant{Role: realtime.RoleParticipant, Name: "Ada", Person: "p_ada"})
	if err != nil {
		t.Fatal(err)
	}
	secret := secretOf(t, closed)
	hosting := s.enter("/studio/closed/grant", secret, "")
	granted, err := s.api.CreateGrant(t.Context(), "closed", api.CreateGrant{Role: realtime.RoleHost, Name: "Grace"})
	if err != nil {
		t.Fatal(err)
	}
	moderator, err := s.api.CreateGrant(t.Context(), "closed", api.CreateGrant{Role: realtime.RoleModerator})
	if err != nil {
		t.Fatal(err)
	}
	forged := "v1." + viewer.Token[strings.Index(viewer.Token, ".")+1:len(viewer.Token)-2] + "AA"
	for _, tc := range []struct {
		name, path, bearer, body string
		want                     int
	}{
		{"anybody, where all may", "/watch/open/grant", "", "{}", 200},
		{"anybody, where a token is needed", "/watch/closed/grant", "", "{}", 403},
		{"a forged token", "/watch/closed/grant", forged, "{}", 403},
		{"a token", "/watch/closed/grant", viewer.Token, "{}", 200},
		{"a pass alone", "/watch/closed/grant", "", `{"pass":"` + moderator.Pass + `"}`, 403},
		{"the secret is no viewer token", "/watch/closed/grant", secret, "{}", 403},
		{"no class", "/watch/none/grant", "", "{}", 404},
		{"no JSON", "/watch/open/grant", "", "pass", 400},
		{"too much", "/watch/open/grant", "", `{"pass":"` + strings.Repeat("x", 5000) + `"}`, 400},
		{"studio with its secret", "/studio/closed/grant", secret, "", 200},
		{"studio with a host's pass", "/studio/closed/grant", granted.Pass, "", 200},
		{"studio with a grant", "/studio/closed/grant", granted.Grant, "", 403},
		{"studio with a moderator's pass", "/studio/closed/grant", moderator.Pass, "", 403},
		{"studio with a student's pass", "/studio/open/grant", ada.Pass, "", 403},
		{"studio with the secret of another", "/studio/open/grant", secret, "", 403},
		{"studio with nothing", "/studio/open/grant", "", "", 403},
		{"studio of no class", "/studio/none/grant", secret, "", 404},
		{"the end with a student's pass", "/studio/open/end", ada.Pass, "", 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if code, answer := s.post(tc.path, tc.bearer, tc.body); code != tc.want {
				t.Errorf("%d %s, want %d", code, answer, tc.want)
			}
		})
	}

	// A pass names the same person again, one of elsewhere somebody new.
	again := s.join("open", s.enter("/watch/open/grant", "", ada.Pass).Grant, nil)
	if again.welcome.Participant != "p_ada" || again.welcome.Name != "Ada" {
		t.Errorf("ada is %+v", again.welcome)
	}
	stranger := s.join("open", s.enter("/watch/open/grant", "", moderator.Pass).Grant, nil)
	if w := stranger.welcome; w.Role != realtime.RoleParticipant || w.Participant == moderator.Participant {
		t.Errorf("the moderator of another class is %+v", w)
	}
	keeper := s.join("closed", s.enter("/watch/closed/grant", viewer.Token, moderator.Pass).Grant, nil)
	if w := keeper.welcome; w.Role != realtime.RoleModerator || !w.Permissions.Has(realtime.MayModerate|realtime.MayTriage) || w.Permissions.Has(realtime.MaySetRoom) {
		t.Errorf("the moderator is %+v", w)
	}
	keeper.do("room.set", map[string]any{"slow_mode_s": 5, "chat": "questions"})
	elsewhere := s.dial("closed")
	elsewhere.say("hello", map[string]any{"grant": ada.Grant})
	if code := elsewhere.closed(); code != realtime.CloseInvalidGrant {
		t.Errorf("grant of another class: %d", code)
	}

	// What the studio is told.
	status := s.status("closed", hosting.Pass)
	if status.State != "scheduled" || status.StreamKey != closed.StreamKey || !strings.HasPrefix(status.Server, "rtmp://") || status.Ingest != nil {
		t.Errorf("status %s", toJSON(t, status))
	}
	if code, answer := s.post("/watch/closed/grant", status.Token, "{}"); code != http.StatusOK {
		t.Errorf("the host's own viewer token: %d %s", code, answer)
	}

	// A class that is deleted and made again is another one.
	if err = s.api.Delete(t.Context(), "closed"); err != nil {
		t.Fatal(err)
	}
	if code, answer := s.post("/studio/closed/grant", hosting.Pass, ""); code != http.StatusNotFound {
		t.Errorf("studio of a deleted class: %d %s", code, answer)
	}
}

// The same over TLS, as in every real school; and the links say so.
func TestRoomOverTLS(t *testing.T) {
	s, pool, client := startTLS(t)
	s.create("algebra")
	body := strings.NewReader(`{"role":"host"}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.addrs.HTTPS+"/api/v1/classes/algebra/grants", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var granted api.RoomGrant
	if err = errors.Join(json.NewDecoder(res.Body).Decode(&granted), res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if granted.Socket != "wss://"+s.addrs.HTTPS+"/ws/algebra" || granted.Page == nil || !strings.HasPrefix(*granted.Page, "https://"+s.addrs.HTTPS+"/studio/algebra#p=") {
		t.Fatalf("socket %s", granted.Socket)
	}
	host := s.dialAt(granted.Socket, pool)
	host.say("hello", map[string]any{"grant": granted.Grant})
	if host.want(realtime.EventWelcome, &host.welcome); host.welcome.Role != realtime.RoleHost {
		t.Errorf("welcome %+v", host.welcome)
	}
}

// A studio link that got into wrong hands is replaced, and with it what was gotten
// for it.
func TestStudioLinkIsReplaced(t *testing.T) {
	s := start(t, testConfig(t.TempDir()))
	c := s.create("algebra")
	stolen := s.enter("/studio/algebra/grant", secretOf(t, c), "")
	var fresh api.Class
	mediatest.Eventually(t, func() string { // a secret's age is in whole seconds
		var err error
		if fresh, err = s.api.RotateStudio(t.Context(), "algebra"); err != nil {
			t.Fatal(err)
		}
		if code, _ := s.post("/studio/algebra/grant", stolen.Pass, ""); code != http.StatusForbidden {
			return fmt.Sprintf("the old pass: %d", code)
		}
		return ""
	})
	if code, _ := s.post("/studio/algebra/grant", secretOf(t, c), ""); code != http.StatusForbidden {
		t.Errorf("the old secret: %d", code)
	}
	s.enter("/studio/algebra/grant", secretOf(t, fresh), "")
}

// Who asks too often is told to wait, and others are not.
func TestDoorIsNotKnockedDown(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.WS.HandshakeBurst, cfg.WS.HandshakeRate = 3, 1
	s := start(t, cfg)
	s.create("algebra")
	mediatest.Eventually(t, func() string {
		code, answer := s.post("/watch/algebra/grant", "", "{}")
		if code != http.StatusTooManyRequests || !strings.Contains(answer, "rate_limited") {
			return fmt.Sprintf("%d %s", code, answer)
		}
		return ""
	})
	if code, _ := s.get("/watch/algebra"); code != http.StatusOK {
		t.Errorf("the page: %d", code)
	}
}

// Behind a proxy each client has limits of its own, if the proxy is known; a client
// that names somebody else in the header has its own nevertheless.
func TestDoorBehindAProxy(t *testing.T) {
	cfg := testConfig(t.TempDir())
	cfg.WS.HandshakeBurst, cfg.WS.HandshakeRate = 3, 1
	cfg.TrustedProxies = []string{"127.0.0.1"}
	s := start(t, cfg)
	s.create("algebra")
	ask := func(via string) (grant, socket int) {
		grant, _ = s.request(http.MethodPost, "http://"+s.addrs.HTTP+"/watch/algebra/grant", "{}", "Content-Type", "application/json", "X-Forwarded-For", via)
		d := websocket.Dialer{Subprotocols: []string{realtime.Subprotocol}}
		sock, res, err := d.DialContext(t.Context(), "ws://"+s.addrs.HTTP+"/ws/algebra", http.Header{"X-Forwarded-For": {via}})
		if res == nil {
			t.Fatal(err)
		}
		if err == nil {
			_ = sock.Close()
		}
		_ = res.Body.Close()
		return grant, res.StatusCode
	}
	var grants, sockets bool
	for n := 0; !grants || !sockets; n++ {
		grant, socket := ask(fmt.Sprintf("198.51.100.%d, 203.0.113.7", n%250))
		grants = grants || grant == http.StatusTooManyRequests
		sockets = sockets || socket == http.StatusTooManyRequests
	}
	if grant, socket := ask("203.0.113.8"); grant != http.StatusOK || socket != http.StatusSwitchingProtocols {
		t.Errorf("somebody else: %d and %d", grant, socket)
	}
}
