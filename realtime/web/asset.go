package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed assets
var assetFiles embed.FS //nolint:gochecknoglobals // go:embed needs a package variable

// vendored is the folder of hls.js within the assets.
const vendored = "vendor/hls.js/"

// assetSet is all files below /assets/. Our own share one version, the hash over
// all of them, as the first element of their path: modules import each other by
// relative URL and so always get the set they were made for. hls.js is versioned
// by its own release, so that its 600 kB outlive a release of Lectern in caches.
type assetSet struct {
	// base and hlsBase are "/assets/{version}", without a slash at the end.
	base, hlsBase string
	// modules are the URLs of our scripts, sorted, for the page to preload.
	modules []string
	byURL   map[string]*asset
}

// asset is one file, immutable.
type asset struct {
	contentType string
	body        []byte
	tag         string
	// gzipped returns the compressed body, made at the first request for it, or
	// nil if it would not be smaller.
	gzipped func() []byte
}

func loadAssets() (*assetSet, error) {
	files := map[string][]byte{}
	var names []string
	err := fs.WalkDir(assetFiles, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "assets/")
		files[name] = body
		names = append(names, name)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read embedded assets: %w", err)
	}
	slices.Sort(names)

	all := sha256.New()
	for _, name := range names {
		sum := sha256.Sum256(files[name])
		_, _ = fmt.Fprintf(all, "%s %x\n", name, sum)
	}
	set := &assetSet{
		base:    "/assets/" + hex.EncodeToString(all.Sum(nil)[:8]),
		hlsBase: "/assets/hls.js-" + strings.TrimSpace(string(files[vendored+"VERSION"])),
		byURL:   map[string]*asset{},
	}
	for _, name := range names {
		url := set.base + "/" + name
		if rest, ok := strings.CutPrefix(name, vendored); ok {
			url = set.hlsBase + "/" + rest
		} else if path.Ext(name) == ".mjs" {
			set.modules = append(set.modules, url)
		}
		set.byURL[url] = newAsset(name, files[name])
	}
	return set, nil
}

func newAsset(name string, body []byte) *asset {
	return &asset{
		contentType: contentType(name),
		body:        body,
		tag:         entityTag(body),
		gzipped: sync.OnceValue(func() []byte {
			var buf bytes.Buffer
			// Neither can fail: the level is valid and a Buffer takes everything.
			z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
			_, _ = z.Write(body)
			_ = z.Close()
			if buf.Len() >= len(body) {
				return nil
			}
			return buf.Bytes()
		}),
	}
}

// contentType does not ask the machine's MIME tables, which differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "text/plain; charset=utf-8"
	}
}

func (h *Handler) serveAsset(w http.ResponseWriter, r *http.Request) {
	file, ok := h.assets.byURL[r.URL.Path]
	if !ok {
		h.serveNothing(w, r)
		return
	}
	head := w.Header()
	head.Set("Cache-Control", "public, max-age=31536000, immutable")
	head.Set("Content-Type", file.contentType)
	head.Set("Vary", "Accept-Encoding")
	body, tag := file.body, file.tag
	if acceptsGzip(r.Header.Values("Accept-Encoding")) {
		if z := file.gzipped(); z != nil {
			body, tag = z, strings.TrimSuffix(tag, `"`)+`-gzip"`
			head.Set("Content-Encoding", "gzip")
		}
	}
	head.Set("ETag", tag)
	h.answer(w, r, routeAsset, http.StatusOK, body)
}

// acceptsGzip reads Accept-Encoding (RFC 9110 §12.5.3) as far as needed: gzip is
// named and not refused by a zero weight.
func acceptsGzip(fields []string) bool {
	for _, field := range fields {
		for one := range strings.SplitSeq(field, ",") {
			coding, weight, _ := strings.Cut(one, ";")
			if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
				continue
			}
			weight = strings.TrimLeft(strings.TrimSpace(weight), "qQ=")
			return strings.Trim(weight, "0.") != "" || weight == ""
		}
	}
	return false
}
