package worker

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
)

const (
	niceness    = 5
	oomScoreAdj = "500" // of 1000: workers go before the server
)

// launch starts cmd so that it dies with the server, yields to it, and gets no
// signals of its terminal. It must be called in a goroutine that lives as long as
// the process and then ends: Linux sends the parent-death signal when the thread
// that forked ends, and the thread keeps its niceness, so it must not serve other
// goroutines. It is therefore locked and never unlocked.
func launch(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	// For a thread alone; the process to come inherits it with all its threads.
	// Refused at worst, and then everything runs at the same priority.
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), niceness)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	// Without /proc the kernel chooses as for any other process.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", cmd.Process.Pid), []byte(oomScoreAdj), 0)
	return nil
}

// residentBytes reads the resident memory of a process, proc_pid_statm(5).
func residentBytes(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm of process %d is %q", pid, b)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("statm of process %d: %w", pid, err)
	}
	return pages * int64(os.Getpagesize()), nil
}
