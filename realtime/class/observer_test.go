package class_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lectern/lectern/realtime/class"
)

// An Observer reacts to the end of a class by closing the publication, whose
// goroutine then reports that it left: neither may wait for the other.
func TestObserverMayCallBack(t *testing.T) {
	d := &diary{}
	r := newRegistry(t, class.Deps{Observer: d})
	d.hook = func(ctx context.Context, before, after class.Class) {
		switch {
		case after.State == class.Live && before.State == class.Scheduled:
			if _, err := r.End(ctx, after.ID); err != nil {
				t.Errorf("end: %v", err)
			}
		case after.State == class.Ended:
			var wg sync.WaitGroup
			wg.Go(func() {
				if err := r.PublisherLeft(ctx, after.ID, false); err != nil {
					t.Errorf("left: %v", err)
				}
			})
			wg.Wait()
		}
		if err := ctx.Err(); err != nil {
			t.Errorf("the observer's context ends with its caller's: %v", err)
		}
	}
	create(t, r, class.New{ID: "maths"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.PublisherArrived(ctx, "maths"); err != nil {
		t.Fatal(err)
	}
	d.expect(t, "maths none->scheduled", "maths scheduled->live", "maths live->ended")
}

func TestPanickingObserverDoesNotSilenceTheClass(t *testing.T) {
	d := &diary{}
	r := newRegistry(t, class.Deps{Observer: d})
	create(t, r, class.New{ID: "maths"})
	d.hook = func(context.Context, class.Class, class.Class) { panic("observer") }
	func() {
		defer func() { _ = recover() }()
		_, _ = r.PublisherArrived(t.Context(), "maths")
	}()
	d.hook = nil
	leave(t, r, "maths", true)
	d.expect(t, "maths none->scheduled", "maths scheduled->live", "maths live->interrupted")
}

// Many goroutines change a few classes: the diary finds any change that is
// announced out of order, twice or not at all.
func TestConcurrentChangesAreAnnouncedInOrder(t *testing.T) {
	d := &diary{}
	var logs lockedBuffer
	path := filepath.Join(t.TempDir(), "lectern.db")
	r := newRegistry(t, class.Deps{DB: openDB(t, path), Observer: d, Logger: slog.New(slog.NewTextHandler(&logs, nil))})
	stop := run(t, r)
	ids := []string{"a", "b"}
	for _, id := range ids {
		create(t, r, class.New{ID: id, Source: class.NewSecret("rtsp://u:s3cret@cam/1")})
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			id := ids[i%2]
			for j := range 8 {
				switch {
				case i < 4:
					if _, err := r.PublisherArrived(t.Context(), id); err != nil {
						t.Errorf("arrived: %v", err)
					}
					if err := r.PublisherLeft(t.Context(), id, j%2 == 0); err != nil {
						t.Errorf("left: %v", err)
					}
				default:
					if _, err := r.RotateStreamKey(t.Context(), id); err != nil {
						t.Errorf("rotate: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	stop()
	d.take(t)
	for _, id := range ids {
		c, err := r.Get(t.Context(), id)
		if err != nil || c.State != class.Interrupted || !d.last[id].Equal(c) {
			t.Errorf("%s: %+v, %v; the observer last heard %+v", id, c, err, d.last[id])
		}
		if strings.Contains(logs.String(), c.StreamKey.Reveal()) || strings.Contains(logs.String(), "s3cret") {
			t.Error("a secret was logged")
		}
		// The database is where the key is, and it is private.
		if b, err := os.ReadFile(path); err != nil || !bytes.Contains(b, []byte(c.StreamKey.Reveal())) {
			t.Errorf("the key is not in the database (%v)", err)
		}
	}
}

func TestSlowObserverIsNotAnUnboundedQueue(t *testing.T) {
	d := &diary{}
	r := newRegistry(t, class.Deps{Observer: d})
	entered, release := make(chan struct{}), make(chan struct{})
	d.hook = func(_ context.Context, before, _ class.Class) {
		if before.ID == "" {
			close(entered)
			<-release
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := r.Create(context.WithoutCancel(t.Context()), class.New{ID: "maths", Title: "x"}); err != nil {
			t.Errorf("create: %v", err)
		}
	})
	<-entered
	for i := range 100 {
		title := fmt.Sprint("title ", i)
		if _, err := r.Update(t.Context(), "maths", class.Update{Title: &title}); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	wg.Wait()
	if lines := d.take(t); len(lines) != 33 {
		t.Errorf("heard %d changes, want the first and 32 that waited", len(lines))
	}
	if got := d.last["maths"].Title; got != "title 99" {
		t.Errorf("the last one heard is %q", got)
	}
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
