package broker

import (
	"context"
	"sync"
)

type signalName struct{ room, kind string }

// signals are those who listen on this machine, which is all there is.
type signals struct {
	mu        sync.Mutex // guards the fields below
	listeners map[signalName]map[int]func([]byte)
	next      int
}

// Signal implements [Broker]: it calls the listeners before it returns.
func (b *Embedded) Signal(_ context.Context, room, kind string, payload []byte) error {
	s := &b.signals
	s.mu.Lock()
	listeners := make([]func([]byte), 0, 4)
	for _, h := range s.listeners[signalName{room, kind}] {
		listeners = append(listeners, h)
	}
	s.mu.Unlock()
	for _, h := range listeners {
		h(payload)
	}
	return nil
}

// OnSignal implements [Broker].
func (b *Embedded) OnSignal(room, kind string, h func([]byte)) (cancel func()) {
	s := &b.signals
	name := signalName{room, kind}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		s.listeners = make(map[signalName]map[int]func([]byte))
	}
	if s.listeners[name] == nil {
		s.listeners[name] = make(map[int]func([]byte))
	}
	s.next++
	n := s.next
	s.listeners[name][n] = h
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.listeners[name], n)
		if len(s.listeners[name]) == 0 {
			delete(s.listeners, name)
		}
	}
}
