// Package events is one Server-Sent Events connection: for networks that block WebSocket. It says the same
// frames as a socket does; what the client says goes by REST.
package events

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Config bounds a connection; its members mean the same as a socket's.
type Config struct {
	QueueFrames int
	QueueBytes  int
}

const (
	writeLimit  = 5 * time.Second // in which a peer must take writeMost, or what is left when the connection closes
	writeMost   = 16 << 10        // bytes of one write, unless a single frame has more
	slowReader  = 4508
	goingAway   = 1012
	contentType = "text/event-stream"
)

// Conn is one connection. Send and Close may be called from anywhere.
type Conn struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
	cfg Config

	mu      sync.Mutex
	queue   [][]byte // a nil frame is a comment line, which keeps proxies from closing the connection
	bytes   int
	emptied chan struct{}
	wake    chan struct{}
	closing bool
	until   time.Time // when a peer that does not read holds up the closing no longer
	code    int
	reason  string
}

// Open answers the request with an event stream.
func Open(w http.ResponseWriter, cfg Config) (*Conn, error) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	c := &Conn{w: w, ctl: http.NewResponseController(w), cfg: cfg, wake: make(chan struct{}, 1)}
	return c, c.ctl.Flush()
}

// Send queues a frame. It never waits: a peer that reads too slowly is closed with 4508 instead.
func (c *Conn) Send(frame []byte) { c.SendAll([][]byte{frame}) }

// SendAll queues frames in their order, with nothing between them.
func (c *Conn) SendAll(frames [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range frames {
		if c.closing {
			return
		}
		if len(c.queue) >= c.cfg.QueueFrames || c.bytes+len(f) > c.cfg.QueueBytes {
			c.queue, c.bytes = nil, 0
			c.shut(slowReader, "reads too slowly")
			return
		}
		c.queue = append(c.queue, f)
		c.bytes += len(f)
	}
	c.signal()
}

// Ping sends a comment line. Whether the peer lives shows in the writing.
func (c *Conn) Ping() { c.Send(nil) }

// Close ends the connection with a code and a reason, after what is queued.
func (c *Conn) Close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut(code, reason)
}

// CloseGoing tells the peer that this instance goes away, and over how long the peers should come back.
func (c *Conn) CloseGoing(spread time.Duration) {
	reason, err := json.Marshal(map[string]int64{"spread_ms": spread.Milliseconds()})
	if err != nil { // a number always encodes
		panic(err)
	}
	c.Close(goingAway, string(reason))
}

func (c *Conn) shut(code int, reason string) {
	if !c.closing {
		c.closing, c.until, c.code, c.reason = true, time.Now().Add(writeLimit), code, reason
		c.announceEmpty()
		c.signal()
	}
}

func (c *Conn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Conn) announceEmpty() {
	if c.emptied != nil {
		close(c.emptied)
		c.emptied = nil
	}
}

// WaitForSpace waits until the queue has been taken by the writer. It answers false when the connection is over or
// ctx has ended.
func (c *Conn) WaitForSpace(ctx context.Context) bool {
	c.mu.Lock()
	if c.closing || len(c.queue) == 0 {
		defer c.mu.Unlock()
		return !c.closing
	}
	if c.emptied == nil {
		c.emptied = make(chan struct{})
	}
	emptied := c.emptied
	c.mu.Unlock()
	select {
	case <-emptied:
		return !c.over()
	case <-ctx.Done():
		return false
	}
}

func (c *Conn) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// Serve writes until the connection ends or gone does, which the request's context tells. Nobody waits for the peer after
// it.
func (c *Conn) Serve(gone <-chan struct{}) {
	defer c.end()
	for {
		select {
		case <-gone:
			return
		case <-c.wake:
		}
		frames, over := c.take()
		if c.write(frames) != nil {
			return
		}
		if over {
			c.goodbye()
			return
		}
	}
}

// end forgets what waits, and takes no more.
func (c *Conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut(goingAway, "")
	c.queue, c.bytes = nil, 0
	c.announceEmpty()
}

func (c *Conn) take() ([][]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	frames := c.queue
	c.queue, c.bytes = nil, 0
	c.announceEmpty()
	return frames, c.closing
}

// write writes in pieces: a peer may read slowly and yet read.
func (c *Conn) write(frames [][]byte) error {
	var b bytes.Buffer
	for i, f := range frames {
		if f == nil {
			b.WriteString(":\n\n")
		} else {
			b.WriteString("data: ")
			b.Write(f) // JSON has no line breaks of its own
			b.WriteString("\n\n")
		}
		if b.Len() < writeMost && i+1 < len(frames) {
			continue
		}
		if err := c.writePiece(b.Bytes()); err != nil {
			return err
		}
		b.Reset()
	}
	return nil
}

func (c *Conn) writePiece(text []byte) error {
	if err := c.ctl.SetWriteDeadline(c.writeDeadline()); err != nil {
		return err
	}
	if _, err := c.w.Write(text); err != nil {
		return err
	}
	return c.ctl.Flush()
}

// writeDeadline gives each piece the same while; once the connection is closing all that is left shares one.
func (c *Conn) writeDeadline() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return c.until
	}
	return time.Now().Add(writeLimit)
}

// goodbye says why the stream ends, in the words of a socket's close frame.
func (c *Conn) goodbye() {
	c.mu.Lock()
	code, reason := c.code, c.reason
	c.mu.Unlock()
	text, err := json.Marshal(map[string]any{"code": code, "reason": reason})
	if err != nil { // a number and a string always encode
		panic(err)
	}
	_ = c.writePiece([]byte("event: close\ndata: " + string(text) + "\n\n")) // whoever cannot be told is gone
}
