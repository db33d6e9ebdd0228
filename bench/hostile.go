package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// hostileViewers watch while the server is molested.
	hostileViewers = 50
	// hostileIdle connections say nothing.
	hostileIdle = 5000
	// hostileSlow connections each read a segment, or send a header, by the byte.
	hostileSlow = 200
	// hostileHands is how many requests are under way at a time.
	hostileHands = 64
	// attackPatience is how long an answer is waited for. A held reload takes longer.
	attackPatience = 2 * time.Second
	// attackSeed is that of the requests.
	attackSeed = 20300304
)

// Hostile lets 50 low-latency viewers watch for Duration, and for another Duration
// while Count requests come that no player makes, evenly over it, beside 5,000 idle
// connections, 200 that read by the byte and 200 that write by the byte. It returns
// ErrMissed if the viewers notice, or if an answer says 500 or more, 503 and 505
// excepted.
func Hostile(ctx context.Context, o Options) error {
	return run(ctx, o, stage{clip: testCard(serveRate)}, func(ctx context.Context, s *scenario) error {
		c, err := s.publish(ctx, "hostile", passedThrough())
		if err != nil {
			return err
		}
		a, err := newAudience(hostileViewers, c.Playback.HLS, passedThrough(), true)
		if err != nil {
			return err
		}
		var paths []string
		if err = poll(ctx, time.Minute, func() error {
			if paths, err = mediaPaths(ctx, renditionOf(c.Playback.HLS, "source")); err == nil && len(paths) < 2 {
				err = errors.New("there are no segments yet")
			}
			return err
		}); err != nil {
			return err
		}
		h := &hostile{addr: s.http, segment: paths[0], attacks: newAttacks(attackSeed, path.Dir(paths[0])+"/", paths[0]), statuses: map[string]int{}, faults: map[string]int{}}
		var calmMemory, roughMemory int64
		if err = a.follow(ctx, s.http, func(ctx context.Context, _ *swarm) error {
			spent, perr := s.phase(ctx, a, 1, o.Duration)
			if perr != nil {
				return perr
			}
			calmMemory = spent.memory
			g, gctx := errgroup.WithContext(ctx)
			attack, stop := context.WithCancel(gctx)
			defer stop()
			g.Go(func() error { return h.occupy(attack) })
			g.Go(func() error {
				h.press(attack, o.Count, o.Duration)
				return nil
			})
			g.Go(func() error {
				defer stop()
				with, werr := s.phase(gctx, a, 2, o.Duration)
				roughMemory = with.memory
				return werr
			})
			return g.Wait()
		}); err != nil {
			return err
		}
		if err = s.ask(ctx, "/healthz", drain); err != nil {
			return fmt.Errorf("the server does not answer any more: %w", err)
		}
		return h.report(o, a.summary(1), a.summary(2), calmMemory, roughMemory)
	})
}

// phase measures what viewers meet with for d, as measurement n.
func (s *scenario) phase(ctx context.Context, a *audience, n int64, d time.Duration) (usage, error) {
	a.note(n)
	defer a.note(0)
	return s.measure(ctx, d)
}

// hostile is who molests the server.
type hostile struct {
	addr    string
	segment string

	mu       sync.Mutex // guards the fields below
	attacks  *attacks
	statuses map[string]int
	faults   map[string]int // answers that must not be, by what was sent
	held     int            // idle and slow connections
}

// press sends n requests, evenly over d.
func (h *hostile) press(ctx context.Context, n int, d time.Duration) {
	turns := make(chan attack)
	var g sync.WaitGroup
	for range hostileHands {
		g.Go(func() {
			for a := range turns {
				h.note(a, h.send(ctx, a.text))
			}
		})
	}
	start := time.Now()
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		_ = wait(ctx, time.Until(start.Add(d*time.Duration(i)/time.Duration(n)))) // it ends with ctx
		h.mu.Lock()
		a := h.attacks.next()
		h.mu.Unlock()
		turns <- a
	}
	close(turns)
	g.Wait()
}

// note counts the answer to an attack.
func (h *hostile) note(a attack, status string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.statuses[status]++
	// 505 is right for a version of HTTP that there is not.
	if strings.HasPrefix(status, "5") && status != "503" && status != "505" {
		line, _, _ := strings.Cut(a.text, "\r\n")
		h.faults[fmt.Sprintf("%s to a strange %s: %.120q", status, a.kind, line)]++
	}
}

// send returns the status of the answer, or what happened instead.
func (h *hostile) send(ctx context.Context, text string) string {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.addr)
	if err != nil {
		return "not connected"
	}
	_ = conn.SetDeadline(time.Now().Add(attackPatience))
	var sending sync.WaitGroup
	defer sending.Wait()
	defer conn.Close()  //nolint:errcheck // of no more use
	sending.Go(func() { // an answer may come before all is sent
		_, _ = io.WriteString(conn, text)
	})
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	switch {
	case err == nil:
		defer res.Body.Close() //nolint:errcheck // read-only
		_, _ = io.Copy(io.Discard, res.Body)
		return fmt.Sprint(res.StatusCode)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed"
	default:
		if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
			return "none in time"
		}
		return "not HTTP" // or reset
	}
}

// occupy holds connections until ctx ends: most say nothing, some take a segment or
// send a header by the byte. The server may close them.
func (h *hostile) occupy(ctx context.Context) error {
	conns := make([]net.Conn, 0, hostileIdle+2*hostileSlow)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for i := range hostileIdle + 2*hostileSlow {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.addr)
		if err != nil {
			return endOf(ctx, err)
		}
		conns = append(conns, conn)
		h.mu.Lock()
		h.held++
		h.mu.Unlock()
		if i < hostileSlow {
			_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10) // so that the server notices
			_, _ = conn.Write(request(h.segment))
		}
	}
	slowHeader := "GET " + h.segment + " HTTP/1.1\r\nHost: bench\r\nX-Slow: " + strings.Repeat("x", 4000)
	one := make([]byte, 1)
	for n := 0; wait(ctx, time.Second) == nil; n++ {
		for i, c := range conns[:min(len(conns), 2*hostileSlow)] {
			_ = c.SetDeadline(time.Now().Add(time.Millisecond))
			if i < hostileSlow {
				_, _ = c.Read(one)
			} else {
				_, _ = io.WriteString(c, slowHeader[n%len(slowHeader):][:1])
			}
		}
	}
	return nil
}

// report prints what became of viewers and attackers.
func (h *hostile) report(o Options, calm, rough attendance, calmMemory, roughMemory int64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var answers []string
	total := 0
	for _, s := range slices.Sorted(maps.Keys(h.statuses)) {
		answers = append(answers, fmt.Sprintf("%s: %d", s, h.statuses[s]))
		total += h.statuses[s]
	}
	fmt.Fprintf(o.Out, "%d hostile requests and %d connections held; answers: %s; %d MiB resident before, %d MiB with them\n",
		total, h.held, strings.Join(answers, ", "), calmMemory>>20, roughMemory>>20)
	v := &verdicts{out: o.Out}
	v.undisturbed("playlists", calm.playlists, rough.playlists, playlistTarget)
	v.undisturbed("parts", calm.parts, rough.parts, partTarget)
	v.say(rough.stalls == 0, "no viewer has nothing left to play: %d stalls, %d before", rough.stalls, calm.stalls)
	v.say(len(h.faults) == 0, "no answer says 500 or more but 503 and 505: %d do", sum(h.faults))
	for _, f := range slices.Sorted(maps.Keys(h.faults)) {
		fmt.Fprintf(o.Out, "      %d x %s\n", h.faults[f], f)
	}
	return v.err()
}

// undisturbed prints the verdict on what viewers had to wait: no more than half as
// much again, or no more than they may in any case.
func (v *verdicts) undisturbed(what string, calm, rough []time.Duration, target time.Duration) {
	was, is := percentile(calm, 99), percentile(rough, 99)
	v.say(len(rough) > 0 && (is <= target || is <= was+was/2), "%s stay at their p99, or below %d ms: median %s and p99 %s before, %s and %s with them",
		what, target.Milliseconds(), inMilliseconds(percentile(calm, 50)), inMilliseconds(was), inMilliseconds(percentile(rough, 50)), inMilliseconds(is))
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}
