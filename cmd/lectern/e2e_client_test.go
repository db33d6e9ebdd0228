//go:build e2e

package main_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/bluenviron/gohlslib/v2"
	"github.com/bluenviron/gohlslib/v2/pkg/codecs"
)

// readWithClient reads the class with an HLS client that is not ours: both
// tracks, a hundred units of each, timestamps that rise.
func readWithClient(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var video, audio atomic.Int64
	client := &gohlslib.Client{
		URI:                       url,
		OnDownloadPrimaryPlaylist: func(string) {}, // it would log
		OnDownloadStreamPlaylist:  func(string) {},
		OnDownloadSegment:         func(string) {},
		OnDownloadPart:            func(string) {},
	}
	client.OnTracks = func(tracks []*gohlslib.Track) error {
		for _, track := range tracks {
			switch track.Codec.(type) {
			case *codecs.H264:
				last := int64(-1)
				client.OnDataH26x(track, func(_, dts int64, au [][]byte) {
					if dts <= last || len(au) == 0 {
						t.Errorf("video: dts %d after %d, %d NAL units", dts, last, len(au))
					}
					last = dts
					video.Add(1)
				})
			case *codecs.MPEG4Audio:
				last := int64(-1)
				client.OnDataMPEG4Audio(track, func(pts int64, aus [][]byte) {
					if pts <= last || len(aus) == 0 {
						t.Errorf("audio: pts %d after %d, %d frames", pts, last, len(aus))
					}
					last = pts
					audio.Add(int64(len(aus)))
				})
			default:
				t.Errorf("unexpected track %T", track.Codec)
			}
		}
		return nil
	}
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- client.Wait2() }()
	until(t, func() string {
		select {
		case err := <-ended:
			t.Fatalf("the client gave up: %v", err)
		case <-ctx.Done():
			t.Fatal("the client read too little")
		default:
		}
		if video.Load() < 100 || audio.Load() < 100 {
			return "reading"
		}
		return ""
	})
	client.Close()
	if err := <-ended; err != nil && !errors.Is(err, gohlslib.ErrClientEOS) {
		t.Logf("client closed: %v", err)
	}
}
