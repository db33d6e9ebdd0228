package origin_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/lectern/lectern/hls/origin"
)

var cdns = []origin.Pathway{
	{ID: "A", URL: "https://a.example"},
	{ID: "b.2", URL: "https://b.example:8443"},
	{ID: "C_3", URL: "https://c.example"},
}

func TestSteering(t *testing.T) {
	f := started(t, func(c *origin.Config) { c.CDN = cdns })
	const path = "/live/" + class + "/steering.json"
	w := f.do(http.MethodGet, path)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/vnd.apple.steering-list" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if got := w.Header().Get("Cache-Control"); got != "max-age=300, stale-if-error=86400" {
		t.Errorf("Cache-Control = %q", got)
	}
	if w.Header().Get("Vary") != "" {
		t.Errorf("Vary = %q of what has one encoding", w.Header().Get("Vary"))
	}
	var got, want any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	const manifest = `{"VERSION":1,"TTL":300,"RELOAD-URI":"steering.json","PATHWAY-PRIORITY":["A","b.2","C_3"],"PATHWAY-CLONES":[
		{"BASE-ID":"A","ID":"b.2","URI-REPLACEMENT":{"HOST":"b.example:8443"}},
		{"BASE-ID":"A","ID":"C_3","URI-REPLACEMENT":{"HOST":"c.example"}}]}`
	if err := json.Unmarshal([]byte(manifest), &want); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("manifest %s", w.Body)
	}
	for _, query := range []string{"?_HLS_pathway=%22A%22&_HLS_throughput=5140000", "?_HLS_msn=99", "?" + strings.Repeat("x", 9000)} {
		q := f.do(http.MethodGet, path+query)
		if q.Code != http.StatusOK || q.Body.String() != w.Body.String() || q.Header().Get("ETag") != w.Header().Get("ETag") {
			t.Errorf("%.20s: %d %s", query, q.Code, q.Body)
		}
	}
	if n := f.do(http.MethodGet, path, "If-None-Match", w.Header().Get("ETag")); n.Code != http.StatusNotModified {
		t.Errorf("not modified: %d", n.Code)
	}
	if n := f.do(http.MethodGet, "/live/geometry/steering.json"); n.Code != http.StatusNotFound {
		t.Errorf("of an unknown class: %d", n.Code)
	}
}

// One CDN has nothing to fail over to, but players may still be told of a second
// one later.
func TestSteeringOfOne(t *testing.T) {
	f := started(t, func(c *origin.Config) { c.CDN = cdns[:1] })
	w := f.do(http.MethodGet, "/live/"+class+"/steering.json")
	if want := `{"VERSION":1,"TTL":300,"RELOAD-URI":"steering.json","PATHWAY-PRIORITY":["A"]}`; w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestConfigOfCDNs(t *testing.T) {
	for _, tc := range []struct {
		name string
		cdn  []origin.Pathway
		want []string // in the error; none if it is valid
	}{
		{"none", nil, nil},
		{"three", cdns, nil},
		{"plain http, address", []origin.Pathway{{ID: "x", URL: "http://127.0.0.1:8081"}, {ID: "y", URL: "http://[::1]:8081"}}, nil},
		{"no id", []origin.Pathway{{URL: "https://a.example"}}, []string{"origin.cdn[0].id: "}},
		{"bad id", []origin.Pathway{{ID: `a"b`, URL: "https://a.example"}}, []string{"origin.cdn[0].id: "}},
		{"long id", []origin.Pathway{{ID: strings.Repeat("a", 33), URL: "https://a.example"}}, []string{"origin.cdn[0].id: "}},
		{"id twice", []origin.Pathway{{ID: "a", URL: "https://a.example"}, {ID: "a", URL: "https://b.example"}}, []string{`origin.cdn[1].id: "a" is used twice`}},
		{"host twice", []origin.Pathway{{ID: "a", URL: "https://a.example"}, {ID: "b", URL: "https://a.example"}}, []string{"origin.cdn[1].url: "}},
		{"two schemes", []origin.Pathway{{ID: "a", URL: "https://a.example"}, {ID: "b", URL: "http://b.example"}}, []string{"origin.cdn[1].url: the scheme"}},
		{"path", []origin.Pathway{{ID: "a", URL: "https://a.example/live"}}, []string{"origin.cdn[0].url: "}},
		{"slash", []origin.Pathway{{ID: "a", URL: "https://a.example/"}}, []string{"origin.cdn[0].url: "}},
		{"query", []origin.Pathway{{ID: "a", URL: "https://a.example?x=1"}}, []string{"origin.cdn[0].url: "}},
		{"user", []origin.Pathway{{ID: "a", URL: "https://me@a.example"}}, []string{"origin.cdn[0].url: "}},
		{"relative", []origin.Pathway{{ID: "a", URL: "a.example"}}, []string{"origin.cdn[0].url: "}},
		{"no host", []origin.Pathway{{ID: "a", URL: "https://"}}, []string{"origin.cdn[0].url: "}},
		{"port alone", []origin.Pathway{{ID: "a", URL: "https://:443"}}, []string{"origin.cdn[0].url: "}},
		{"other scheme", []origin.Pathway{{ID: "a", URL: "ftp://a.example"}}, []string{"origin.cdn[0].url: "}},
		{"all at once", []origin.Pathway{{ID: "", URL: "x"}, {ID: "b", URL: "y"}}, []string{"[0].id", "[0].url", "[1].url"}},
		{"too many", make([]origin.Pathway, 17), []string{"origin.cdn: 17"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := origin.DefaultConfig()
			cfg.CDN = tc.cdn
			err := cfg.Validate()
			if len(tc.want) == 0 && err != nil {
				t.Fatal(err)
			}
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %v", want, err)
				}
			}
		})
	}
}

func TestConfigOfShield(t *testing.T) {
	for _, tc := range []struct {
		name    string
		secrets []origin.Secret
		want    string
	}{
		{"two", []origin.Secret{secretA, secretB}, ""},
		{"three", []origin.Secret{secretA, secretB, secretA + "c"}, "origin.shield_secrets: 3 secrets"},
		{"short", []origin.Secret{secretA, "short"}, "origin.shield_secrets: number 2 has not 16"},
		{"empty", []origin.Secret{""}, "origin.shield_secrets: number 1"},
		{"long", []origin.Secret{origin.Secret(strings.Repeat("x", 129))}, "origin.shield_secrets: number 1"},
		{"space", []origin.Secret{"sixteen characters"}, "origin.shield_secrets: number 1"},
		{"line", []origin.Secret{"sixteen\ncharacters"}, "origin.shield_secrets: number 1"},
		{"same", []origin.Secret{secretA, secretA}, "origin.shield_secrets: both"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cfg := origin.DefaultConfig()
			cfg.ShieldSecrets = tc.secrets
			err := cfg.Validate()
			if tc.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("%q is not in %v", tc.want, err)
			}
			for _, s := range tc.secrets {
				if s != "" && strings.Contains(err.Error(), string(s)) {
					t.Errorf("the error repeats a secret: %v", err)
				}
			}
		})
	}
}
