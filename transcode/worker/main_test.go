package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/lectern/lectern/transcode/worker"
	"github.com/lectern/lectern/transcode/worker/internal/wire"
)

// TestMain is the tests, or a worker if the first argument says so: the second
// one is what kind of worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "worker" {
		syscall.Exit(work(os.Args[2]))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if left := children(); len(left) > 0 {
			_, _ = fmt.Fprintf(os.Stderr, "processes are left: %q\n", left)
			code = max(code, 1)
		}
		syscall.Exit(code)
	}))
}

func work(kind string) int {
	hello := func(build string) {
		b, err := wire.AppendHello(nil, build)
		if err == nil {
			_, _ = os.Stdout.Write(b)
		}
	}
	forever := make(chan os.Signal)
	switch kind {
	case "junk":
		_, _ = os.Stdout.WriteString("hello, world\n")
		<-forever
	case "deaf": // never reads its stdin, and is silent too
		hello(worker.BuildID())
		<-forever
	case "mute": // never says hello
		<-forever
	case "build":
		hello("another build")
		<-forever
	case "version":
		b, _ := wire.AppendHello(nil, worker.BuildID())
		b[len(b)-len(worker.BuildID())-1]++
		_, _ = os.Stdout.Write(b)
		<-forever
	case "server":
		return serveWorker()
	case "stubborn": // does not end when its stdin does
		_ = worker.Serve(context.Background(), os.Stdin, os.Stdout, &echoEngine{}, slog.New(slog.NewTextHandler(os.Stderr, nil)))
		<-forever
	default:
		if err := worker.Serve(context.Background(), os.Stdin, os.Stdout, &echoEngine{}, slog.New(slog.NewTextHandler(os.Stderr, nil))); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			return 1
		}
	}
	return 0
}

// serveWorker is a server with a worker, whose process ID it prints.
func serveWorker() int {
	host, err := worker.New(worker.DefaultConfig(), worker.Deps{
		Command: []string{os.Args[0], "worker", "deaf"}, Logger: slog.New(slog.DiscardHandler),
		Metrics: worker.NewMetrics(prometheus.NewRegistry()), Now: time.Now,
	})
	if err != nil {
		return 1
	}
	host.Open(1, spec(), false)
	var running sync.WaitGroup
	running.Go(func() { _ = host.Run(context.Background()) })
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		if pid := host.Status().PID; pid != 0 {
			_, _ = fmt.Fprintln(os.Stdout, pid)
			running.Wait() // killed
		}
	}
}
