package worker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// drainTime is how long what a process has written may still be read after it has
// ended: a grandchild could hold the pipe open for ever.
const drainTime = time.Second

// ending says why a worker is lost.
type ending struct {
	reason string // as in transcode.Lost
	text   string
	final  bool
}

// process is a worker process. The pipes may be used from started on; kill and
// memory from any goroutine.
type process interface {
	// run starts the process, calls started, and returns when it has ended and was
	// waited for.
	run(started func()) ending

	stdin() io.WriteCloser
	stdout() io.Reader
	stderr() io.Reader
	release() // closes the pipes, when run has returned and all was read

	kill()
	pid() int
	memory() (int64, error) // resident, in bytes
}

// program is a process of the operating system.
type program struct {
	// Set by newProgram and run, then read-only.
	argv, env        []string
	in, out, errFile *os.File // our ends

	mu  sync.Mutex // guards the field below
	cmd *exec.Cmd  // nil unless it runs
	id  int
}

func newProgram(argv, env []string) *program { return &program{argv: argv, env: env} }

// passedOn are the variables that a worker gets.
func passedOn(environ []string) []string {
	var out []string
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		switch name {
		case "PATH", "HOME", "LANG", "GODEBUG", "GOTRACEBACK":
			out = append(out, e)
		default: // may be a secret
		}
	}
	// Encoders come and go with the rungs; more of malloc's arenas would keep what
	// they leave behind.
	return append(out, "MALLOC_ARENA_MAX=2")
}

func (p *program) run(started func()) ending {
	theirs, err := p.pipes()
	if err != nil {
		closeAll(theirs)
		return ending{reason: reasonStart, text: "pipes cannot be made: " + err.Error()}
	}
	// Bound to no context: it is ended by closing its stdin, then by kill.
	cmd := &exec.Cmd{Path: p.argv[0], Args: p.argv, Env: p.env, Stdin: theirs[0], Stdout: theirs[1], Stderr: theirs[2]}
	if path, lookErr := exec.LookPath(p.argv[0]); lookErr == nil {
		cmd.Path = path
	}
	err = launch(cmd)
	closeAll(theirs)
	if err != nil {
		return ending{reason: reasonStart, text: "it cannot be started: " + err.Error()}
	}
	p.set(cmd)
	started()
	err = cmd.Wait()
	p.set(nil)
	deadline := time.Now().Add(drainTime)
	_ = p.out.SetReadDeadline(deadline) // a pipe can
	_ = p.errFile.SetReadDeadline(deadline)
	_ = p.in.Close() // lets go a write; it may be closed
	return exitEnding(err)
}

// pipes makes the three pipes and returns the process's ends.
func (p *program) pipes() ([]*os.File, error) {
	var theirs []*os.File
	r, w, err := os.Pipe()
	if err != nil {
		return theirs, err
	}
	theirs, p.in = append(theirs, r), w
	for _, ours := range []**os.File{&p.out, &p.errFile} {
		if r, w, err = os.Pipe(); err != nil {
			return theirs, err
		}
		theirs, *ours = append(theirs, w), r
	}
	return theirs, nil
}

func (p *program) release() { closeAll([]*os.File{p.in, p.out, p.errFile}) }

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close() // nothing is lost
		}
	}
}

func (p *program) set(cmd *exec.Cmd) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd = cmd
	if cmd != nil {
		p.id = cmd.Process.Pid
	}
}

func (p *program) stdin() io.WriteCloser { return p.in }
func (p *program) stdout() io.Reader     { return p.out }
func (p *program) stderr() io.Reader     { return p.errFile }

// kill ends the process at once, if it runs.
func (p *program) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Kill() // it may have ended
	}
}

func (p *program) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id
}

func (p *program) memory() (int64, error) { return residentBytes(p.pid()) }

// exitEnding turns what Wait returned into an ending, which matters only if nobody
// wanted the end.
func exitEnding(err error) ending {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return ending{reason: reasonCrashed, text: "it ended of itself"}
	}
	if s, ok := exit.Sys().(syscall.WaitStatus); ok && s.Signaled() {
		if s.Signal() == syscall.SIGKILL {
			return ending{reason: reasonKilled, text: "it was killed, by a person or for want of memory"}
		}
		return ending{reason: reasonCrashed, text: "it was ended by the signal " + s.Signal().String()}
	}
	return ending{reason: reasonCrashed, text: fmt.Sprintf("it ended with code %d", exit.ExitCode())}
}
