package app_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/lectern/lectern/"

// Data flows one way (DESIGN §2). The table lists, for each package, which
// packages of ours it may import; an import that is not in it needs a reason as
// good as the ones below, written here.
func allowedImports() map[string][]string {
	return map[string][]string{
		"media":                   {},
		"media/mediatest":         {"media"},
		"media/timeline":          {"media"},
		"media/stream":            {"media", "media/timeline"},
		"media/internal/paramset": {"media"},
		"media/internal/flv":      {"media", "media/internal/paramset"},
		// ingest is what rtmp and rtsp share: it knows no protocol.
		"media/ingest":              {"media", "media/stream"},
		"media/ingest/ingesttest":   {"media", "media/ingest", "media/mediatest", "media/stream"},
		"media/rtmp":                {"media", "media/ingest", "media/stream", "media/internal/flv", "media/rtmp/internal/chunk"},
		"media/rtmp/internal/chunk": {},
		"media/rtmp/rtmptest":       {"media"},
		"media/rtsp":                {"media", "media/ingest", "media/stream", "media/rtsp/internal/reception"},
		// reception reads the media of whoever rtsp has connected; rtpclock and it
		// know nothing of connections.
		"media/rtsp/internal/reception": {"media", "media/ingest", "media/internal/paramset", "media/rtsp/internal/rtpclock"},
		"media/rtsp/internal/rtpclock":  {"media"},
		"media/rtsp/internal/rtptest":   {"media"},
		// health and loudness judge what a publisher sends; nobody on the way of the
		// media depends on them.
		"media/health":   {"media"},
		"media/loudness": {},
		"transcode":      {"media", "media/stream"},
		// ffmpeg runs in a process of its own; worker is the pipe to it, and knows the
		// engine by transcode's interface only.
		"transcode/ffmpeg":               {"media", "media/loudness", "transcode"},
		"transcode/worker":               {"media", "transcode", "transcode/worker/internal/wire"},
		"transcode/worker/internal/wire": {"media", "transcode"},
		"storage/kv":                     {},
		"storage/segment":                {},
		"storage/space":                  {},
		"storage/storyboard":             {},
		"hls":                            {"media", "media/stream", "storage/segment", "hls/internal/cmaf", "hls/playlist"},
		"hls/playlist":                   {"storage/segment"},
		"hls/internal/cmaf":              {"media"},
		// conformance judges anybody\'s HLS: it must not know our own.
		"hls/conformance": {},
		"hls/origin":      {"hls", "storage/segment"},
		// loop carries the origin's answers; it knows two interfaces of it.
		"hls/origin/loop": {"hls/origin"},
		"realtime":        {},
		"realtime/class":  {"realtime", "storage/kv"},
		// access says what a person may do in a room, and its texts name classes.
		"realtime/access": {"realtime", "realtime/class", "storage/kv"},
		// The room's arrows run ws -> room -> broker -> storage/kv; state is pure, and
		// broker does not look into what it keeps.
		"realtime/ws":         {"realtime", "realtime/access", "realtime/room"},
		"realtime/room":       {"realtime", "realtime/broker", "realtime/room/state"},
		"realtime/room/state": {"realtime"},
		"realtime/broker":     {"storage/kv"},
		// transcript reads the logs beside the rooms, and knows their entries by state.
		"realtime/transcript":        {"realtime", "realtime/broker", "realtime/room/state"},
		"realtime/broker/brokertest": {"realtime/broker"},
		"realtime/api":               {"realtime", "realtime/class", "realtime/access"},
		"realtime/web":               {"realtime"},
		// configs joins the packages' own Configs; only cmd may import it.
		"configs": {
			"media/health", "media/rtmp", "media/rtsp", "media/stream", "transcode", "transcode/worker", "hls", "hls/origin",
			"storage/segment", "storage/space", "storage/storyboard", "realtime/access", "realtime/class", "realtime/room", "realtime/web",
			"realtime/ws",
		},
		// bench meets a server as its users do, and a worker process as a server does.
		"bench": {"media", "media/stream", "hls", "storage/segment", "transcode", "transcode/worker", "realtime", "realtime/api", "realtime/class"},
		// The stand-in for a server has no media of its own, but real rooms.
		"realtime/web/e2e/fakeserver":         {"realtime", "realtime/access", "realtime/broker", "realtime/room", "realtime/transcript", "realtime/web", "realtime/ws", "storage/kv"},
		"configs/internal/reference":          {"configs"},
		"configs/internal/reference/generate": {"configs/internal/reference"},
		"cmd/internal/certs":                  {"configs"},
		"cmd/internal/ops":                    {},
		"cmd/internal/lecture":                {},
		// app is the composition root: it may import everything but main.
		"cmd/internal/app": {"*"},
		"cmd/lectern":      {"*"},
	}
}

// wrapped names the only packages that may import a wrapped library, so that its
// types stop there.
func wrapped() map[string][]string {
	return map[string][]string{
		"github.com/yutopp/go-rtmp":         {"media/rtmp"},
		"github.com/bluenviron/gortsplib":   {"media/rtsp"},
		"github.com/bluenviron/gohlslib":    {"hls"},
		"github.com/bluenviron/mediacommon": {"media/internal/paramset", "media/internal/flv", "media/rtsp", "transcode/ffmpeg", "hls"},
		"go.etcd.io/bbolt":                  {"storage/kv"},
		"github.com/goccy/go-yaml":          {"configs"},
		"github.com/asticode/go-astiav":     {"transcode/ffmpeg"},
		"github.com/gorilla/websocket":      {"realtime/ws"},
	}
}

type listedPackage struct {
	ImportPath string
	Imports    []string
	CgoFiles   []string
}

func TestImportGraph(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,CgoFiles", "../../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := allowedImports()
	seen := map[string]bool{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listedPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, module)
		seen[name] = true
		may, ok := allowed[name]
		if !ok {
			t.Errorf("package %s is not in the table of the data flow", name)
			continue
		}
		if len(p.CgoFiles) > 0 && name != "transcode/ffmpeg" {
			t.Errorf("package %s uses cgo; only transcode/ffmpeg may", name)
		}
		for _, imp := range p.Imports {
			if own, ok := strings.CutPrefix(imp, module); ok && !slices.Contains(may, own) && !slices.Contains(may, "*") {
				t.Errorf("package %s imports %s, against the data flow", name, own)
			}
			for lib, users := range wrapped() {
				if strings.HasPrefix(imp, lib) && !slices.ContainsFunc(users, func(u string) bool { return name == u || strings.HasPrefix(name, u+"/") }) {
					t.Errorf("package %s imports %s, which is wrapped by %v", name, imp, users)
				}
			}
			if strings.HasPrefix(imp, module+"cmd/") && !strings.HasPrefix(name, "cmd/") {
				t.Errorf("package %s imports %s: nothing outside cmd may", name, imp)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("the table names %s, which does not exist", name)
		}
	}
}
