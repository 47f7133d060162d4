// Package client is a chat client that costs little: one goroutine a connection, frames built and read by hand. It
// keeps the contract, and the books of package ledger.
package client

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/ledger"
	"mall/cmd/loadtest/internal/people"
)

// Conn is one device of a person: a connection, its rooms, and after it has been cut the next connection.
type Conn struct {
	Person *people.Person
	Rooms  []string // those it sends to and keeps the books of

	fleet *Fleet
	home  int            // which base URL
	first uint32         // its lane of Rooms[0]; the others follow
	index map[string]int // of Rooms; nil when there is one

	// Of the reading goroutine alone while there is one, and of whoever dials while there is none.
	views   []ledger.View
	epoch   string
	have    []int64 // of each room, when the connection began
	part    int     // of the rooms, which is being asked for
	welcome chan struct{}
	whole   chan struct{} // closed when everything missed is there
	ended   chan struct{} // closed when the reading goroutine has ended

	mu          sync.Mutex      // orders writes and guards what follows
	ws          *websocket.Conn // nil while there is none
	gone        *websocket.Conn // the last one that has ended
	lanes       []ledger.Lane
	outstanding int
	out         []byte
	budget      budget
	token       string
	tokenEnds   time.Time

	goodbye atomic.Bool // the end is ours, for good
	cut     atomic.Bool // the end is ours, as a network's would be
}

// At is one of a connection's rooms.
type At struct {
	Conn *Conn
	Room int
}

// now is microseconds since the run began.
func (c *Conn) now() int64 { return c.fleet.Now() }

// read takes frames until the connection ends.
func (c *Conn) read(ws *websocket.Conn) error {
	buf := make([]byte, 0, 1024)
	for {
		_, r, err := ws.NextReader()
		if err != nil {
			return err
		}
		if buf, err = readAll(r, buf[:0]); err != nil {
			return err
		}
		c.take(buf)
	}
}

func readAll(r io.Reader, buf []byte) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// take does what a frame asks for.
func (c *Conn) take(text []byte) {
	t := c.fleet.Tally
	t.Frames.Add(1)
	f, ok := frame.Scan(text)
	if !ok {
		t.Error("not a frame")
		return
	}
	switch f.Kind {
	case frame.Message:
		c.shown(&f)
	case frame.Ack:
		c.acked(&f)
	case frame.Error:
		c.refused(&f)
	case frame.Welcome:
		c.welcomed(&f)
	case frame.Resumed:
		c.resumed()
	case frame.TooFar:
		c.tooFar(&f)
	case frame.Reset:
		t.Error("reset")
	}
}

// roomOf finds a room among the connection's own; -1 for another.
func (c *Conn) roomOf(id []byte) int {
	if c.index == nil {
		if len(c.Rooms) == 1 && string(id) == c.Rooms[0] {
			return 0
		}
		return -1
	}
	if i, ok := c.index[string(id)]; ok {
		return i
	}
	return -1
}

func (c *Conn) shown(f *frame.Frame) {
	i := c.roomOf(f.Room)
	if i < 0 {
		return
	}
	k, ours := c.fleet.Run.Read(f.Key)
	if !ours {
		c.views[i].Shown(f.Seq)
		return
	}
	if own := k.Lane - c.first; own < uint32(len(c.Rooms)) {
		c.views[i].Own(f.Seq, k.Lane, k.N)
		return
	}
	if c.views[i].Message(f.Seq, k.Lane, k.N) {
		c.fleet.Tally.Receive.Add(time.Duration(c.now()-k.At) * time.Microsecond)
		c.fleet.Tally.Received.Add(1)
		if c.fleet.OnReceive != nil {
			c.fleet.OnReceive(At{c, i}, f.Seq)
		}
	}
}

func (c *Conn) acked(f *frame.Frame) {
	k, ok := c.fleet.Run.Read(f.Key)
	i := k.Lane - c.first
	if !ok || i >= uint32(len(c.Rooms)) {
		c.fleet.Tally.Error("an ack for nothing")
		return
	}
	c.mu.Lock()
	_, first := c.lanes[i].Acked(k.N, f.Seq)
	if first {
		c.outstanding--
	}
	c.mu.Unlock()
	if !first {
		return // the answer to a retry
	}
	c.views[i].Ack(f.Seq, k.Lane, k.N)
	c.fleet.Tally.Ack.Add(time.Duration(c.now()-k.At) * time.Microsecond)
	c.fleet.Tally.Acked.Add(1)
	if c.fleet.OnSettled != nil {
		c.fleet.OnSettled(At{c, int(i)})
	}
}

// refused counts a refusal. A send that may be tried again is tried again with the same key where the run wants it.
func (c *Conn) refused(f *frame.Frame) {
	c.fleet.Tally.Error(string(f.Code))
	if string(f.ID) == resumeID {
		c.resumeLater(time.Duration(f.RetryAfterMS) * time.Millisecond)
		return
	}
	lane, n, ok := frame.ReadID(f.ID)
	i := lane - c.first
	if !ok || i >= uint32(len(c.Rooms)) {
		return
	}
	if f.Retryable && c.fleet.Retry {
		c.retryLater(int(i), n, time.Duration(f.RetryAfterMS)*time.Millisecond)
		return
	}
	c.mu.Lock()
	first := c.lanes[i].Refused(n)
	if first {
		c.outstanding--
	}
	c.mu.Unlock()
	if first && c.fleet.OnSettled != nil {
		pause := max(refusalPause, time.Duration(f.RetryAfterMS)*time.Millisecond)
		time.AfterFunc(pause, func() { c.fleet.settledAfterRefusal(At{c, int(i)}) })
	}
}

// refusalPause keeps a closed loop from asking again and again for what is refused for good.
const refusalPause = 100 * time.Millisecond

func (c *Conn) welcomed(f *frame.Frame) {
	if c.epoch == "" {
		c.epoch = string(f.Epoch)
	}
	close(c.welcome)
}
