package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/lectern/lectern/realtime/web"
)

func TestVendoredVersion(t *testing.T) {
	module, err := os.ReadFile("assets/vendor/hls.js/hls.min.mjs")
	if err != nil {
		t.Fatal(err)
	}
	version, err := os.ReadFile("assets/vendor/hls.js/VERSION")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(module, bytes.TrimSpace(version)) {
		t.Errorf("hls.min.mjs does not say that it is %s", version)
	}
}

func TestAssetCompression(t *testing.T) {
	h := newHandler(t, web.DefaultConfig(), web.Deps{})
	const target = "/assets/hls.js-1.7.4/hls.min.mjs"
	plain := get(t, h, "GET", target)
	for _, tt := range []struct {
		name, accept string
		gzip         bool
	}{
		{"none", "", false},
		{"browser", "gzip, deflate, br, zstd", true},
		{"weighted", "br;q=1.0, gzip;q=0.8", true},
		{"refused", "gzip;q=0", false},
		{"refused at length", "gzip; q=0.000", false},
		{"other", "br", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(t, h, "GET", target, "Accept-Encoding", tt.accept)
			if got := resp.Header.Get("Content-Encoding") == "gzip"; got != tt.gzip {
				t.Fatalf("gzip %v, want %v", got, tt.gzip)
			}
			if resp.Header.Get("Vary") != "Accept-Encoding" {
				t.Error("no Vary")
			}
			if same := resp.Header.Get("ETag") == plain.Header.Get("ETag"); same == tt.gzip {
				t.Errorf("ETag %s for both encodings: %v", resp.Header.Get("ETag"), same)
			}
		})
	}
	z, err := gzip.NewReader(get(t, h, "GET", target, "Accept-Encoding", "gzip").Body)
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if string(unpacked) != body(t, plain) {
		t.Error("compressed body differs")
	}
}
