package space

// class is what is known of one class. The monitor's lock guards it.
type class struct {
	id    string
	bytes int64
	open  int // accounts
	gate  gate
}

// Account is the share of one class. Its methods may be called from any
// goroutine; they never wait for a disk.
type Account struct {
	m *Monitor
	c *class

	closed bool // guarded by m.mu
}

// Class opens the account of a class that holds used bytes on disk now. Two
// accounts of one class, such as of an ending and a beginning pipeline, share
// its bytes and its limit. Close it when the class writes no more.
func (m *Monitor) Class(id string, used int64) *Account {
	m.mu.Lock()
	c := m.classes[id]
	if c == nil {
		c = &class{id: id, gate: newGate(keyClass, m.cfg.ClassBytes, m.cfg)}
		m.classes[id] = c
	}
	if c.open == 0 || used > c.bytes {
		m.recorded += used - c.bytes
		c.bytes = used
	}
	c.open++
	told := m.lookQuotasLocked(c)
	m.mu.Unlock()
	m.tell(told)
	return &Account{m: m, c: c}
}

// Take asks for n bytes that are about to be written. It returns an error that
// wraps [ErrFull] if a limit stands against it: nothing was taken then, and the
// file must not be written. n below 1 is granted. After Close it returns
// [ErrClosed].
func (a *Account) Take(n int64) error {
	if n <= 0 {
		return nil
	}
	m := a.m
	m.mu.Lock()
	told, err := m.takeLocked(a, n)
	m.mu.Unlock()
	m.tell(told)
	return err
}

// Give returns n bytes that were taken and not written, or whose file has been
// removed. It does nothing after Close.
func (a *Account) Give(n int64) {
	if n <= 0 {
		return
	}
	m := a.m
	m.mu.Lock()
	var told []news
	if !a.closed {
		n = min(n, a.c.bytes) // an account never owes
		a.c.bytes -= n
		m.recorded -= n
		m.taken -= n
		told = m.lookQuotasLocked(a.c)
		if m.disk.full {
			m.hurry()
		}
	}
	m.mu.Unlock()
	m.tell(told)
}

// Used returns the bytes that the class holds, and whether its own limit
// refuses to record.
func (a *Account) Used() (bytes int64, full bool) {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	return a.c.bytes, a.c.gate.full
}

// Close ends the account. The bytes of the class go on counting for
// space.total_bytes as long as its folder is there. Further calls do nothing.
func (a *Account) Close() {
	m := a.m
	m.mu.Lock()
	if a.closed {
		m.mu.Unlock()
		return
	}
	a.closed = true
	a.c.open--
	if a.c.open == 0 {
		// A class that is not written has no alarm to give.
		m.count(&a.c.gate, -1)
		a.c.gate.alarming, a.c.gate.full = false, false
		if m.cfg.TotalBytes == 0 {
			m.dropLocked(a.c)
		}
	}
	m.mu.Unlock()
}
