package space

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

const (
	// scanInterval is how often folders that came or went are noticed.
	scanInterval = time.Minute
	// measureEvery is how many scans pass until the folders of all classes that
	// are not open are measured anew: somebody may have tidied up in one.
	measureEvery = 60
)

// scanLoop counts the classes that are not open, for space.total_bytes.
func (m *Monitor) scanLoop(ctx context.Context) {
	tick := time.NewTicker(scanInterval)
	defer tick.Stop()
	for i := 0; ; i++ {
		m.scan(ctx, i%measureEvery == 0)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// scan measures the folders of classes that are not open: those it does not
// know, or all. It forgets those whose folder is gone.
func (m *Monitor) scan(ctx context.Context, all bool) {
	known := m.closed()
	entries, err := os.ReadDir(m.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.metrics.probeErrors.Inc()
		m.logger.WarnContext(ctx, "folder of the classes cannot be read", "err", err)
		return
	}
	for _, e := range entries {
		id := e.Name()
		bytes, isKnown := known[id]
		delete(known, id)
		if !e.IsDir() || (isKnown && !all) || m.isOpen(id) {
			continue
		}
		now, err := FolderBytes(ctx, filepath.Join(m.dir, id))
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			m.metrics.probeErrors.Inc()
			m.logger.WarnContext(ctx, "folder of a class cannot be measured", "class", id, "err", err)
			continue
		}
		if !isKnown || now != bytes {
			m.setClosed(id, now)
		}
	}
	for id := range known {
		m.forget(id)
	}
	m.mu.Lock()
	told := m.lookQuotasLocked(nil)
	m.mu.Unlock()
	m.tell(told)
}

// closed returns the classes that are counted and not open, and their bytes.
func (m *Monitor) closed() map[string]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]int64{}
	for id, c := range m.classes {
		if c.open == 0 {
			out[id] = c.bytes
		}
	}
	return out
}

func (m *Monitor) isOpen(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.classes[id]
	return c != nil && c.open > 0
}

// setClosed counts a class that is not open. One that was opened meanwhile
// counts itself.
func (m *Monitor) setClosed(id string, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.classes[id]
	if c == nil {
		c = &class{id: id, gate: newGate(keyClass, m.cfg.ClassBytes, m.cfg)}
		m.classes[id] = c
	}
	if c.open > 0 {
		return
	}
	m.recorded += bytes - c.bytes
	c.bytes = bytes
}

// forget drops a class that is not open.
func (m *Monitor) forget(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.classes[id]; c != nil && c.open == 0 {
		m.dropLocked(c)
	}
}

// FolderBytes returns the sizes of all files below dir, in bytes: 0 if there is no
// such folder. What is removed meanwhile counts nothing. It ends with ctx.
func FolderBytes(ctx context.Context, dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		sum += info.Size()
		return nil
	})
	return sum, err
}
