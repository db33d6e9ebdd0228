//go:build e2e

package main_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// recipes is where the files are that the test is about.
const recipes = "../../configs/cdn"

// edge is a cache that runs.
type edge struct {
	name string
	base string // http://127.0.0.1:port
	dir  string // everything it writes
}

// edges are the caches that are really started.
func edges() map[string]func(t *testing.T, origin string) *edge {
	return map[string]func(*testing.T, string) *edge{
		"nginx": startNginx, "varnish": startVarnish, "trafficserver": startTrafficServer,
	}
}

// recipe copies a file of the recipes to dir, with other values for what its
// reader changes. Each must occur: the test would prove another file.
func recipe(t *testing.T, name, dir string, changes ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(recipes, name))
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for i := 0; i < len(changes); i += 2 {
		if !strings.Contains(text, changes[i]) {
			t.Fatalf("%s has no %q", name, changes[i])
		}
		text = strings.ReplaceAll(text, changes[i], changes[i+1])
	}
	path := filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// secrets are the changes that every recipe needs.
func secrets(more ...string) []string {
	return append([]string{
		"change-me-this-is-token-key-one", cdnKeyOne, "change-me-this-is-token-key-two", cdnKeyTwo,
		"change-me-this-is-the-shield-secret", cdnShield,
	}, more...)
}

// freePort returns a port that was free a moment ago: none of the caches can say
// which one it took. It is below those that the kernel gives to whom does not care,
// so that nobody else takes it meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			continue // taken
		}
		if err = l.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("no free port")
	return ""
}

// program finds a cache's program, which need not be in an ordinary user's PATH.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/" + name); err != nil {
			t.Fatalf("%v (run make tools-test, which installs it)", err)
		}
	}
	return path
}

// edgeDir is a short path, since some caches make sockets in it.
func edgeDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cdn")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// runEdge starts a cache's program and waits until it answers.
func runEdge(t *testing.T, e *edge, cmd *exec.Cmd) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", e.name, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // it is told to end
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			<-done
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", e.name, out.String())
		}
	})
	until(t, func() string {
		select {
		case <-done:
			t.Fatalf("%s ended:\n%s", e.name, out.String())
		default:
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.base+"/no/such/thing", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return err.Error()
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusNotFound {
			return fmt.Sprintf("%s answers %s for what does not exist", e.name, res.Status)
		}
		return ""
	})
}

func startNginx(t *testing.T, origin string) *edge {
	t.Helper()
	dir, port := edgeDir(t), freePort(t)
	e := &edge{name: "nginx", base: "http://127.0.0.1:" + port, dir: dir}
	recipe(t, "nginx.js", dir)
	conf := recipe(t, "nginx.conf", dir, secrets(
		"server 127.0.0.1:8080;", "server "+origin+";",
		"listen 80 ", "listen 127.0.0.1:"+port+" ",
		"/var/log/nginx/", dir+"/", "/var/cache/nginx/", dir+"/", "/run/nginx.pid", dir+"/nginx.pid",
		// What the package sets to system folders and a proxy never uses.
		"    sendfile on;", fmt.Sprintf("    client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n    sendfile on;", dir),
	)...)
	global := "daemon off;"
	if os.Getuid() == 0 {
		global += " user root;" // the folder is ours alone
	}
	runEdge(t, e, exec.Command(program(t, "nginx"), "-e", dir+"/start.log", "-c", conf, "-g", global))
	return e
}

func startVarnish(t *testing.T, origin string) *edge {
	t.Helper()
	dir, port := edgeDir(t), freePort(t)
	e := &edge{name: "varnish", base: "http://127.0.0.1:" + port, dir: dir}
	_, originPort, err := net.SplitHostPort(origin)
	if err != nil {
		t.Fatal(err)
	}
	vcl := recipe(t, "varnish.vcl", dir, secrets(`.port = "8080"`, `.port = "`+originPort+`"`)...)
	runEdge(t, e, exec.Command(program(t, "varnishd"), "-F", "-j", "none", "-n", dir+"/work", "-f", vcl,
		"-a", "127.0.0.1:"+port, "-T", "none", "-s", "malloc,256m"))
	return e
}

func startTrafficServer(t *testing.T, origin string) *edge {
	t.Helper()
	dir, port := edgeDir(t), freePort(t)
	e := &edge{name: "trafficserver", base: "http://127.0.0.1:" + port, dir: dir}
	etc := filepath.Join(dir, "etc")
	for _, name := range []string{etc, dir + "/run", dir + "/log", dir + "/cache"} {
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// The recipe is appended to the package's own settings.
	packaged, err := os.ReadFile("/etc/trafficserver/records.config")
	if err != nil {
		t.Fatal(err)
	}
	allow, err := os.ReadFile("/etc/trafficserver/ip_allow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile(recipe(t, "trafficserver/records.config", etc, "STRING 80\n", "STRING "+port+":ip-in=127.0.0.1\n", "INT 1G", "INT 64M"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	more := "CONFIG proxy.config.admin.user_id STRING #-1\nCONFIG proxy.config.crash_log_helper STRING NULL\n"
	write("records.config", string(packaged)+string(ours)+more)
	write("ip_allow.yaml", string(allow))
	write("storage.config", dir+"/cache 128M\n")
	recipe(t, "trafficserver/remap.config", etc, "127.0.0.1:8080", origin)
	recipe(t, "trafficserver/lectern.lua", etc, secrets()...)
	write("runroot.yaml", fmt.Sprintf(`prefix: %[1]s
exec_prefix: %[1]s
bindir: /usr/bin
sbindir: /usr/sbin
sysconfdir: %[1]s/etc
datadir: %[1]s/cache
includedir: /usr/include
libdir: /usr/lib/trafficserver
libexecdir: /usr/lib/trafficserver/modules
localstatedir: %[1]s/run
runtimedir: %[1]s/run
logdir: %[1]s/log
cachedir: %[1]s/cache
`, dir))
	runEdge(t, e, exec.Command(program(t, "traffic_server"), "--run-root="+etc+"/runroot.yaml"))
	return e
}

// holds reports the files below the edge's folder that have any of texts in them:
// logs, cached objects and their keys.
func (e *edge) holds(t *testing.T, texts []string, except ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(e.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil //nolint:nilerr // it was removed meanwhile
		}
		for _, name := range except {
			if strings.Contains(path, name) {
				return nil
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // the same
		}
		for _, text := range texts {
			if bytes.Contains(b, []byte(text)) {
				found = append(found, path)
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
