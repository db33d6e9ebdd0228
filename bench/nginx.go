package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// nginx is that program, which serves a folder as it does best: sendfile, one
// worker for each processor, no log of what it answers.
type nginx struct {
	cmd  *exec.Cmd
	addr string // HOST:PORT
}

// nginxConfig has the user line, the folder for its own files, the address and the
// folder to serve.
const nginxConfig = `%[1]s
daemon off;
worker_processes auto;
worker_rlimit_nofile 65536;
error_log %[2]s/error.log error;
pid %[2]s/nginx.pid;
events { worker_connections 16384; }
http {
	access_log off;
	sendfile on;
	tcp_nopush on;
	keepalive_timeout 75s;
	keepalive_requests 1000000;
	default_type video/mp4;
	types { }
	client_body_temp_path %[2]s/1;
	proxy_temp_path %[2]s/2;
	fastcgi_temp_path %[2]s/3;
	uwsgi_temp_path %[2]s/4;
	scgi_temp_path %[2]s/5;
	server {
		listen %[3]s backlog=4096;
		root %[4]s;
	}
}
`

// startNginx serves the folder root; its own files go to dir.
func startNginx(ctx context.Context, dir, root string) (_ *nginx, err error) {
	binary, err := exec.LookPath("nginx")
	if err != nil {
		binary = "/usr/sbin/nginx" // not in everybody's PATH
	}
	dir = filepath.Join(dir, "nginx")
	if err = os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	// It cannot choose a port itself.
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	n := &nginx{addr: free.Addr().String()}
	if err = free.Close(); err != nil {
		return nil, fmt.Errorf("find a port: %w", err)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // others cannot read the folder
	}
	file := filepath.Join(dir, "nginx.conf")
	if err = os.WriteFile(file, fmt.Appendf(nil, nginxConfig, user, dir, n.addr, root), 0o600); err != nil {
		return nil, fmt.Errorf("configure nginx: %w", err)
	}
	// Like the server, it is stopped by stop alone.
	n.cmd = exec.CommandContext(context.WithoutCancel(ctx), binary, "-p", dir, "-c", file, "-e", filepath.Join(dir, "error.log")) //nolint:gosec // a fixed program
	n.cmd.Stderr = os.Stderr
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err = n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start nginx, which has to be installed: %w", err)
	}
	if err = poll(ctx, 10*time.Second, func() error {
		conn, derr := new(net.Dialer).DialContext(ctx, "tcp", n.addr)
		if derr != nil {
			return derr
		}
		return conn.Close()
	}); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for nginx: %w", err), n.stop())
	}
	return n, nil
}

// cpu returns the CPU time that nginx has used, its workers included.
func (n *nginx) cpu() (time.Duration, error) {
	st, err := readStat(n.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	workers, err := children(n.cmd.Process.Pid)
	for _, used := range workers {
		st.cpu += used
	}
	return st.cpu, err
}

func (n *nginx) stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop nginx: %w", err)
	}
	kill := time.AfterFunc(stopLimit, func() { _ = n.cmd.Process.Kill() })
	defer kill.Stop()
	if err := n.cmd.Wait(); err != nil {
		return fmt.Errorf("stop nginx: %w", err)
	}
	return nil
}
