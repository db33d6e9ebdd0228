package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/lectern/lectern/hls/conformance"
)

// ended serves the shortest presentation that keeps every MUST: a playlist that has
// ended before anything was in it.
func ended(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	h.Set("Access-Control-Expose-Headers", "Age, Date")
	h.Set("Content-Type", "application/vnd.apple.mpegurl")
	h.Set("Vary", "Accept-Encoding")
	switch {
	case r.Method == http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.URL.Path != "/index.m3u8":
		w.WriteHeader(http.StatusNotFound)
	case r.Header.Get("Accept-Encoding") == "gzip":
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-ENDLIST\n"))
		_ = z.Close()
	default:
		_, _ = w.Write([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-ENDLIST\n"))
	}
}

// everyRule is all there is to ignore.
func everyRule() string {
	var all []string
	for _, r := range conformance.Rules() {
		all = append(all, strconv.Itoa(r.Number))
	}
	return strings.Join(all, ",")
}

func TestCheckExitStatus(t *testing.T) {
	good := httptest.NewServer(http.HandlerFunc(ended))
	defer good.Close()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:0\n#EXT-X-ENDLIST\n"))
	}))
	defer bad.Close()
	const token = "v1.k.1893456000.abcdefgh.x.mac"
	for _, tc := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"conformant", []string{good.URL + "/index.m3u8"}, 0, "rules checked on 1 playlists"},
		{"broken", []string{bad.URL + "/t/" + token + "/index.m3u8"}, 1, "MUST   22"},
		{"not there", []string{good.URL + "/t/" + token + "/nothing.m3u8"}, 2, "404"},
		{"no server", []string{"http://127.0.0.1:1/t/" + token + "/index.m3u8"}, 2, "cannot be read"},
		{"no URL", nil, 2, "say the URL"},
		{"broken, but ignored", []string{bad.URL + "/index.m3u8", "-ignore", everyRule()}, 0, "0 findings"},
		{"no such rule", []string{good.URL + "/index.m3u8", "-ignore", "22,1000"}, 2, `no rule "1000"`},
		{"no time", []string{good.URL, "-duration", "1ms"}, 2, "duration"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			status := run(t.Context(), append([]string{"check"}, tc.args...), environment{stdout: &out, stderr: &errs})
			if status != tc.status {
				t.Errorf("status %d, want %d; %s%s", status, tc.status, &out, &errs)
			}
			if !strings.Contains(out.String()+errs.String(), tc.says) {
				t.Errorf("%q missing in %s%s", tc.says, &out, &errs)
			}
			if strings.Contains(out.String()+errs.String(), token) {
				t.Errorf("the token stands in %s%s", &out, &errs)
			}
		})
	}
}

func TestCheckJSON(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(ended))
	defer srv.Close()
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"check", "-json", srv.URL + "/index.m3u8"}, environment{stdout: &out, stderr: &errs}); status != 0 {
		t.Fatalf("status %d: %s", status, &errs)
	}
	var got struct {
		Findings   []map[string]any         `json:"findings"`
		NotChecked []conformance.NotChecked `json:"not_checked"`
		Ended      bool                     `json:"ended"`
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for _, f := range got.Findings {
		for _, key := range []string{"rule", "level", "section", "want", "where", "saw", "times"} {
			if f[key] == nil {
				t.Errorf("finding %v without %s", f, key)
			}
		}
	}
	reasons := map[int]string{}
	for _, n := range got.NotChecked {
		reasons[n.Rule] = n.Why
	}
	if len(got.Findings) == 0 || !got.Ended || reasons[81] == "" || reasons[55] == "" {
		t.Errorf("summary = %s, want findings, and reasons for what was not checked", &out)
	}
}
