package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/faults/internal/record"
)

// conn is one connection.
type conn struct {
	n     int
	on    string // the instance
	ws    *websocket.Conn
	epoch string
	over  chan struct{} // closed when it has ended

	mu       sync.Mutex // orders writes; gorilla takes one writer at a time
	resuming int        // resumes that are not answered yet; guarded by the client's lock
}

const writePatience = 10 * time.Second

func (k *conn) write(text []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	_ = k.ws.SetWriteDeadline(time.Now().Add(writePatience))
	if err := k.ws.WriteMessage(websocket.TextMessage, text); err != nil {
		_ = k.ws.Close() // the reader notices
	}
}

// stayConnected connects and reconnects until ctx ends or the server says never.
func (c *Client) stayConnected(ctx context.Context) {
	tries, renewed, where := 0, false, c.cfg.Home
	for ctx.Err() == nil {
		code, reason, lived := c.connect(ctx, where)
		if ctx.Err() != nil {
			return
		}
		where = c.cfg.Away
		if lived {
			tries, renewed = 0, false
		}
		c.mu.Lock()
		wait, renew, never := next(code, reason, tries, renewed, c.rnd)
		c.mu.Unlock()
		tries++
		if never {
			c.log.Add(record.Event{Kind: record.Note, Final: true, Note: fmt.Sprintf("stays away after %d %s", code, reason)})
			return
		}
		if renew {
			renewed = true
			c.cfg.Account.Renew()
		}
		c.wait(ctx, wait)
	}
}

// connect makes one connection and serves it to its end; lived says whether it was welcomed.
func (c *Client) connect(ctx context.Context, where string) (code int, reason string, lived bool) {
	k, err := c.dial(ctx, where)
	if err != nil {
		c.log.Add(record.Event{Kind: record.Note, Note: "no connection: " + err.Error()})
		var p *Problem
		if errors.As(err, &p) && p.Status == http.StatusUnauthorized {
			return 4401, "", false
		}
		return 1006, "", false
	}
	stop := context.AfterFunc(ctx, func() {
		k.mu.Lock()
		_ = k.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
		k.mu.Unlock()
		_ = k.ws.SetReadDeadline(time.Now().Add(time.Second))
	})
	defer stop()
	lived, err = c.serve(ctx, k)
	_ = k.ws.Close()
	code, reason = 1006, err.Error()
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		code, reason = closed.Code, closed.Text
	}
	c.log.Add(record.Event{Kind: record.Closed, Conn: k.n, On: k.on, Note: strconv.Itoa(code) + " " + reason})
	return code, reason, lived
}

func (c *Client) dial(ctx context.Context, where string) (*conn, error) {
	token, err := c.cfg.Account.Token(ctx)
	if err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{NetDialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		HandshakeTimeout: 10 * time.Second, Subprotocols: []string{"mall.chat.v1"}, ReadBufferSize: 4 << 10, WriteBufferSize: 2 << 10}
	ws, answer, err := dialer.DialContext(ctx, "ws://"+where+"/api/v1/chat/ws", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		if answer != nil {
			_ = answer.Body.Close()
			return nil, &Problem{Status: answer.StatusCode, Detail: err.Error()}
		}
		return nil, err
	}
	_ = answer.Body.Close()
	upstream := strings.Split(answer.Header.Get("X-Upstream"), ", ") // several where nginx tried several; the last one took it
	c.mu.Lock()
	c.conns++
	k := &conn{n: c.conns, on: c.cfg.Instance(upstream[len(upstream)-1]), ws: ws, over: make(chan struct{})}
	c.mu.Unlock()
	c.log.Add(record.Event{Kind: record.Open, Conn: k.n, On: k.on})
	return k, nil
}

// serve reads until the connection ends. Every sign of life gives the server another while.
func (c *Client) serve(ctx context.Context, k *conn) (lived bool, err error) {
	defer func() {
		close(k.over)
		c.mu.Lock()
		if c.conn == k {
			c.conn, c.up, c.readyAt = nil, make(chan struct{}), time.Time{}
		}
		c.mu.Unlock()
	}()
	alive := func() {
		if ctx.Err() == nil {
			_ = k.ws.SetReadDeadline(time.Now().Add(c.cfg.Zombie))
		}
	}
	k.ws.SetPingHandler(func(data string) error {
		alive()
		err := k.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		var timeout net.Error
		if errors.Is(err, websocket.ErrCloseSent) || errors.As(err, &timeout) {
			return nil
		}
		return err
	})
	for {
		alive()
		kind, text, err := k.ws.ReadMessage()
		if err != nil {
			return lived, err
		}
		var f frame
		if err := json.Unmarshal(text, &f); err != nil || kind != websocket.TextMessage {
			c.log.Add(record.Event{Kind: record.Note, Conn: k.n, Final: true, Note: fmt.Sprintf("not a frame: %.200q", text)})
			continue
		}
		lived = lived || f.Type == "welcome"
		c.take(ctx, k, f)
	}
}
