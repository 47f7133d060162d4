package pubsub

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// openEmbedded runs miniredis in this process: the same protocol through the same client, without a port.
func openEmbedded(opt *redis.Options) (redis.UniversalClient, func() error, error) {
	m := miniredis.NewMiniRedis()
	door := &door{server: m}
	opt.Dialer = func(context.Context, string, string) (net.Conn, error) { return door.dial() }
	c := redis.NewClient(opt)
	stop := make(chan struct{})
	go passTime(m, stop)
	return c, func() error {
		close(stop)
		err := c.Close()
		door.close()
		return err
	}, nil
}

// door keeps the end of the server and the coming of connections apart: the client may still be dialling when it has been
// closed, and a dial would start the server anew.
type door struct {
	mu     sync.Mutex
	server *miniredis.Miniredis
	closed bool
}

func (d *door) dial() (net.Conn, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, net.ErrClosed
	}
	c, err := d.server.Dial()
	if err != nil {
		return nil, err
	}
	return newBuffered(c), nil
}

func (d *door) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.server.Close()
}

// passTime moves miniredis' clock, which stands still by itself, so that keys expire.
func passTime(m *miniredis.Miniredis, stop chan struct{}) {
	const step = 250 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			m.FastForward(step)
		}
	}
}

// buffered gives an in-process pipe the buffer that a socket has in the kernel. Without it a client that
// writes many commands before it reads, as a pipeline does, and a server that answers the first of them
// wait for each other.
type buffered struct {
	net.Conn

	mu      sync.Mutex
	more    sync.Cond
	pending []byte
	err     error
}

func newBuffered(c net.Conn) *buffered {
	b := &buffered{Conn: c}
	b.more.L = &b.mu
	go b.flush()
	return b
}

// Write takes the bytes; an error of an earlier flush shows here.
func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	b.pending = append(b.pending, p...)
	b.more.Signal()
	return len(p), nil
}

// SetWriteDeadline has nothing to bound: Write does not wait.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline bounds reading only, for the same reason.
func (b *buffered) SetDeadline(t time.Time) error { return b.SetReadDeadline(t) }

// Close ends both directions.
func (b *buffered) Close() error {
	b.mu.Lock()
	if b.err == nil {
		b.err = net.ErrClosed
	}
	b.more.Signal()
	b.mu.Unlock()
	return b.Conn.Close()
}

func (b *buffered) flush() {
	for {
		b.mu.Lock()
		for len(b.pending) == 0 && b.err == nil {
			b.more.Wait()
		}
		p := b.pending
		b.pending = nil
		closed := b.err != nil
		b.mu.Unlock()
		if closed {
			return
		}
		if _, err := b.Conn.Write(p); err != nil {
			b.mu.Lock()
			b.err = err
			b.mu.Unlock()
			return
		}
	}
}
