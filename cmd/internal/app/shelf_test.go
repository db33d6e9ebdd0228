package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lectern/lectern/configs"
	"github.com/lectern/lectern/hls/origin"
	"github.com/lectern/lectern/realtime/class"
)

// The shelf is bounded: what is asked for least is opened again when needed.
func TestShelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opened := map[string]int{}
		s := newShelf(func(id string) (origin.Presentation, bool) {
			opened[id]++
			return origin.Presentation{}, id != "broken"
		})
		read := func(id string) bool {
			b, ok := s.find(id)
			if !ok {
				b = s.put(id, nil)
			}
			_, ok = s.read(b)
			return ok
		}
		for range 2 {
			if !read("first") || opened["first"] != 1 {
				t.Errorf("opened %v", opened)
			}
		}
		s.put("ready", &origin.Presentation{})
		if !read("ready") || opened["ready"] != 0 {
			t.Errorf("opened %v", opened)
		}
		for i := range maxShelf - 1 {
			read(strconv.Itoa(i))
			read("first")
		}
		if len(s.books) != maxShelf || s.order.Len() != maxShelf {
			t.Errorf("%d and %d on the shelf", len(s.books), s.order.Len())
		}
		if read("ready"); opened["ready"] != 1 || opened["first"] != 1 {
			t.Errorf("opened %v", opened)
		}
		s.remove("first")
		if read("first"); opened["first"] != 2 {
			t.Errorf("opened %v", opened)
		}
		for range 2 {
			if read("broken") || opened["broken"] != 1 {
				t.Errorf("a broken class was opened %d times", opened["broken"])
			}
		}
		time.Sleep(reopenPause + 1) //nolint:forbidigo // returns at once in a bubble
		if read("broken"); opened["broken"] != 2 {
			t.Errorf("a broken class was opened %d times", opened["broken"])
		}
	})
}

// overClasses knows only classes that have ended.
type overClasses struct{}

func (overClasses) Get(_ context.Context, id string) (class.Class, error) {
	return class.Class{ID: id, State: class.Ended}, nil
}

// The class may end between the look at the key and the start of its pipeline.
func TestNoPipelineForAClassThatIsOver(t *testing.T) {
	cfg := configs.Default()
	cfg.Data = t.TempDir()
	p := newPipelines(cfg, pipelineDeps{tasks: newTasks(t.Context())}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	p.classes = overClasses{}
	if err := p.ensure(t.Context(), "algebra"); !errors.Is(err, class.ErrEnded) {
		t.Errorf("err = %v", err)
	}
	if _, err := os.Stat(filepath.Join(cfg.Data, classesFolder, "algebra")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its folder: %v", err)
	}
}
