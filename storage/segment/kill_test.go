package segment_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/storage/segment"
)

// childDir names the environment variable that makes the test binary a server: it
// publishes into that folder until it is killed.
const childDir = "LECTERN_SEGMENT_TEST_DIR"

// fact is one thing that the child has published.
type fact struct {
	Rendition string
	MSN       int
	Epoch     string
	Part      int // -1 for the whole segment
	Offset    int64
	Bytes     int64
	Checksum  uint32
	Duration  time.Duration
	MediaEnd  time.Duration
}

func crc(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// publish writes three renditions as fast as it can, and prints each fact once it is
// committed.
func publish(dir string) {
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	cfg := segment.DefaultConfig()
	cfg.CommitTimeout = time.Second // waiting is better than asking again and again
	l, err := segment.Open(dir, cfg, segment.Deps{
		Logger: slog.New(slog.DiscardHandler), Metrics: segment.NewMetrics(prometheus.NewRegistry()),
	})
	check(err)
	ctx := context.Background()
	var run sync.WaitGroup
	run.Go(func() { check(l.Run(ctx)) })
	out := json.NewEncoder(os.Stdout)
	commit := func(facts []fact) {
		for l.Commit(); !segment.Committed(l); l.Commit() {
			runtime.Gosched() // a slow machine: the facts are not published before
		}
		for _, f := range facts {
			check(out.Encode(f))
		}
	}

	msn := 0
	inits := make(map[string]int)
	for _, r := range l.Renditions() {
		inits[r.Name] = r.NextInit
		if n := len(r.Segments); n > 0 {
			msn = max(msn, r.Segments[n-1].MSN+1)
		}
	}
	names := []string{"audio", "low", "source"}
	for _, name := range names {
		check(l.PutInit(name, segment.Init{ID: inits[name], Data: fmt.Appendf(nil, "%s %d %s", name, inits[name], l.Epoch())}))
	}
	noise := rand.NewChaCha8([32]byte{byte(os.Getpid())})
	for ; ; msn++ {
		var ends []fact
		whole := make(map[string][]byte)
		for _, name := range names {
			check(l.BeginSegment(name, segment.Head{
				MSN: msn, InitID: inits[name], MediaTime: time.Duration(msn) * 4 * time.Second, ProgramDateTime: describe(msn).ProgramDateTime,
			}))
		}
		for part := range 4 {
			var facts []fact
			for _, name := range names {
				data := make([]byte, 500+rand.IntN(8000))
				_, _ = noise.Read(data)
				d := time.Duration(900+part) * time.Millisecond
				check(l.AppendPart(name, msn, segment.Part{Index: part, Duration: d, Independent: part == 0, Data: data}))
				facts = append(facts, fact{
					Rendition: name, MSN: msn, Epoch: l.Epoch(), Part: part,
					Offset: int64(len(whole[name])), Bytes: int64(len(data)), Checksum: crc(data), Duration: d,
				})
				whole[name] = append(whole[name], data...)
			}
			commit(facts)
		}
		for _, name := range names {
			s := describe(msn)
			s.InitID = inits[name]
			check(l.FinishSegment(name, s))
			ends = append(ends, fact{
				Rendition: name, MSN: msn, Epoch: l.Epoch(), Part: -1, Bytes: int64(len(whole[name])),
				Checksum: crc(whole[name]), Duration: s.Duration, MediaEnd: s.MediaEnd,
			})
		}
		commit(ends)
		if msn%4 == 3 {
			l.Settle(ctx) // the disk of a test machine may be slow, and no gap is due
		}
	}
}

// kill lets a child publish for a while and returns what it said.
func kill(t *testing.T, dir string, after time.Duration) []fact {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var facts []fact
	lines := bufio.NewReader(pipe)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // the last line may be cut
		}
		var f fact
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatalf("child says %q: %v", line, err)
		}
		if facts = append(facts, f); len(facts) == 1 {
			timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
			defer timer.Stop()
		}
	}
	if err := cmd.Wait(); len(facts) == 0 || stderr.Len() > 0 {
		t.Fatalf("child: %v, %d facts\n%s", err, len(facts), stderr.Bytes())
	}
	return facts
}

// Whatever moment the process is killed at, nothing that was published is lost or
// altered, and no media sequence number goes back.
func TestKill(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type name struct {
		rendition string
		msn       int
	}
	published := make(map[name]fact)        // whole segments
	meant := make(map[name]segment.Segment) // at the last look
	torn := 0
	const kills = 50
	for round := range kills {
		facts := kill(t, f.dir, time.Duration(rand.IntN(40_000))*time.Microsecond)
		l, err := segment.Open(f.dir, f.cfg, f.deps)
		if err != nil {
			t.Fatal(err)
		}
		now := make(map[name]segment.Segment)
		for _, r := range l.Renditions() {
			for i, s := range r.Segments {
				if s.MSN != r.Segments[0].MSN+i {
					t.Fatalf("round %d: %s has %d behind %d", round, r.Name, s.MSN, r.Segments[i-1].MSN)
				}
				s.Parts = nil
				now[name{r.Name, s.MSN}] = s
				if s.Torn {
					torn++
				}
			}
		}
		for n, s := range meant {
			if !reflect.DeepEqual(now[n], s) {
				t.Fatalf("round %d: %v was %+v, is %+v", round, n, s, now[n])
			}
		}
		meant = now
		for _, p := range facts {
			n := name{p.Rendition, p.MSN}
			s, ok := now[n]
			if !ok || s.Gap || s.Epoch != p.Epoch || s.Bytes < p.Offset+p.Bytes {
				t.Fatalf("round %d: published %+v, there is %+v", round, p, s)
			}
			o, err := l.OpenSegment(p.Rendition, p.Epoch, p.MSN)
			if p.Part < 0 {
				published[n] = p
				if s.Torn || s.Duration != p.Duration || s.MediaEnd != p.MediaEnd || s.Bytes != p.Bytes {
					t.Fatalf("round %d: published %+v, there is %+v", round, p, s)
				}
			}
			data := read(t, o, err)[p.Offset:][:p.Bytes]
			if crc(data) != p.Checksum {
				t.Fatalf("round %d: the bytes of %+v have changed", round, p)
			}
			if p.Part >= 0 {
				o, err := l.OpenPart(p.Rendition, p.Epoch, p.MSN, p.Part)
				if got := read(t, o, err); !bytes.Equal(got, data) {
					t.Fatalf("round %d: part %+v differs from its segment", round, p)
				}
			}
		}
	}

	// What all rounds have published is there at the end, from files with final names.
	l := f.open(t)
	f.run(t)()
	for n, p := range published {
		o, err := l.OpenSegment(n.rendition, p.Epoch, n.msn)
		if got := read(t, o, err); crc(got) != p.Checksum {
			t.Errorf("the bytes of %+v have changed", p)
		}
	}
	if left := temporaries(t, f.dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if torn == 0 || len(published) == 0 {
		t.Errorf("%d torn and %d whole segments: nothing was tried", torn, len(published))
	}
	t.Logf("%d kills: %d segments published, %d in all", kills, len(published), len(meant))
}
