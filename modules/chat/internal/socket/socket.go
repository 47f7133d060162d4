// Package socket is one WebSocket connection: its limits, its queue, its two pumps. It knows no chat.
package socket

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// Close codes of the contract. 44xx: do not come back by yourself. 45xx: come back with jitter.
const (
	CloseGoingAway   = websocket.CloseServiceRestart // 1012
	CloseUnsupported = websocket.CloseUnsupportedData
	CloseBadText     = websocket.CloseInvalidFramePayloadData
	CloseTooBig      = websocket.CloseMessageTooBig
	CloseInternal    = websocket.CloseInternalServerErr
	CloseOverload    = websocket.CloseTryAgainLater
	CloseAbuse       = 4400
	CloseToken       = 4401
	CloseForbidden   = 4403
	CloseTooMany     = 4409
	CloseSlowReader  = 4508
	CloseResync      = 4510
	CloseFlood       = 4529
	closeReasonMax   = 120 // bytes; a control frame holds 125 with the code
	writeLimit       = 5 * time.Second
	fragmentLimit    = 10 * time.Second
	readBuffer       = 512
	coalesce         = 16 << 10 // queued frames are joined into writes of about this size
)

// Config bounds a connection.
type Config struct {
	FrameBytes  int           // largest text message taken
	QueueFrames int           // frames waiting for a slow reader; one more closes it
	QueueBytes  int           // their bytes
	DeadAfter   time.Duration // silence for so long means that the peer is gone
}

// Handler gets what the peer does. Calls come one at a time.
type Handler interface {
	Frame(text []byte) // text is only good during the call
	Closed()           // the connection is over; called exactly once, last
}

var buffers sync.Pool // gorilla takes a write buffer from here for the time of one write

// Upgrader answers handshakes.
type Upgrader struct {
	ws  websocket.Upgrader
	cfg Config
}

// NewUpgrader answers handshakes that name the given subprotocol. It does not look at the Origin: who is
// allowed in must be settled before. Compression stays off: it doubles the cost of a write and lets a small
// frame grow past the limit.
func NewUpgrader(subprotocol string, cfg Config) *Upgrader {
	return &Upgrader{cfg: cfg, ws: websocket.Upgrader{
		HandshakeTimeout: 5 * time.Second,
		ReadBufferSize:   readBuffer,
		WriteBufferSize:  4 << 10,
		WriteBufferPool:  &buffers,
		Subprotocols:     []string{subprotocol},
		CheckOrigin:      func(*http.Request) bool { return true },
		Error:            func(http.ResponseWriter, *http.Request, int, error) {}, // the caller answers
	}}
}

// Upgrade takes over the request's connection. After an error the caller answers the request, if the
// response has not begun.
func (u *Upgrader) Upgrade(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	ws, err := u.ws.Upgrade(w, r, nil)
	if err != nil {
		return nil, err
	}
	return &Conn{ws: ws, cfg: u.cfg}, nil
}

// Offered lists the subprotocols that the client offers.
func Offered(r *http.Request) []string { return websocket.Subprotocols(r) }

// Wanted says whether the request asks for a WebSocket at all.
func Wanted(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Conn is one connection. Nothing is read before Serve. Send and Close may be called from anywhere.
type Conn struct {
	ws       *websocket.Conn
	cfg      Config
	fragment bool // a message is half read; only the reading goroutine looks

	mu      sync.Mutex
	queue   [][]byte // a nil frame is a ping
	bytes   int
	emptied chan struct{} // somebody waits for the queue to be empty
	writing bool          // a goroutine is emptying the queue
	closing error         // set once: no frame is taken any more
	code    int
	reason  string
}

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
		reason = reason[:closeReasonMax]
	}
	c.closing, c.code, c.reason = errClosing, code, reason
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
			over := c.closing != nil
			if !over {
				c.writing = false
			}
			c.mu.Unlock()
			if over {
				c.sayGoodbye()
			}
			return
		}
		frames := c.queue
		c.queue, c.bytes = nil, 0
		c.announceEmpty()
		c.mu.Unlock()
		if err := c.writeFrames(frames); err != nil {
			c.fail(err)
			return
		}
	}
}

func (c *Conn) writeFrames(frames [][]byte) error {
	if err := c.ws.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	for _, f := range frames {
		kind := websocket.TextMessage
		if f == nil {
			kind = websocket.PingMessage
		}
		if err := c.ws.WriteMessage(kind, f); err != nil {
			return err
		}
	}
	return nil
}

// announceEmpty lets go who waits in Room.
func (c *Conn) announceEmpty() {
	if c.emptied != nil {
		close(c.emptied)
		c.emptied = nil
	}
}

// Room waits until the queue has been taken by the writer, so that who has much to say does not fill it.
// It answers false when the connection is over or ctx has ended.
func (c *Conn) Room(ctx context.Context) bool {
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
	err := c.ws.WriteControl(websocket.CloseMessage, msg, time.Now().Add(time.Second))
	if err == nil {
		err = c.ws.SetReadDeadline(time.Now().Add(time.Second))
	}
	if err != nil {
		_ = c.ws.Close()
	}
}

// fail ends a connection that can no longer be written to.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.closing == nil {
		c.closing = err
	}
	c.queue, c.bytes = nil, 0
	c.announceEmpty()
	c.mu.Unlock()
	_ = c.ws.Close()
}

// Ping asks the peer for a sign of life; the answer keeps the connection open. It does not wait.
func (c *Conn) Ping() { c.Send(nil) }

// Serve reads until the connection ends and then calls h.Closed. Run it in a goroutine of its own, after
// the handshake's handler has returned: what the request held is then free.
func (c *Conn) Serve(h Handler) {
	defer h.Closed()
	defer c.fail(io.EOF)
	c.ws.SetReadLimit(int64(c.cfg.FrameBytes))
	c.ws.SetPongHandler(func(string) error { return c.alive() })
	c.ws.SetPingHandler(func(data string) error {
		_ = c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		return c.alive()
	})
	var text []byte
	for {
		_ = c.alive()
		var ok bool
		if text, ok = c.read(text[:0]); !ok {
			return
		}
		if c.ended() == nil {
			h.Frame(text)
		}
	}
}

// alive gives the peer another while. Not inside a message or during the goodbye: those have their own end.
func (c *Conn) alive() error {
	if c.fragment || c.ended() != nil {
		return nil
	}
	return c.ws.SetReadDeadline(time.Now().Add(c.cfg.DeadAfter))
}

func (c *Conn) ended() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// read takes one whole text message. What the contract does not allow closes with its code.
func (c *Conn) read(buf []byte) ([]byte, bool) {
	kind, r, err := c.ws.NextReader()
	if err != nil {
		c.explain(err)
		return nil, false
	}
	if kind != websocket.TextMessage {
		c.Close(CloseUnsupported, "only text frames")
		return buf, c.drain()
	}
	// One message, however many fragments, has this long: an endless row of empty fragments ends too.
	if err := c.ws.SetReadDeadline(time.Now().Add(fragmentLimit)); err != nil {
		return nil, false
	}
	c.fragment = true
	buf, err = readAll(r, buf)
	c.fragment = false
	if err != nil {
		c.explain(err)
		return nil, false
	}
	if !utf8.Valid(buf) {
		c.Close(CloseBadText, "not UTF-8")
		return buf, c.drain()
	}
	return buf, true
}

// drain waits for the peer to answer our close frame; there is nothing more to read.
func (c *Conn) drain() bool {
	for {
		if _, _, err := c.ws.NextReader(); err != nil {
			return false
		}
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

// explain tells the peer why its last message was not read, where gorilla has not done so already.
func (c *Conn) explain(err error) {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.ClosePolicyViolation, "silent for too long"), time.Now().Add(time.Second))
	}
}

// Deaf is the handler of a connection that was refused: nobody listens to it.
type Deaf struct{}

// Frame ignores what the peer says.
func (Deaf) Frame([]byte) {}

// Closed has nothing to give back.
func (Deaf) Closed() {}
