package class_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lectern/lectern/realtime/class"
	"github.com/lectern/lectern/storage/kv"
)

// crashEnv makes this test binary the victim of TestKill9.
const crashEnv = "LECTERN_TEST_CLASS_VICTIM_DB"

// announcer writes each change to standard output, at the moment of its
// announcement.
type announcer struct{}

func (announcer) ClassChanged(_ context.Context, _, after class.Class) {
	_, _ = os.Stdout.WriteString("announced " + after.ID + " " + after.State.String() + " " + after.StreamKey.Reveal() + "\n")
}

// TestKill9Victim is the process that is killed: it publishes for ever.
func TestKill9Victim(t *testing.T) {
	path := os.Getenv(crashEnv)
	if path == "" {
		return // an ordinary run: TestKill9 starts it
	}
	r := newRegistry(t, class.Deps{DB: openDB(t, path), Observer: announcer{}})
	create(t, r, class.New{ID: "maths"})
	for {
		arrive(t, r, "maths")
		if _, err := r.RotateStreamKey(t.Context(), "maths"); err != nil {
			t.Fatal(err)
		}
		leave(t, r, "maths", false)
	}
}

// What the Observer has heard of is in the database, whenever the process is
// killed; and the class can go on.
func TestKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lectern.db")
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKill9Victim$")
	victim.Env = append(os.Environ(), crashEnv+"="+path)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = victim.Start(); err != nil {
		t.Fatal(err)
	}
	var heard []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "announced ") {
			heard = append(heard, lines.Text())
		}
		if len(heard) == 20 {
			_ = victim.Process.Kill()
		}
	}
	_ = victim.Wait() // killed
	if len(heard) < 20 {
		t.Fatalf("the victim announced %q", heard)
	}

	r := newRegistry(t, class.Deps{DB: openDB(t, path)})
	c, err := r.Get(t.Context(), "maths")
	if err != nil {
		t.Fatal(err)
	}
	if c.State != class.Interrupted || c.Deadline.IsZero() || c.StartedAt.IsZero() {
		t.Errorf("after the restart: %+v", c)
	}
	// At most one change was committed and not announced any more.
	last := strings.Fields(heard[len(heard)-1])
	if key := c.StreamKey.Reveal(); last[2] != class.Live.String() && key != last[3] {
		t.Errorf("the key is not the announced one: state was %s", last[2])
	}
	if got, err := r.Authorize(t.Context(), c.StreamKey.Reveal()); err != nil || got.ID != "maths" {
		t.Errorf("authorize = %+v, %v: key and index differ", got, err)
	}
	if c = arrive(t, r, "maths"); c.State != class.Live {
		t.Errorf("state = %s", c.State)
	}
	var keys int
	if err := r.SwapDB(nil).View(func(tx *kv.Tx) error { keys = kv.NewBucket[string]("class_keys").Count(tx); return nil }); err != nil || keys != 1 {
		t.Errorf("%d keys in the index, %v, want 1", keys, err)
	}
}
