package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/faults/internal/record"
)

// conn is one connection.
type conn struct {
	pipe

	n        int
	on       string // the instance
	epoch    string
	over     chan struct{} // closed when it has ended
	resuming int           // what was missed and is not read yet; guarded by the client's lock
}

// pipe is what a connection is made of.
type pipe interface {
	// next waits for a frame. An end that the server gives a reason for is a *websocket.CloseError, for both kinds.
	next() ([]byte, error)
	// shut ends it at once; leave says goodbye first.
	shut()
	leave()
	// beats says how often a frame must come.
	beats(every time.Duration)
	// local is the address of our end.
	local() string
}

// socket is the connection's, or nil where it only listens.
func (k *conn) socket() *socket {
	s, _ := k.pipe.(*socket)
	return s
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
		if errors.As(err, &p) && (p.Status == http.StatusUnauthorized || p.Status == http.StatusForbidden) {
			return 4000 + p.Status, p.Code, false
		}
		return 1006, "", false
	}
	stop := context.AfterFunc(ctx, k.leave)
	defer stop()
	lived, err = c.serve(ctx, k)
	k.shut()
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
	open := openSocket
	if c.cfg.Events {
		open = openEvents
	}
	p, upstream, err := open(ctx, where, token)
	if err != nil {
		return nil, err
	}
	tried := strings.Split(upstream, ", ") // several where nginx tried several; the last one took it
	c.mu.Lock()
	c.conns++
	k := &conn{pipe: p, n: c.conns, on: c.cfg.Instance(tried[len(tried)-1]), over: make(chan struct{})}
	c.mu.Unlock()
	c.log.Add(record.Event{Kind: record.Open, Conn: k.n, On: k.on})
	return k, nil
}

// serve reads until the connection ends.
func (c *Client) serve(ctx context.Context, k *conn) (lived bool, err error) {
	defer func() {
		close(k.over)
		c.mu.Lock()
		if c.conn == k {
			c.conn, c.up, c.readyAt = nil, make(chan struct{}), time.Time{}
		}
		c.mu.Unlock()
	}()
	for {
		text, err := k.next()
		if err != nil {
			return lived, err
		}
		var f frame
		if err := json.Unmarshal(text, &f); err != nil {
			c.log.Add(record.Event{Kind: record.Note, Conn: k.n, Final: true, Note: fmt.Sprintf("not a frame: %.200q", text)})
			continue
		}
		lived = lived || f.Type == "welcome"
		c.take(ctx, k, f)
	}
}
