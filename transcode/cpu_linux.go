package transcode

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxProcFileBytes bounds what is read of a file of the kernel's.
const maxProcFileBytes = 1 << 20

// cpuInterval is the time over which a share is measured, at least.
const cpuInterval = time.Second

// HostCPU measures how busy the processors are: those of the machine, or of the
// quota of the control group in which the process runs, whichever is busier. It
// may be used from any goroutine.
type HostCPU struct {
	root string // of the file system
	now  func() time.Time

	mu    sync.Mutex // guards the fields below
	last  cpuSample
	share float64
	ok    bool
}

// cpuSample is what the kernel's counters said at one time.
type cpuSample struct {
	at     time.Time
	host   cpuTicks
	groups []cpuGroup // from the process's own upwards
}

// NewHostCPU returns a meter that has measured nothing yet.
func NewHostCPU() *HostCPU { return newHostCPU("/", time.Now) }

func newHostCPU(root string, now func() time.Time) *HostCPU {
	return &HostCPU{root: root, now: now}
}

// Share returns the busy share, 0 to 1, of the time since an earlier call, a
// second ago or longer. ok is false as long as there is none, or if the kernel
// does not tell.
func (h *HostCPU) Share() (share float64, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	if !h.last.at.IsZero() && now.Sub(h.last.at) < cpuInterval {
		return h.share, h.ok
	}
	sample, err := h.read(now)
	if err != nil {
		h.last, h.ok = cpuSample{}, false
		return 0, false
	}
	if !h.last.at.IsZero() {
		h.share, h.ok = busyShare(h.last, sample)
	}
	h.last = sample
	return h.share, h.ok
}

// Cores returns how many cores the process may use: those it is allowed to run
// on, or its control group's quota if that is less.
func (h *HostCPU) Cores() float64 {
	cores := float64(runtime.NumCPU())
	for _, g := range h.readGroups() {
		if g.cores > 0 {
			cores = min(cores, g.cores)
		}
	}
	return cores
}

func (h *HostCPU) read(now time.Time) (cpuSample, error) {
	b, err := h.readFile("proc/stat")
	if err != nil {
		return cpuSample{}, err
	}
	ticks, err := parseCPUTicks(b)
	if err != nil {
		return cpuSample{}, err
	}
	return cpuSample{at: now, host: ticks, groups: h.readGroups()}, nil
}

// busyShare is the share of the time between two samples, of the machine or of a
// quota.
func busyShare(from, to cpuSample) (float64, bool) {
	share, ok := to.host.since(from.host)
	elapsed := to.at.Sub(from.at).Seconds()
	for i, g := range to.groups {
		if i >= len(from.groups) || from.groups[i].path != g.path || g.cores <= 0 || elapsed <= 0 || g.used < from.groups[i].used {
			continue
		}
		used := (g.used - from.groups[i].used).Seconds()
		share, ok = max(share, min(used/(elapsed*g.cores), 1)), true
	}
	return share, ok
}

// cpuGroup is a control group (cgroup v2) that limits the processor.
type cpuGroup struct {
	path  string
	cores float64 // its quota
	used  time.Duration
}

// readGroups returns the control groups above the process that have a quota.
func (h *HostCPU) readGroups() []cpuGroup {
	b, err := h.readFile("proc/self/cgroup")
	if err != nil {
		return nil
	}
	own, ok := parseCgroupPath(b)
	if !ok {
		return nil
	}
	var groups []cpuGroup
	for dir := own; ; dir = path.Dir(dir) {
		at := path.Join("sys/fs/cgroup", dir)
		quota, err := h.readFile(path.Join(at, "cpu.max"))
		if cores := parseCPUMax(quota); err == nil && cores > 0 {
			stat, err := h.readFile(path.Join(at, "cpu.stat"))
			if used, ok := parseCPUUsage(stat); err == nil && ok {
				groups = append(groups, cpuGroup{path: dir, cores: cores, used: used})
			}
		}
		if dir == "/" {
			return groups
		}
	}
}

func (h *HostCPU) readFile(name string) ([]byte, error) {
	f, err := os.Open(filepath.Join(h.root, name))
	if err != nil {
		return nil, fmt.Errorf("read processor times: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading only
	b, err := io.ReadAll(io.LimitReader(f, maxProcFileBytes))
	if err != nil {
		return nil, fmt.Errorf("read processor times: %w", err)
	}
	return b, nil
}

// cpuTicks are the machine's processor times, in the kernel's ticks.
type cpuTicks struct{ busy, total uint64 }

func (t cpuTicks) since(o cpuTicks) (float64, bool) {
	if t.total <= o.total || t.busy < o.busy {
		return 0, false // no time has passed, or a counter went back
	}
	return min(float64(t.busy-o.busy)/float64(t.total-o.total), 1), true
}

var errNoCPULine = errors.New("read processor times: no line of all processors")

// parseCPUTicks reads the first line of /proc/stat (proc_stat(5)): user, nice,
// system, idle, iowait, irq, softirq, steal; the guests' times after them are in
// user and nice already. Stolen time is busy: it is not to be had.
func parseCPUTicks(b []byte) (cpuTicks, error) {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	fields := strings.Fields(string(line))
	if len(fields) < 5 || fields[0] != "cpu" {
		return cpuTicks{}, errNoCPULine
	}
	var t cpuTicks
	for i, f := range fields[1:min(len(fields), 9)] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil || n > math.MaxUint64/16 {
			return cpuTicks{}, errNoCPULine
		}
		t.total += n
		if i != 3 && i != 4 { // idle, iowait
			t.busy += n
		}
	}
	return t, nil
}

// parseCgroupPath returns the process's group of the unified hierarchy from
// /proc/self/cgroup (cgroups(7)).
func parseCgroupPath(b []byte) (string, bool) {
	for line := range strings.Lines(string(b)) {
		if p, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok && strings.HasPrefix(p, "/") {
			return path.Clean(p), true
		}
	}
	return "", false
}

// parseCPUMax returns the cores of a quota from cpu.max, "MAX PERIOD" in
// microseconds; 0 if there is none.
func parseCPUMax(b []byte) float64 {
	fields := strings.Fields(string(b))
	if len(fields) != 2 || fields[0] == "max" {
		return 0
	}
	quota, err := strconv.ParseUint(fields[0], 10, 63)
	if err != nil {
		return 0
	}
	period, err := strconv.ParseUint(fields[1], 10, 63)
	if err != nil || period == 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// parseCPUUsage returns usage_usec from cpu.stat.
func parseCPUUsage(b []byte) (time.Duration, bool) {
	for line := range strings.Lines(string(b)) {
		digits, ok := strings.CutPrefix(line, "usage_usec ")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > math.MaxInt64/int64(time.Microsecond) {
			return 0, false
		}
		return time.Duration(n) * time.Microsecond, true
	}
	return 0, false
}
