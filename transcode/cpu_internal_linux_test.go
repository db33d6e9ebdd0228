package transcode

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// kernel writes the files that a HostCPU reads below root.
func kernel(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHostCPUShare(t *testing.T) {
	const stat = "cpu  %d 0 %d %d 50 0 0 %d 7 7\ncpu0 1 1 1 1\n"
	for _, tc := range []struct {
		name                      string
		user, system, idle, steal int // ticks that pass
		group                     string
		max                       string
		usedMillis                int // by the group in the second that passes
		want                      float64
	}{
		{"idle", 0, 0, 200, 0, "/", "", 0, 0},
		{"busy", 100, 50, 50, 0, "/", "", 0, 0.75},
		{"stolen", 0, 0, 100, 100, "/", "", 0, 0.5},
		{"quota in a container", 20, 0, 180, 0, "/", "50000 100000\n", 450, 0.9},
		{"quota on a group above", 20, 0, 180, 0, "/lectern/worker", "100000 100000\n", 600, 0.6},
		{"quota less busy than the machine", 180, 0, 20, 0, "/", "200000 100000\n", 100, 0.9},
		{"no quota", 20, 0, 180, 0, "/", "max 100000\n", 2000, 0.1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root := t.TempDir()
			now := time.Unix(1_800_000_000, 0)
			h := newHostCPU(root, func() time.Time { return now })
			files := map[string]string{
				"proc/stat":        fmt.Sprintf(stat, 1000, 1000, 1000, 0),
				"proc/self/cgroup": "1:cpu:/elsewhere\n0::" + tc.group + "\n",
			}
			if tc.max != "" {
				top := "sys/fs/cgroup/" + filepath.Dir(tc.group)
				files[top+"/cpu.max"] = tc.max
				files[top+"/cpu.stat"] = "usage_usec 5000000\nuser_usec 1\n"
			}
			kernel(t, root, files)
			if share, ok := h.Share(); ok {
				t.Fatalf("share = %v before any time has passed", share)
			}
			now = now.Add(time.Second)
			files["proc/stat"] = fmt.Sprintf(stat, 1000+tc.user, 1000+tc.system, 1000+tc.idle, tc.steal)
			for name := range files {
				if filepath.Base(name) == "cpu.stat" {
					files[name] = fmt.Sprintf("usage_usec %d\nuser_usec 1\n", 5_000_000+tc.usedMillis*1000)
				}
			}
			kernel(t, root, files)
			if share, ok := h.Share(); !ok || math.Abs(share-tc.want) > 1e-9 {
				t.Errorf("share = %v, %v, want %v", share, ok, tc.want)
			}
			// Asked again at once, it tells the same.
			now = now.Add(500 * time.Millisecond)
			kernel(t, root, map[string]string{"proc/stat": fmt.Sprintf(stat, 9000, 9000, 1000, 0)})
			if share, ok := h.Share(); !ok || math.Abs(share-tc.want) > 1e-9 {
				t.Errorf("half a second later: %v, %v, want %v still", share, ok, tc.want)
			}
			// A counter that goes back gives no share.
			now = now.Add(time.Second)
			kernel(t, root, map[string]string{"proc/stat": fmt.Sprintf(stat, 1, 1, 1, 0), "proc/self/cgroup": ""})
			if share, ok := h.Share(); ok {
				t.Errorf("share = %v after the counters went back", share)
			}
		})
	}
}

func TestHostCPUWithoutKernel(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := newHostCPU(t.TempDir(), func() time.Time { now = now.Add(time.Second); return now })
	for range 3 {
		if share, ok := h.Share(); ok || share != 0 {
			t.Errorf("share = %v, %v, want none", share, ok)
		}
	}
	if got := h.Cores(); got != float64(runtime.NumCPU()) {
		t.Errorf("cores = %v, want %d", got, runtime.NumCPU())
	}
}

func TestHostCPUCoresOfQuota(t *testing.T) {
	root := t.TempDir()
	kernel(t, root, map[string]string{
		"proc/self/cgroup":                "0::/a/b\n",
		"sys/fs/cgroup/a/cpu.max":         "20000 100000\n",
		"sys/fs/cgroup/a/cpu.stat":        "usage_usec 1\n",
		"sys/fs/cgroup/a/b/cpu.max":       "50000 100000\n",
		"sys/fs/cgroup/a/b/cpu.stat":      "usage_usec 1\n",
		"sys/fs/cgroup/elsewhere/cpu.max": "1 100000\n",
	})
	if got := newHostCPU(root, time.Now).Cores(); got != 0.2 {
		t.Errorf("cores = %v, want the least quota on the way up, 0.2", got)
	}
}

// The real files of this machine are read, whatever they say.
func TestHostCPUHere(t *testing.T) {
	h := NewHostCPU()
	if _, err := h.read(time.Now()); err != nil {
		t.Error(err)
	}
	if got := h.Cores(); got <= 0 || got > float64(runtime.NumCPU()) {
		t.Errorf("cores = %v of %d", got, runtime.NumCPU())
	}
}

func FuzzParseCPU(f *testing.F) {
	f.Add([]byte("cpu  800501 20390 245045 1119121 100068 0 8472 20599 0 0\ncpu0 1 2 3 4\n"))
	f.Add([]byte("cpu 1 2 3 4"))
	f.Add([]byte("cpu 18446744073709551615 18446744073709551615 1 2 3 4 5 6\n"))
	f.Add([]byte("50000 100000\n"))
	f.Add([]byte("max 100000\n"))
	f.Add([]byte("usage_usec 9223372036854775807\n"))
	f.Add([]byte("0::/../../x\n1:cpu:/\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if ticks, err := parseCPUTicks(b); err == nil {
			if ticks.busy > ticks.total {
				t.Errorf("busy %d of %d ticks", ticks.busy, ticks.total)
			}
			if share, ok := ticks.since(cpuTicks{}); ok && !(share >= 0 && share <= 1) {
				t.Errorf("share %v", share)
			}
		}
		if cores := parseCPUMax(b); !(cores >= 0) || math.IsInf(cores, 0) {
			t.Errorf("%v cores", cores)
		}
		if used, ok := parseCPUUsage(b); ok && used < 0 {
			t.Errorf("used %s", used)
		}
		if p, ok := parseCgroupPath(b); ok && (p[0] != '/' || filepath.Clean(p) != p) {
			t.Errorf("path %q", p)
		}
	})
}
