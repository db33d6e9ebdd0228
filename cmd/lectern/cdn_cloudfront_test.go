//go:build e2e

package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The function for CloudFront decides as the caches do that can be run here. Node
// runs it: this says nothing about CloudFront itself.
func TestCDNCloudFrontFunction(t *testing.T) {
	dir := t.TempDir()
	path := recipe(t, "cloudfront/function.js", dir, "change-me-this-is-token-key-one", cdnKeyOne, "change-me-this-is-token-key-two", cdnKeyTwo)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	module := filepath.Join(dir, "function.mjs")
	run := `
import { readFileSync } from 'fs';
console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map((request) => handler({ request }))));
`
	if err = os.WriteFile(module, append(b, run...), 0o600); err != nil {
		t.Fatal(err)
	}

	type value struct {
		Value string `json:"value"`
	}
	type request struct {
		Method      string           `json:"method"`
		URI         string           `json:"uri"`
		Querystring map[string]value `json:"querystring"`
		Headers     map[string]value `json:"headers"`
	}
	type result struct {
		request
		StatusCode int `json:"statusCode"`
	}
	soon := time.Now().Add(time.Hour)
	uri := "/live/" + cdnClass + "/source/index.m3u8"
	cases := []struct {
		name, method, path string
		query              map[string]value
		status             int // 0 if it is passed on
		viewer             string
	}{
		{name: "good", path: "/t/" + newToken() + uri, viewer: "token", query: map[string]value{"_HLS_msn": {"7"}, "_HLS_part": {"1"}, "CMCD": {"bl=1"}}},
		{name: "second key", path: "/t/" + mintToken("k2", cdnKeyTwo, cdnClass, soon) + uri, viewer: "token"},
		{name: "no token", path: uri, viewer: "anonymous"},
		{name: "wrong key", path: "/t/" + mintToken("k1", cdnKeyTwo, cdnClass, soon) + uri, status: 403},
		{name: "no such key", path: "/t/" + mintToken("constructor", cdnKeyTwo, cdnClass, soon) + uri, status: 403},
		{name: "another class", path: "/t/" + mintToken("k1", cdnKeyOne, "geometry", soon) + uri, status: 403},
		{name: "expired", path: "/t/" + mintToken("k1", cdnKeyOne, cdnClass, time.Now().Add(-time.Second)) + uri, status: 403},
		{name: "garbage", path: "/t/v1.k1" + uri, status: 403},
		{name: "elsewhere", path: "/api/v1/classes", status: 404},
		{name: "preflight", method: "OPTIONS", path: "/t/" + newToken() + uri, status: 204},
	}
	var in []request
	for _, tc := range cases {
		if tc.method == "" {
			tc.method = "GET"
		}
		in = append(in, request{Method: tc.method, URI: tc.path, Querystring: tc.query, Headers: map[string]value{"lectern-viewer": {"token"}}})
		if in[len(in)-1].Querystring == nil {
			in[len(in)-1].Querystring = map[string]value{}
		}
	}
	stdin, err := os.Create(filepath.Join(dir, "requests.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err = json.NewEncoder(stdin).Encode(in); err != nil {
		t.Fatal(err)
	}
	if _, err = stdin.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", module)
	cmd.Stdin = stdin
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var results []result
	if err = json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err = stdin.Close(); err != nil {
		t.Fatal(err)
	}
	for i, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			got := results[i]
			if got.StatusCode != tc.status {
				t.Fatalf("answers %d, want %d", got.StatusCode, tc.status)
			}
			if tc.status != 0 {
				return
			}
			if got.URI != uri || got.Headers["lectern-viewer"].Value != tc.viewer {
				t.Errorf("asks the origin for %s as %v", got.URI, got.Headers)
			}
			if _, ok := got.Querystring["CMCD"]; ok || got.Querystring["_HLS_msn"] != tc.query["_HLS_msn"] {
				t.Errorf("asks with %v", got.Querystring)
			}
		})
	}
}
