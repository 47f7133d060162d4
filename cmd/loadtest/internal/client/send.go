package client

import (
	"math/rand/v2"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/frame"
)

// Outcome is what became of an attempt to send.
type Outcome int

// The outcomes.
const (
	Sent Outcome = iota
	HeldBack
	Offline
	Enough // it has sent its quota
)

// Send sends the next message into a room; at is when it was due, in microseconds since the run began. HeldBack says
// that most messages of the connection are unanswered already or that it would exceed its frames a second; nothing
// was sent then.
func (c *Conn) Send(room int, at int64, most int) Outcome {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.fleet.Quota > 0 && c.lanes[room].Issued() >= c.fleet.Quota:
		return Enough
	case c.ws == nil && !c.fleet.Outbox:
		return Offline
	case most > 0 && c.outstanding >= most || !c.budget.take(now, c.fleet.FramesPerSecond):
		return HeldBack
	}
	n := c.lanes[room].Issue(at)
	c.outstanding++
	c.fleet.Tally.Sent.Add(1)
	if c.ws == nil {
		return Sent // when it is back
	}
	c.fleet.Tally.Late.Add(time.Duration(now-at) * time.Microsecond)
	c.write(room, n, at)
	return Sent
}

// write writes a send frame; the caller holds c.mu. An error is left to the reader, who sees the connection's end.
func (c *Conn) write(room int, n uint32, at int64) {
	c.out = frame.AppendSend(c.out[:0], c.fleet.Run, frame.Key{Lane: c.lanes[room].Index, N: n, At: at}, c.Rooms[room], c.fleet.Body)
	c.put(c.out)
}

func (c *Conn) put(text []byte) {
	if err := c.ws.WriteMessage(websocket.TextMessage, text); err != nil {
		_ = c.ws.Close()
	}
}

// Say writes a frame that needs no answer, such as a read mark; false when there is no connection or no budget.
func (c *Conn) Say(build func(b []byte) []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ws == nil || !c.budget.take(c.now(), c.fleet.FramesPerSecond) {
		return false
	}
	c.out = build(c.out[:0])
	c.put(c.out)
	return true
}

// SendWhenAllowed is Send for closed loops: held back by its frames a second, it is sent as soon as that allows.
func (c *Conn) SendWhenAllowed(room int) {
	if c.fleet.Stopped() || c.Send(room, c.now(), 0) != HeldBack {
		return
	}
	c.fleet.Tally.HeldBack.Add(1)
	time.AfterFunc(c.allowedIn(), func() { c.SendWhenAllowed(room) })
}

func (c *Conn) allowedIn() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.budget.wait(c.now(), c.fleet.FramesPerSecond)
}

// retryLater sends the same key again after a while, as the contract's clients do.
func (c *Conn) retryLater(room int, n uint32, after time.Duration) {
	after = max(after, 100*time.Millisecond)
	after += rand.N(after) //nolint:gosec // spreads retries, guards nothing
	time.AfterFunc(after, func() { c.again(room, n) })
}

func (c *Conn) again(room int, n uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, waits := c.lanes[room].Due(n)
	if waits && c.ws != nil { // without a connection it is sent after the next welcome
		c.fleet.Tally.Retried.Add(1)
		c.write(room, n, at)
	}
}

// budget keeps a connection below the frames a second that the server takes for a flood.
type budget struct{ next int64 }

const budgetBurst = 150 // frames

// take says whether a frame may go out now.
func (b *budget) take(now int64, perSecond int) bool {
	if perSecond == 0 {
		return true
	}
	every := int64(1e6) / int64(perSecond)
	if b.next-now > every*budgetBurst {
		return false
	}
	b.next = max(b.next, now) + every
	return true
}

// wait is how long until the next frame may go out.
func (b *budget) wait(now int64, perSecond int) time.Duration {
	every := int64(1e6) / int64(max(perSecond, 1))
	return time.Duration(max(b.next-now-every*budgetBurst, 0)+every) * time.Microsecond
}
