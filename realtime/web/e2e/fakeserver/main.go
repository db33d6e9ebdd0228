// Command fakeserver serves the real pages of package web over a make-believe
// class, for the browser tests: a lecture that the ffmpeg program encoded
// beforehand is published second by second, and the test can interrupt it, end
// it, and make any URL fail. It prints its address as its first line and stops
// when its standard input closes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lectern/lectern/realtime/web"
)

func main() {
	media := flag.String("media", "", "folder of the encoded lecture; made if it is not there")
	flag.Parse()
	if err := serve(context.Background(), *media, os.Stdin, os.Stdout); err != nil {
		slog.New(slog.NewTextHandler(os.Stderr, nil)).Error("fake server stopped", "err", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, folder string, until io.Reader, out io.Writer) error {
	talk, err := loadLecture(ctx, folder)
	if err != nil {
		return err
	}
	stage := newStage(talk)
	lounge, err := newLounge(stage)
	if err != nil {
		return err
	}
	defer func() { _ = lounge.close() }()
	pages, err := web.New(web.DefaultConfig(), web.Deps{Classes: stage, Admit: stage.admit, Rooms: lounge, Studio: host{lounge}})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.HandleFunc("PUT /fake/{class}", stage.serveControl)
	mux.HandleFunc("POST /fake/{class}/room", lounge.serveGuests)
	mux.HandleFunc("POST /fake/{class}/pass", lounge.servePass)
	mux.Handle("GET /ws/{class}", lounge.socket)
	mux.HandleFunc("GET /live/{class}/room/{file}", lounge.serveTranscript)
	mux.HandleFunc("GET /t/{token}/live/{class}/room/{file}", lounge.serveTranscript)
	mux.HandleFunc("GET /live/{class}/{file}", stage.serveMedia)
	mux.HandleFunc("GET /t/{token}/live/{class}/{file}", stage.serveMedia)
	mux.HandleFunc("POST /api/v1/playback/renew", stage.serveRenewal)

	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: stage.faults(mux), ReadHeaderTimeout: 5 * time.Second}
	var serving errgroup.Group
	open, closeRooms := context.WithCancel(ctx)
	defer closeRooms()
	serving.Go(func() error { return lounge.run(open) })
	serving.Go(func() error { return server.Serve(listener) })
	_, err = fmt.Fprintf(out, "http://%s\n", listener.Addr())
	if err == nil {
		_, err = io.Copy(io.Discard, until)
	}
	_ = server.Close()
	closeRooms()
	if failed := serving.Wait(); !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return err
}
