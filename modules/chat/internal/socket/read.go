package socket

import (
	"errors"
	"io"
	"net"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// Serve reads until the connection ends and then calls h.Closed. Run it in a goroutine of its own, after
// the handshake's handler has returned: what the request held is then free.
func (c *Conn) Serve(h Handler) {
	defer h.Closed()
	defer func() { _ = c.ws.Close() }()
	defer c.stop(io.EOF)
	c.ws.SetReadLimit(int64(c.cfg.FrameBytes))
	c.ws.SetPongHandler(func(string) error { c.alive(); return nil })
	c.ws.SetPingHandler(func(data string) error {
		_ = c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		c.alive()
		return nil
	})
	var text []byte
	for {
		c.alive()
		var ok bool
		if text, ok = c.read(text[:0]); !ok {
			return
		}
		if c.ended() == nil {
			h.Frame(text)
		}
		if cap(text) > keptBuffer {
			text = nil
		}
	}
}

// alive gives the peer another while, except inside a message, which has its own end.
func (c *Conn) alive() {
	if !c.halfRead {
		c.patience(c.cfg.DeadAfter)
	}
}

// patience lets reading wait so long. Not during the goodbye, which has an end of its own: a peer that goes
// on talking must not put it off.
func (c *Conn) patience(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing == nil {
		_ = c.ws.SetReadDeadline(time.Now().Add(d)) // fails on a dead connection only, as the next read does
	}
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
		c.drain()
		return nil, false
	}
	// One message, however many fragments, has this long: an endless row of empty fragments ends too.
	c.patience(c.limits.fragment)
	c.halfRead = true
	buf, err = readAll(r, buf)
	c.halfRead = false
	if err != nil {
		c.explain(err)
		return nil, false
	}
	if !utf8.Valid(buf) {
		c.Close(CloseBadText, "not UTF-8")
		c.drain()
		return nil, false
	}
	return buf, true
}

// drain waits for the peer to answer our close frame; there is nothing more to read.
func (c *Conn) drain() {
	for {
		if _, _, err := c.ws.NextReader(); err != nil {
			return
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

// explain tells the peer why its last message was not read, where gorilla has not done so already, and lets
// it take that in.
func (c *Conn) explain(err error) {
	if c.ended() != nil || errors.As(err, new(*websocket.CloseError)) {
		return // it knows
	}
	c.stop(err)
	code, reason := websocket.CloseProtocolError, ""
	var timeout net.Error
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		code, reason = websocket.ClosePolicyViolation, "silent for too long"
	case errors.Is(err, websocket.ErrReadLimit):
		code = CloseTooBig
	}
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(c.limits.goodbye))
	c.linger()
}

// linger reads past what the peer is still sending, for a moment: a connection that is closed with unread
// bytes is reset, and the peer may then never see the close frame.
func (c *Conn) linger() {
	conn := c.ws.NetConn()
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	if conn.SetReadDeadline(time.Now().Add(c.limits.goodbye)) == nil {
		_, _ = io.Copy(io.Discard, conn)
	}
}
