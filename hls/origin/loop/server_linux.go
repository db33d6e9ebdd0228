package loop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// Run serves ln, a TCP listener, until ctx ends; then it closes ln, ends the requests
// that are held, and lets answers under way finish within DrainTimeout. Call it once.
func (s *Server) Run(ctx context.Context, ln net.Listener) (err error) {
	fd, err := descriptor(ln)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	// Connections inherit it from their listener; package net sets it, too.
	if err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return fmt.Errorf("set socket option: %w", err)
	}
	loops := make([]*loop, 0, s.cfg.Loops)
	defer func() {
		for _, l := range loops {
			l.watchers.Wait()
			err = errors.Join(err, l.close())
		}
	}()
	for range s.cfg.Loops {
		l, lerr := newLoop(context.WithoutCancel(ctx), s, fd)
		if lerr != nil {
			return lerr
		}
		loops = append(loops, l)
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, l := range loops {
		g.Go(func() error { return l.run(gctx.Done()) })
	}
	g.Go(func() error {
		<-gctx.Done()
		_ = unix.Shutdown(fd, unix.SHUT_RD) // ours is open until the loops have ended
		cerr := ln.Close()
		for _, l := range loops {
			l.wake()
		}
		if cerr != nil && !errors.Is(cerr, net.ErrClosed) {
			return fmt.Errorf("close listener: %w", cerr)
		}
		return nil
	})
	return g.Wait()
}

// descriptor returns a descriptor of ln's socket, for the caller to close. It does not
// block.
func descriptor(ln net.Listener) (fd int, err error) {
	sc, ok := ln.(syscall.Conn)
	if !ok {
		return 0, fmt.Errorf("listener of type %T has no descriptor", ln)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("use listener: %w", err)
	}
	var derr error
	if err = raw.Control(func(own uintptr) { fd, derr = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); err == nil {
		err = derr
	}
	if err != nil {
		return 0, fmt.Errorf("use listener: %w", err)
	}
	return fd, nil
}

// handOver gives a connection to net/http, with what was read of it.
func (s *Server) handOver(fd int, read []byte, why reason) {
	f := os.NewFile(uintptr(fd), "connection") //nolint:gosec // it is one
	c, err := net.FileConn(f)
	_ = f.Close() // c has its own
	if err != nil {
		s.metrics.closed[endOverload].Inc()
		return
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		// As for those that package net accepts. In a loop everything has a deadline.
		_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true}) // a dead one is found by its read
	}
	if !s.handed.give(&begun{Conn: c, read: read}) {
		_ = c.Close()
		s.metrics.closed[endOverload].Inc()
		return
	}
	s.metrics.handed[why].Inc()
}

// begun is a connection that something was read of.
type begun struct {
	net.Conn
	read []byte
}

// Read implements net.Conn.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.read) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.read)
	if b.read = b.read[n:]; len(b.read) == 0 {
		b.read = nil
	}
	return n, nil
}

// ReadFrom implements io.ReaderFrom, so that the kernel sends files.
func (b *begun) ReadFrom(r io.Reader) (int64, error) { return io.Copy(b.Conn, r) }

// NetConn returns the connection itself, for who takes it over and has to say how much
// the kernel may hold of it.
func (b *begun) NetConn() net.Conn { return b.Conn }

// CloseWrite is for net/http.
func (b *begun) CloseWrite() error {
	if c, ok := b.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}
