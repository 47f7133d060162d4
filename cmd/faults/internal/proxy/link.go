package proxy

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// laterAtMost is how long a frame waits for a next one to go before it.
const laterAtMost = 60 * time.Millisecond

// Link is one connection through a proxy.
type Link struct {
	proxy          *Proxy
	client, server *net.TCPConn
	subscriber     atomic.Bool
	hushed         atomic.Bool
	left           atomic.Bool   // the client has ended its half
	over           chan struct{} // closed when the link was cut
	end            sync.Once

	mu    sync.Mutex
	gate  chan struct{} // closed when a stalled link goes on; nil when it is not stalled
	marks atomic.Int32
}

// Subscriber says whether the link is a Redis subscription.
func (l *Link) Subscriber() bool { return l.subscriber.Load() }

// Peer is the address of the link's client.
func (l *Link) Peer() string { return l.client.RemoteAddr().String() }

// Mark remembers something about the link for a rule; TakeMark answers whether there was a mark and takes it away.
func (l *Link) Mark() { l.marks.Store(1) }

// TakeMark answers whether Mark was called since the last time.
func (l *Link) TakeMark() bool { return l.marks.Swap(0) == 1 }

func (l *Link) cut() {
	l.end.Do(func() { close(l.over) })
	reset(l.client)
	reset(l.server)
}

func (l *Link) stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate == nil {
		l.gate = make(chan struct{})
	}
}

func (l *Link) unstall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate != nil {
		close(l.gate)
		l.gate = nil
		_ = l.server.SetReadBuffer(4 << 20) // what has piled up comes at once, also through small buffers
	}
}

// await waits while the link is stalled.
func (l *Link) await() {
	l.mu.Lock()
	gate := l.gate
	l.mu.Unlock()
	if gate == nil {
		return
	}
	select {
	case <-gate:
	case <-l.over:
	}
}

// pump carries one direction until its source ends. The end is passed on, unless the link is hushed: then the other
// side learns nothing until its own patience ends.
func (l *Link) pump(from, to *net.TCPConn, dir Direction) {
	out := &writer{to: to, link: l}
	r := bufio.NewReaderSize(from, 16<<10)
	for {
		if dir == ToClient {
			l.await()
		}
		frame, err := l.proxy.framer(r)
		if err != nil {
			break
		}
		if l.proxy.observe != nil {
			l.proxy.observe(l, dir, frame)
		}
		if !l.pass(out, dir, frame) {
			break
		}
	}
	if dir == ToServer {
		l.left.Store(true)
	}
	out.flush()
	if l.hushed.Load() {
		_ = from.Close()
		return
	}
	_ = to.CloseWrite()
}

// pass does what the rule says; false ends the pump.
func (l *Link) pass(out *writer, dir Direction, frame []byte) bool {
	verdict := Forward
	if rule := l.proxy.rule.Load(); rule != nil {
		var wait time.Duration
		if verdict, wait = (*rule)(l, dir, frame); wait > 0 {
			select {
			case <-time.After(wait):
			case <-l.over:
				return false
			}
		}
	}
	switch verdict {
	case Drop:
		return true
	case Later:
		out.later(frame)
		return true
	case Cut:
		l.cut()
		return false
	case Hush:
		l.hushed.Store(true)
	}
	return out.write(frame) == nil
}

// writer is one direction's outlet. Its lock orders what waits with what passes.
type writer struct {
	to   *net.TCPConn
	link *Link

	mu      sync.Mutex
	waiting [][]byte
}

func (w *writer) write(frame []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.link.hushed.Load() {
		return nil
	}
	_, err := w.to.Write(frame)
	for _, f := range w.waiting {
		if err == nil {
			_, err = w.to.Write(f)
		}
	}
	w.waiting = nil
	return err
}

func (w *writer) later(frame []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, frame)
	if len(w.waiting) == 1 {
		time.AfterFunc(laterAtMost, w.flush)
	}
}

func (w *writer) flush() {
	w.mu.Lock()
	late := len(w.waiting) > 0
	w.mu.Unlock()
	if late {
		_ = w.write(nil)
	}
}
