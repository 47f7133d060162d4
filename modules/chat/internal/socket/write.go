package socket

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

var errClosing = errors.New("socket: closing")

// Send queues a text frame. It never waits: a peer that reads too slowly is closed with 4508 instead.
// The bytes must not change afterwards.
func (c *Conn) Send(frame []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enqueue(frame)
}

// SendAll queues frames in their order, with nothing between them.
func (c *Conn) SendAll(frames [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range frames {
		c.enqueue(f)
	}
}

func (c *Conn) enqueue(frame []byte) {
	if c.closing != nil {
		return
	}
	if len(c.queue) >= c.cfg.QueueFrames || c.bytes+len(frame) > c.cfg.QueueBytes {
		c.shut(CloseSlowReader, "reads too slowly")
		return
	}
	c.queue = append(c.queue, frame)
	c.bytes += len(frame)
	c.wakeWriter()
}

// Close ends the connection with a code and a reason, after what is queued. For an orderly end only: who
// reads too slowly does not get the rest.
func (c *Conn) Close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shut(code, reason)
}

// CloseGoing tells the peer that this instance goes away, and over how long the peers should come back.
func (c *Conn) CloseGoing(spread time.Duration) {
	reason, _ := json.Marshal(map[string]int64{"spread_ms": spread.Milliseconds()})
	c.Close(CloseGoingAway, string(reason))
}

func (c *Conn) shut(code int, reason string) {
	if c.closing != nil {
		return
	}
	if len(reason) > closeReasonMax {
		reason = strings.ToValidUTF8(reason[:closeReasonMax], "") // the cut may have split a character
	}
	c.closing, c.until, c.code, c.reason = errClosing, time.Now().Add(c.limits.write), code, reason
	if code == CloseSlowReader {
		c.queue, c.bytes = nil, 0
		c.announceEmpty()
	}
	c.wakeWriter()
}

// wakeWriter starts a writer unless one runs: an idle connection has none.
func (c *Conn) wakeWriter() {
	if !c.writing {
		c.writing = true
		go c.write()
	}
}

// write empties the queue and ends. There is at most one; gorilla allows one.
func (c *Conn) write() {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 {
			goodbye := c.code != 0
			c.writing = goodbye // a second goodbye must not begin
			c.mu.Unlock()
			if goodbye {
				c.sayGoodbye()
			}
			return
		}
		frames := c.queue
		c.queue, c.bytes, c.spare = c.spare, 0, nil
		c.announceEmpty()
		c.mu.Unlock()
		err := c.writeFrames(frames)
		c.keep(frames)
		if err != nil {
			c.lose(err)
			return
		}
	}
}

// keptFrames is how long a queue an idle connection keeps for what comes next.
const keptFrames = 8

// keep keeps the memory of a queue that has been written, unless it is large.
func (c *Conn) keep(frames [][]byte) {
	if cap(frames) > keptFrames {
		return
	}
	clear(frames)
	c.mu.Lock()
	c.spare = frames[:0]
	c.mu.Unlock()
}

// writeFrames writes what has waited together with as few system calls as its size allows.
func (c *Conn) writeFrames(frames [][]byte) error {
	if len(frames) == 1 {
		return c.writeFrame(frames[0], c.writeDeadline())
	}
	c.wire.cork()
	var err error
	for i := 0; i < len(frames) && err == nil; i++ {
		err = c.writeFrame(frames[i], c.writeDeadline())
	}
	return errors.Join(err, c.wire.uncork())
}

func (c *Conn) writeFrame(frame []byte, until time.Time) error {
	kind := websocket.TextMessage
	if frame == nil {
		kind = websocket.PingMessage
	}
	if err := c.ws.SetWriteDeadline(until); err != nil {
		return err
	}
	return c.ws.WriteMessage(kind, frame)
}

// writeDeadline gives each frame the same while, since a peer may read slowly and yet read; once the
// connection is closing all that is left shares one.
func (c *Conn) writeDeadline() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing != nil {
		return c.until
	}
	return time.Now().Add(c.limits.write)
}

// lose ends a connection after a write that failed. After a close frame every write fails: then the reading
// goroutine is about to end the connection, once the peer has read why.
func (c *Conn) lose(err error) {
	c.stop(err)
	if !errors.Is(err, websocket.ErrCloseSent) {
		_ = c.ws.Close()
	}
}

// announceEmpty lets go who waits in WaitForSpace.
func (c *Conn) announceEmpty() {
	if c.emptied != nil {
		close(c.emptied)
		c.emptied = nil
	}
}

// WaitForSpace waits until the queue has been taken by the writer, so that who has much to say does not fill it.
// It answers false when the connection is over or ctx has ended.
func (c *Conn) WaitForSpace(ctx context.Context) bool {
	c.mu.Lock()
	if c.closing != nil || len(c.queue) == 0 {
		defer c.mu.Unlock()
		return c.closing == nil
	}
	if c.emptied == nil {
		c.emptied = make(chan struct{})
	}
	emptied := c.emptied
	c.mu.Unlock()
	select {
	case <-emptied:
		return c.ended() == nil
	case <-ctx.Done():
		return false
	}
}

// sayGoodbye sends the close frame and gives the peer a moment to answer it, so that it learns the code.
func (c *Conn) sayGoodbye() {
	msg := websocket.FormatCloseMessage(c.code, c.reason)
	err := c.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(c.limits.goodbye))
	if err == nil {
		err = c.ws.SetReadDeadline(time.Now().Add(c.limits.goodbye))
	}
	if err != nil {
		c.lose(err)
	}
}

// stop takes no frame any more and forgets those that wait.
func (c *Conn) stop(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil {
		c.closing, c.until = err, time.Now().Add(c.limits.goodbye)
	}
	c.queue, c.bytes = nil, 0
	c.announceEmpty()
}

// Ping asks the peer for a sign of life; the answer keeps the connection open. It does not wait.
func (c *Conn) Ping() { c.Send(nil) }
