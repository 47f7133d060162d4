package socket

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"
)

// corkMax is how much is gathered before it is written: what a peer must take in the time of one write.
const corkMax = 16 << 10

// corked is a connection that can hold back what is written to it, so that frames that wait together leave with one
// system call instead of one each. gorilla writes each frame by itself.
//
// The buffers go from connection to connection, so one that is given back holds nothing, whatever became of the write:
// what is left in it would be sent to the next connection's peer.
type corked struct {
	net.Conn

	mu    sync.Mutex
	held  *[]byte // nil: nothing is held back
	until time.Time
}

var corks = sync.Pool{New: func() any { b := make([]byte, 0, corkMax); return &b }}

// cork holds back what is written from now on.
func (c *corked) cork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = corks.Get().(*[]byte)
	*c.held = (*c.held)[:0]
}

// uncork writes what was held back.
func (c *corked) uncork() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	held := c.held
	c.held = nil
	err := c.flush(held)
	if cap(*held) <= 2*corkMax {
		corks.Put(held)
	}
	return err
}

// flush writes what is held and empties it: also when the connection has closed and nothing can be written.
func (c *corked) flush(held *[]byte) error {
	frames := *held
	*held = frames[:0]
	if len(frames) == 0 {
		return nil
	}
	if err := c.Conn.SetWriteDeadline(c.until); err != nil {
		return err
	}
	_, err := c.Conn.Write(frames)
	return err
}

// Write writes, or holds back.
func (c *corked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		return c.Conn.Write(p)
	}
	if len(*c.held)+len(p) > corkMax {
		if err := c.flush(c.held); err != nil {
			return 0, err
		}
	}
	*c.held = append(*c.held, p...)
	return len(p), nil
}

// SetWriteDeadline is for the write that follows, whenever that is.
func (c *corked) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	if c.held != nil {
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}

// CloseWrite ends our half of the connection, where the transport knows halves.
func (c *corked) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// hijacker hands gorilla a connection that can be corked.
type hijacker struct {
	http.ResponseWriter

	conn *corked
}

// Hijack takes the connection from the server.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &corked{Conn: conn}
	return h.conn, rw, nil
}
