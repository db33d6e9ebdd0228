//go:build e2e

package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lectern/lectern/realtime/api"
)

const (
	cdnViewers = 200
	cdnWatched = 12 * time.Second
)

// The recipes of configs/cdn, each in a cache that really runs, between a live
// class and two hundred low-latency viewers who each have a token of their own.
func TestCDNRecipes(t *testing.T) {
	srv := startServer(t, t.TempDir())
	c, err := srv.api.Create(t.Context(), api.CreateClass{ID: cdnClass, Title: "Linear algebra"})
	if err != nil {
		t.Fatal(err)
	}
	enc := &encoder{done: make(chan struct{}), cmd: exec.Command("ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error",
		"-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30", "-re", "-f", "lavfi", "-i", "sine=b=4:r=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
		"-c:a", "aac", "-b:a", "96k", "-f", "flv", c.Ingest.RTMP+"/"+c.StreamKey)}
	if err := enc.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(enc.done)
		_ = enc.cmd.Wait() // killed
	}()
	t.Cleanup(enc.kill)
	// Three segments: there is something to ask for by number.
	until(t, func() string {
		code, body := get(t, "http://"+srv.HTTP+"/live/"+cdnClass+"/source/index.m3u8")
		if l, err := parseList(body); code != http.StatusOK || err != nil || l.msn < 3 {
			return fmt.Sprintf("the class is not on: %d, %v, %s", code, err, body)
		}
		return ""
	})

	all := edges()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		t.Run(name, func(t *testing.T) {
			g := startGate(t, srv.HTTP)
			e := all[name](t, g.Listener.Addr().String())
			t.Run("refuses", func(t *testing.T) { refuses(t, e, g) })
			t.Run("crowd", func(t *testing.T) { crowd(t, e, g) })
			t.Run("early part", func(t *testing.T) { earlyPart(t, e, g) })
			t.Run("leaver", func(t *testing.T) { leaver(t, e, g) })
			t.Run("stall", func(t *testing.T) { stall(t, e, g) })
			t.Run("origin away", func(t *testing.T) { away(t, e, g) })
			t.Run("public", func(t *testing.T) { public(t, e, g) })
		})
	}
}

// crowd puts the audience behind the cache, and lectern check beside it.
func crowd(t *testing.T, e *edge, g *gate) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &witness{edges: map[string]time.Time{}}
	over := make(chan struct{})
	a := newAudience(e.base, g, w, over)
	before, _ := g.seen()

	var wg, witnesses sync.WaitGroup
	defer witnesses.Wait()
	defer cancel()
	renditions := []string{"source", "audio"}
	for _, rendition := range renditions {
		witnesses.Go(func() {
			if err := w.follow(ctx, g.direct, rendition); err != nil && ctx.Err() == nil {
				a.fault("the witness: %v", err)
			}
		})
	}
	until(t, func() string {
		for _, rendition := range renditions {
			if w.edge(rendition).IsZero() {
				return "no playlist of " + rendition
			}
		}
		return ""
	})
	for i := range cdnViewers {
		wg.Go(func() { a.watch(ctx, renditions[i%2]) })
	}
	for i := range 10 {
		wg.Go(func() { a.poll(ctx, renditions[i%2]) })
	}
	var report bytes.Buffer
	checker := exec.CommandContext(t.Context(), binary, "check", "-ignore", unjudged(),
		"-duration", cdnWatched.String(), e.base+"/t/"+newToken()+"/live/"+cdnClass+"/index.m3u8")
	checker.Stdout, checker.Stderr = &report, &report
	var failed error
	wg.Go(func() {
		defer close(over) // the lesson is as long as the check
		failed = checker.Run()
	})
	wg.Wait()

	t.Logf("lectern check, through %s:\n%s", e.name, report.String())
	if exit := (*exec.ExitError)(nil); failed != nil && (!errors.As(failed, &exit) || exit.ExitCode() != 1) {
		t.Errorf("lectern check: %v", failed)
	}
	if strings.Contains(report.String(), "MUST") || failed != nil {
		t.Errorf("through %s the class breaks rules", e.name)
	}
	for _, fault := range a.faults {
		t.Error(fault)
	}
	after, _ := g.seen()
	pulls := after[len(before):]
	judgePulls(t, e, pulls)
	// What lectern check alone asked for is nobody's hit.
	misses := 0
	for _, p := range pulls {
		if a.asked[strings.TrimPrefix(p.key, "token ")] {
			misses++
		}
	}
	ratio := 100 * (1 - float64(misses)/float64(a.requests))
	t.Logf("%s: %d viewers made %d requests for %d objects, the origin saw %d, and %d of lectern check: %.2f %% hits; not 200: %v",
		e.name, cdnViewers+10, a.requests, len(a.asked), misses, len(pulls)-misses, ratio, a.refused)
	if ratio < 98 {
		t.Errorf("%.2f %% hits, want 98 %%", ratio)
	}
	for _, kind := range slices.Sorted(maps.Keys(a.late)) {
		late := slices.Sorted(slices.Values(a.late[kind]))
		t.Logf("%s: %-14s later than the origin by median %5.0f ms, p90 %5.0f ms, p99 %5.0f ms (%d waited)", e.name, kind,
			ms(late[len(late)/2]), ms(late[len(late)*9/10]), ms(late[len(late)*99/100]), len(late))
	}
	if found := e.holds(t, []string{"v1.k1.", "v1.k2."}, "_.vsm"); len(found) > 0 {
		t.Errorf("%s writes tokens to %v", e.name, found)
	}
	if _, faults := g.seen(); len(faults) > 0 {
		t.Errorf("at the origin:\n%s", strings.Join(faults, "\n"))
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// judgePulls looks at how often the cache asked for each object: once while its
// answer was good.
func judgePulls(t *testing.T, e *edge, pulls []pull) {
	t.Helper()
	last := map[string]pull{}
	again := map[string]int{}
	for _, p := range pulls {
		if strings.HasPrefix(p.key, http.MethodHead) {
			continue // Traffic Server passes it on if it has no answer to GET; no player asks
		}
		if prev, ok := last[p.key]; ok && p.written.Sub(prev.written) < lifetime(prev) {
			again[p.key]++
		}
		last[p.key] = p
	}
	for _, key := range slices.Sorted(maps.Keys(again)) {
		t.Errorf("%s asked for %q %d times too often", e.name, key, again[key])
	}
}

// lifetime is how long an answer was good at least. Caches reckon in whole seconds,
// and add to the age of an answer both the second that began since its Date and the
// one that began while they waited for it (RFC 2616 §13.2.3, which Traffic Server
// follows).
func lifetime(p pull) time.Duration {
	var seconds int
	if _, err := fmt.Sscanf(p.cache, "max-age=%d", &seconds); err != nil {
		return 0
	}
	return time.Duration(seconds-2) * time.Second
}
