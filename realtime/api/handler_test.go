package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/realtime/access"
	"github.com/lectern/lectern/realtime/api"
	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "a-token-of-some-length"

// server is an API with what it works with.
type server struct {
	*api.Handler
	db      *kv.DB
	classes *class.Registry
	tokens  *access.KeyRing
	grants  *access.GrantRing
	studios *access.StudioKeys
	metrics *prometheus.Registry

	attended api.Attendances

	mu        sync.Mutex
	now       time.Time // zero: as it is
	publisher *api.Publisher
	refusal   *api.Refusal
	ladder    *api.LadderState
	health    *api.Health
	thumbnail string
	logs      bytes.Buffer
}

func (s *server) Publisher(string) (api.Publisher, bool) {
	if s.publisher == nil {
		return api.Publisher{}, false
	}
	return *s.publisher, true
}

func (s *server) LastRefusal(string) (api.Refusal, bool) {
	if s.refusal == nil {
		return api.Refusal{}, false
	}
	return *s.refusal, true
}

func (s *server) Ladder(string) (api.LadderState, bool) {
	if s.ladder == nil {
		return api.LadderState{}, false
	}
	return *s.ladder, true
}

func (s *server) Health(string) (api.Health, bool) {
	if s.health == nil {
		return api.Health{}, false
	}
	return *s.health, true
}

func (s *server) pictures(r *http.Request, id string) api.Pictures {
	if s.thumbnail == "" {
		return api.Pictures{}
	}
	return api.Pictures{Thumbnail: "http://" + r.Host + "/live/" + id + "/" + s.thumbnail}
}

// checkLadder knows the renditions of a server like any other.
func checkLadder(names []string) error {
	for _, name := range names {
		if !slices.Contains([]string{"source", "720p", "480p", "360p", "audio", "audio-only"}, name) {
			return fmt.Errorf("unknown rendition %q", name)
		}
	}
	return nil
}

func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs.Write(p)
}

func (s *server) clock() time.Time {
	if s.now.IsZero() {
		return time.Now()
	}
	return s.now
}

func links(r *http.Request, id string) api.Links {
	return api.Links{
		Ingest:   api.Ingest{RTMP: "rtmp://" + r.Host + ":1935/live", RTSP: "rtsp://" + r.Host + ":8554/live"},
		Playback: api.Playback{HLS: "http://" + r.Host + "/live/" + id + "/index.m3u8", Watch: "http://" + r.Host + "/watch/" + id},
		Studio:   "http://" + r.Host + "/studio/" + id,
		Socket:   "ws://" + r.Host + "/ws/" + id,
	}
}

func newServer(tb testing.TB) *server {
	tb.Helper()
	db, err := kv.Open(filepath.Join(tb.TempDir(), "lectern.db"), kv.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	s := &server{db: db, metrics: prometheus.NewPedanticRegistry(), attended: register{}}
	if s.classes, err = class.NewRegistry(class.DefaultConfig(), class.Deps{DB: db}); err != nil {
		tb.Fatal(err)
	}
	if s.tokens, err = access.New(access.DefaultConfig(), access.Deps{DB: db, Logger: slog.New(slog.NewTextHandler(s, nil))}); err != nil {
		tb.Fatal(err)
	}
	if s.grants, err = access.NewGrantRing(access.DefaultGrantConfig(), access.Deps{DB: db, Logger: slog.New(slog.NewTextHandler(s, nil))}); err != nil {
		tb.Fatal(err)
	}
	if s.studios, err = access.NewStudioKeys(access.Deps{DB: db, Logger: slog.New(slog.NewTextHandler(s, nil))}); err != nil {
		tb.Fatal(err)
	}
	if s.Handler, err = api.New(api.Deps{
		Tokens: s.tokens, Grants: s.grants, Studios: s.studios, Attendances: s.attended, Now: s.clock,
		Token: class.NewSecret(token), Classes: s.classes, Links: links, Publishers: s, Ladders: s, Checkups: s, Pictures: s.pictures, CheckLadder: checkLadder, Registerer: s.metrics,
		Logger: slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}); err != nil {
		tb.Fatal(err)
	}
	return s
}

// request sends one request, with the token and Content-Type unless the header
// says otherwise ("-" removes a field).
func (s *server) request(tb testing.TB, method, path, body string, header ...string) *http.Response {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), method, "http://live.example.edu"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i+1] == "-" {
			r.Header.Del(header[i])
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func read(tb testing.TB, resp *http.Response) string {
	tb.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func decode[T any](t *testing.T, resp *http.Response, status int) (v T) {
	t.Helper()
	body := read(t, resp)
	if resp.StatusCode != status {
		t.Fatalf("status = %d, want %d: %s", resp.StatusCode, status, body)
	}
	dec := json.NewDecoder(strings.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return v
}

type failure struct {
	Error struct {
		Code      api.Code `json:"code"`
		Message   string   `json:"message"`
		RequestID string   `json:"request_id"`
	} `json:"error"`
}

func TestLifeOfAClass(t *testing.T) {
	s := newServer(t)
	resp := s.request(t, "POST", "/api/v1/classes", `{"id":"maths","title":"Análisis & <I>","starts_at":"2027-01-11T09:00:00+01:00","source":"rtsp://admin:s3cret@cam.example.edu/1"}`)
	if got := resp.Header.Get("Location"); got != "/api/v1/classes/maths" {
		t.Errorf("location = %q", got)
	}
	c := decode[api.Class](t, resp, 201)
	if c.ID != "maths" || c.Title != "Análisis & <I>" || c.State != class.Scheduled || c.StartsAt.Format(time.RFC3339) != "2027-01-11T08:00:00Z" ||
		*c.Source != "rtsp://redacted@cam.example.edu/1" || len(c.StreamKey) != 32 || c.StartedAt != nil || c.Publisher != nil || c.LastRefusal != nil ||
		c.Ingest.RTMP != "rtmp://live.example.edu:1935/live" || c.Ingest.RTMPS != "" || c.Playback.HLS != "http://live.example.edu/live/maths/index.m3u8" || c.Studio == "" {
		t.Errorf("class = %+v", c)
	}
	if strings.Contains(fmt.Sprint(c.Ingest, c.Playback, c.Studio), c.StreamKey) {
		t.Error("the stream key is in a URL")
	}

	if _, err := s.classes.PublisherArrived(t.Context(), "maths"); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	s.publisher = &api.Publisher{Protocol: "rtmp", Remote: "192.0.2.7", Since: now, Video: "H.264 1920x1080 30 fps", BitrateBPS: 4_500_000, KeyframeIntervalSeconds: 2}
	s.refusal = &api.Refusal{Code: "keyframe_interval", Text: "Set the keyframe interval to 2 s.", At: now}
	c = decode[api.Class](t, s.request(t, "GET", "/api/v1/classes/maths", ""), 200)
	if c.State != class.Live || c.StartedAt == nil || c.Publisher == nil || c.Publisher.BitrateBPS != 4_500_000 || c.LastRefusal == nil || c.LastRefusal.Code != "keyframe_interval" {
		t.Errorf("class = %+v", c)
	}

	// A client edits what it got and sends it back: the password stays.
	c = decode[api.Class](t, s.request(t, "PATCH", "/api/v1/classes/maths", `{"title":"Analysis II","starts_at":null,"source":"`+*c.Source+`"}`), 200)
	if c.Title != "Analysis II" || c.StartsAt != nil {
		t.Errorf("class = %+v", c)
	}
	if kept, err := s.classes.Get(t.Context(), "maths"); err != nil || kept.Source.Reveal() != "rtsp://admin:s3cret@cam.example.edu/1" {
		t.Errorf("source = %q, %v", kept.Source.Reveal(), err)
	}
	c = decode[api.Class](t, s.request(t, "PATCH", "/api/v1/classes/maths", `{"source":null}`, "Content-Type", "application/merge-patch+json"), 200)
	if c.Source != nil || c.Title != "Analysis II" {
		t.Errorf("class = %+v", c)
	}

	old := c.StreamKey
	if c = decode[api.Class](t, s.request(t, "POST", "/api/v1/classes/maths/stream-key", ""), 200); c.StreamKey == old || len(c.StreamKey) != 32 {
		t.Errorf("stream key = %q after %q", c.StreamKey, old)
	}
	for range 2 {
		if c = decode[api.Class](t, s.request(t, "POST", "/api/v1/classes/maths/end", "{}"), 200); c.State != class.Ended || c.EndedAt == nil {
			t.Errorf("class = %+v", c)
		}
	}
	if f := decode[failure](t, s.request(t, "POST", "/api/v1/classes/maths/stream-key", ""), 409); f.Error.Code != api.CodeClassEnded {
		t.Errorf("error = %+v", f)
	}
	if f := decode[failure](t, s.request(t, "PATCH", "/api/v1/classes/maths", `{"starts_at":null}`), 409); f.Error.Code != api.CodeClassEnded {
		t.Errorf("error = %+v", f)
	}

	resp = s.request(t, "DELETE", "/api/v1/classes/maths", "")
	if body := read(t, resp); resp.StatusCode != 204 || body != "" {
		t.Errorf("delete = %d %q", resp.StatusCode, body)
	}
	for _, method := range []string{"GET", "DELETE"} {
		if f := decode[failure](t, s.request(t, method, "/api/v1/classes/maths", ""), 404); f.Error.Code != api.CodeNotFound {
			t.Errorf("error = %+v", f)
		}
	}
	for _, secret := range []string{old, c.StreamKey, "s3cret", token} {
		if strings.Contains(s.logs.String(), secret) {
			t.Errorf("%q was logged", secret)
		}
	}
}

func TestList(t *testing.T) {
	s := newServer(t)
	if list := decode[api.ClassList](t, s.request(t, "GET", "/api/v1/classes", ""), 200); list.Classes == nil || len(list.Classes) != 0 || list.NextCursor != nil {
		t.Errorf("list = %+v", list)
	}
	for range 3 {
		decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"title":"x"}`), 201)
	}
	list := decode[api.ClassList](t, s.request(t, "GET", "/api/v1/classes?limit=2", ""), 200)
	if len(list.Classes) != 2 || list.NextCursor == nil {
		t.Fatalf("list = %+v", list)
	}
	rest := decode[api.ClassList](t, s.request(t, "GET", "/api/v1/classes?limit=2&cursor="+*list.NextCursor, ""), 200)
	if len(rest.Classes) != 1 || rest.NextCursor != nil || rest.Classes[0].ID == list.Classes[1].ID {
		t.Errorf("rest = %+v", rest)
	}
	for query, message := range map[string]string{
		"limit=0": "limit: must be 1 to 200", "limit=201": "limit: must be 1 to 200", "limit=x": "limit: must be 1 to 200",
		"limit=99999999999999999999": "limit: must be 1 to 200", "cursor=x": "cursor: is not one that a list gave", "limit=%zz": "query: is not well formed",
	} {
		if f := decode[failure](t, s.request(t, "GET", "/api/v1/classes?"+query, ""), 400); f.Error.Message != message || f.Error.Code != api.CodeInvalidField {
			t.Errorf("%s: %+v, want %q", query, f, message)
		}
	}
}

func TestHTTPRules(t *testing.T) {
	s := newServer(t)
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"id":"maths","title":"x"}`), 201)
	const one = "/api/v1/classes/maths"
	for _, tc := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		want                     map[string]string // response header
	}{
		{"no token", "GET", one, "", []string{"Authorization", "-"}, 401, map[string]string{"WWW-Authenticate": `Bearer realm="lectern"`}},
		{"wrong token", "GET", one, "", []string{"Authorization", "Bearer x" + token}, 401, map[string]string{"WWW-Authenticate": `Bearer realm="lectern", error="invalid_token"`}},
		{"empty token", "GET", one, "", []string{"Authorization", "Bearer "}, 401, nil},
		{"other scheme", "GET", one, "", []string{"Authorization", "Basic " + token}, 401, nil},
		{"scheme in other case", "GET", one, "", []string{"Authorization", "bearer " + token}, 200, nil},
		{"token in the query", "GET", one + "?token=" + token, "", []string{"Authorization", "-"}, 401, nil},
		{"unknown route without a token", "GET", "/api/v1/x", "", []string{"Authorization", "-"}, 401, nil},
		{"unknown route", "GET", "/api/v1/x", "", nil, 404, nil},
		{"trailing slash", "GET", one + "/", "", nil, 404, nil},
		{"impossible id", "GET", "/api/v1/classes/..%2f", "", nil, 404, nil},
		{"unknown action", "POST", one + "/start", "", nil, 404, nil},
		{"wrong method on a class", "PUT", one, "{}", nil, 405, map[string]string{"Allow": "DELETE, GET, HEAD, PATCH"}},
		{"wrong method on the list", "DELETE", "/api/v1/classes", "", nil, 405, map[string]string{"Allow": "GET, HEAD, POST"}},
		{"get of an action", "GET", one + "/end", "", nil, 405, map[string]string{"Allow": "POST"}},
		{"preflight", "OPTIONS", one, "", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "GET", "Authorization", "-"}, 401, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"other origin", "GET", one, "", []string{"Origin", "https://evil.example"}, 200, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"no content type", "POST", "/api/v1/classes", `{"title":"x"}`, []string{"Content-Type", "-"}, 415, nil},
		{"form", "POST", "/api/v1/classes", `{"title":"x"}`, []string{"Content-Type", "text/plain"}, 415, nil},
		{"merge patch as creation", "POST", "/api/v1/classes", `{"title":"x"}`, []string{"Content-Type", "application/merge-patch+json"}, 415, nil},
		{"other charset", "PATCH", one, `{}`, []string{"Content-Type", "application/json; charset=latin1"}, 415, nil},
		{"compressed", "PATCH", one, `{}`, []string{"Content-Encoding", "gzip"}, 415, nil},
		{"charset", "PATCH", one, `{}`, []string{"Content-Type", `application/json; charset="UTF-8"`}, 200, nil},
		{"head", "HEAD", one, "", nil, 200, map[string]string{"Content-Type": "application/json"}},
		{"head of nothing", "HEAD", "/api/v1/classes/none", "", nil, 404, nil},
		{"document without a token", "GET", "/api/v1/openapi.json", "", []string{"Authorization", "-"}, 200, map[string]string{"Content-Type": "application/json"}},
		{"post to the document without a token", "POST", "/api/v1/openapi.json", "", []string{"Authorization", "-"}, 405, map[string]string{"Allow": "GET, HEAD"}},
		{"request id", "GET", one, "", []string{"X-Request-Id", "Az09-_."}, 200, map[string]string{"X-Request-Id": "Az09-_."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resp := s.request(t, tc.method, tc.path, tc.body, tc.header...)
			body := read(t, resp)
			if resp.StatusCode != tc.status {
				t.Fatalf("status = %d, want %d: %s", resp.StatusCode, tc.status, body)
			}
			for k, v := range tc.want {
				if got := resp.Header.Get(k); got != v {
					t.Errorf("%s = %q, want %q", k, got, v)
				}
			}
			if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Request-Id") == "" {
				t.Errorf("header = %v", resp.Header)
			}
			if (body == "") != (tc.method == "HEAD") {
				t.Errorf("body = %q", body)
			}
			if tc.method != "HEAD" && resp.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
				t.Errorf("length = %s of %d", resp.Header.Get("Content-Length"), len(body))
			}
		})
	}
	for _, bad := range []string{"", "a b", "a\nb", strings.Repeat("a", 65), "é"} {
		if got := s.request(t, "GET", one, "", "X-Request-Id", bad).Header.Get("X-Request-Id"); got == bad || len(got) != 26 {
			t.Errorf("request id %q became %q", bad, got)
		}
	}
	if problems, err := testutil.GatherAndLint(s.metrics); err != nil || len(problems) > 0 {
		t.Errorf("metrics: %v, %v", problems, err)
	}
	families, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(families); strings.Contains(text, "maths") || !strings.Contains(text, "/api/v1/classes/{id}") {
		t.Errorf("metrics name a class, or no route: %s", text)
	}
}

// The cause of a failure is for the log alone, and the request id joins the two.
func TestInternalErrorsStayInside(t *testing.T) {
	s := newServer(t)
	_ = s.db.Close()
	f := decode[failure](t, s.request(t, "POST", "/api/v1/classes", `{"title":"x"}`, "X-Request-Id", "req-8"), 500)
	if f.Error.Code != api.CodeInternal || strings.Contains(f.Error.Message, "database") {
		t.Errorf("error = %+v", f)
	}
	if log := s.logs.String(); !strings.Contains(log, "request_id=req-8") || !strings.Contains(log, kv.ErrClosed.Error()) || !strings.Contains(log, "level=ERROR") {
		t.Errorf("log = %s", log)
	}
}

func TestNewRefusesHalfADependency(t *testing.T) {
	s := newServer(t)
	for name, d := range map[string]api.Deps{
		"no token":    {Classes: s.classes, Links: links},
		"short token": {Classes: s.classes, Links: links, Token: class.NewSecret("123456789012345")},
		"no classes":  {Links: links, Token: class.NewSecret(token)},
		"no links":    {Classes: s.classes, Token: class.NewSecret(token)},
	} {
		if _, err := api.New(d); err == nil || strings.Contains(err.Error(), "123456789012345") {
			t.Errorf("%s: err = %v", name, err)
		}
	}
	h, err := api.New(api.Deps{Classes: s.classes, Links: links, Token: class.NewSecret(token)})
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = h // without Publishers, Logger and Registerer
	decode[api.Class](t, s.request(t, "POST", "/api/v1/classes", `{"title":"x"}`), 201)
	if strings.Contains(fmt.Sprintf("%+v", h), token) {
		t.Error("the handler keeps the token")
	}
}
