package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/api"
	realclass "github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// busy is a server on which every class is published to and something is wrong
// with it.
type busy struct{}

func (busy) Ladder(string) (api.LadderState, bool) {
	return api.LadderState{
		Level: 3, Since: time.Unix(0, 0), Reason: "cpu", Text: "The server is busy, so 720p is left out.",
		Renditions: []api.Rendition{
			{Name: "source", Kind: "video", Width: 1920, Height: 1080, FrameRate: 29.97, State: "passed_through"},
			{Name: "720p", Kind: "video", Width: 1280, Height: 720, FrameRate: 30, MaxBitrateBPS: 2500000, State: "shed", LagSeconds: 1.25, DroppedFrames: 17},
			{Name: "audio", Kind: "audio", State: "passed_through"},
		},
		Worker: api.Worker{State: "running", Restarts: 2, LastReason: "memory"},
	}, true
}

func (busy) Health(string) (api.Health, bool) {
	return api.Health{Findings: []api.Finding{{Code: "silence", Severity: "problem", Text: "No sound arrives.", Setting: "OBS: Audio Mixer: unmute the microphone."}}}, true
}

func (busy) Attendance(context.Context, string) ([]api.Attendee, error) {
	id := "4711"
	return []api.Attendee{{
		Participant: id, ExternalID: &id, Name: "Ada L.", Role: "participant", Intervals: []api.Interval{{From: time.Unix(0, 0), To: time.Unix(5400, 0)}},
	}}, nil
}

// What a person does with a class, and reads of it.
func TestClassCommand(t *testing.T) {
	const token = "sixteen-characters"
	db, err := kv.Open(filepath.Join(t.TempDir(), "lectern.db"), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	classes, err := realclass.NewRegistry(realclass.DefaultConfig(), realclass.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := access.New(access.DefaultConfig(), access.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	studios, err := access.NewStudioKeys(access.Deps{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := api.New(api.Deps{
		Token: realclass.NewSecret(token), Classes: classes, Tokens: tokens, Studios: studios, Attendances: busy{}, Ladders: busy{}, Checkups: busy{},
		Links: func(*http.Request, string) api.Links { return api.Links{Studio: "/studio"} },
		CheckLadder: func(names []string) error {
			if names[0] == "9000p" {
				return fmt.Errorf("unknown rendition %q", names[0])
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	environ := []string{"LECTERN_URL=" + server.URL, "LECTERN_API_TOKEN=" + token}

	// In order: each works with what the ones before have left.
	for _, tc := range []struct {
		name   string
		args   string
		status int
		says   []string
		not    string
	}{
		{"create", "create -id maths -title Analysis -ladder source,720p,audio", 0, []string{"Analysis", "ladder      source, 720p, audio", "studio      /studio#k="}, ""},
		{"create with an unknown rendition", "create -title x -ladder 9000p", 1, []string{`ladder: unknown rendition "9000p"`}, ""},
		{"studio", "studio maths", 0, []string{"/studio#k="}, "Analysis"},
		{"another studio link", "studio maths -new", 0, []string{"/studio#k="}, "Analysis"},
		{"studio of an unknown class", "studio physics", 1, []string{"no such class"}, ""},
		{"attendance", "attendance maths", 0, []string{"PARTICIPANT", "4711", "1h30m0s  Ada L.\n"}, ""},
		{"attendance as a table", "attendance maths -csv", 0, []string{"participant,external_id,name,", "4711,4711,Ada L.,participant,false,", ",5400,"}, ""},
		{"attendance as it is", "attendance maths -json", 0, []string{`"seconds": 5400`}, ""},
		{"attendance of an unknown class", "attendance physics -csv", 1, []string{"no such class"}, ""},
		{"show", "show maths", 0, []string{
			"rendition   source  1920x1080 29.97 fps: passed through\n",
			"rendition   720p  1280x720 30 fps, at most 2.5 Mbit/s: shed, 1.2 s late, 17 pictures skipped\n",
			"rendition   audio: passed through\n",
			"level 3 since ", "The server is busy, so 720p is left out.",
			"running, restarted 2 times, last: memory",
			"problem     No sound arrives. OBS: Audio Mixer: unmute the microphone.",
		}, ""},
		{"set ladder", "set maths -ladder source,audio", 0, []string{"ladder      source, audio\n", "Analysis"}, ""},
		{"set title and start", "set maths -title Algebra -starts-at 2030-12-01T09:15:00Z", 0, []string{"Algebra", "ladder      source, audio\n"}, ""},
		{"set ladder back", "set maths -ladder default", 0, []string{"Algebra"}, "source, audio"},
		{"remove the start", "set maths -starts-at none", 0, []string{"Algebra"}, ""},
		{"create for viewers with a token", "create -id closed -title Exam -access token -dvr 90m", 0, []string{"access      token", "seek back   1h30m0s\n"}, ""},
		{"token", "token closed", 0, []string{"watch     #t=v1.", "playlist  /t/v1.", "/live/closed/index.m3u8\nexpires   20"}, ""},
		{"token for an hour", "token closed -expires-in 1h -json", 0, []string{`"token": "v1.`}, ""},
		{"token for no time", "token closed -expires-in 1s", 1, []string{"expires_in: must be 60 to 604800 seconds"}, ""},
		{"token for no duration", "token closed -expires-in x", 2, []string{`-expires-in: "x" is not a duration`}, ""},
		{"token of an unknown class", "token physics", 1, []string{"no such class"}, ""},
		{"revoke", "revoke closed", 0, []string{"all viewer tokens of class closed so far are revoked\n"}, ""},
		{"revoke those of an unknown class", "revoke physics", 1, []string{"no such class"}, ""},
		{"revoke those of no class", "revoke", 2, []string{"say which class"}, ""},
		{"create with an unknown access", "create -title x -access private", 1, []string{"access: must be public or token"}, ""},
		{"create with a window too short", "create -title x -dvr 30s", 1, []string{"dvr_window: must be 60 to 86400 seconds"}, ""},
		{"set access", "set maths -access token", 0, []string{"Algebra", "access      token"}, ""},
		{"set window", "set maths -dvr 24h", 0, []string{"access      token", "seek back   24h0m0s\n"}, ""},
		{"set both back", "set maths -access default -dvr default", 0, []string{"Algebra"}, "seek back"},
		{"set a bad window", "set maths -dvr 1.5s", 2, []string{`-dvr: "1.5s" is not a duration`}, ""},
		{"set nothing", "set maths", 2, []string{"say what to set"}, ""},
		{"set a bad start", "set maths -starts-at tomorrow", 2, []string{`"tomorrow" is not a time`}, ""},
		{"set an unknown class", "set physics -title x", 1, []string{"no such class"}, ""},
		{"list", "list", 0, []string{"maths", "Algebra"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out bytes.Buffer
			status := run(context.Background(), append([]string{"class"}, strings.Fields(tc.args)...), environment{stdout: &out, stderr: &out, environ: environ})
			if status != tc.status {
				t.Errorf("status = %d, want %d", status, tc.status)
			}
			for _, want := range tc.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("output is\n%s\nwithout %q", &out, want)
				}
			}
			if tc.not != "" && strings.Contains(out.String(), tc.not) {
				t.Errorf("output is\n%s\nwith %q", &out, tc.not)
			}
		})
	}
	if c, gerr := classes.Get(t.Context(), "maths"); gerr != nil || c.Ladder != nil || c.Access != realclass.AccessPublic || c.DVRWindow != 0 || !c.StartsAt.IsZero() || c.Title != "Algebra" {
		t.Errorf("class = %+v, %v", c, gerr)
	}
}
