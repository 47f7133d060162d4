package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/people"
)

const welcomePatience = 30 * time.Second

// dial makes one connection and waits for its welcome. after is not zero when the server asks to come back.
func (c *Conn) dial(ctx context.Context) (after time.Duration, err error) {
	address, header, err := c.whereTo(ctx)
	if err != nil {
		return 0, err
	}
	ws, answer, err := c.fleet.dialer().DialContext(ctx, address, header)
	if answer != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		return refusal(answer, err)
	}
	welcome := c.begin(ws)
	patience := time.NewTimer(welcomePatience)
	defer patience.Stop()
	select {
	case <-welcome:
		if c.ready(ws) {
			return 0, nil
		}
		err = errors.New("ended at its welcome")
	case <-c.ended:
		err = errors.New("ended before its welcome")
	case <-patience.C:
		err = errors.New("no welcome")
	case <-ctx.Done():
		err = ctx.Err()
	}
	_ = ws.Close()
	<-c.ended // what it wrote down is the next one's
	return 0, err
}

// refusal says when to come back, if the server does.
func refusal(answer *http.Response, err error) (after time.Duration, _ error) {
	if answer == nil {
		return 0, err
	}
	if answer.StatusCode == http.StatusServiceUnavailable {
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		after = time.Duration(max(seconds, 1)) * time.Second
	}
	return after, &people.Problem{Status: answer.StatusCode}
}

func (c *Conn) whereTo(ctx context.Context) (address string, header http.Header, err error) {
	f := c.fleet
	base := "ws" + strings.TrimPrefix(f.Bases[c.home%len(f.Bases)], "http")
	if f.Relay {
		return base, nil, nil
	}
	token, ends, err := f.API(c.home).Token(ctx, c.Person)
	c.mu.Lock()
	c.token, c.tokenEnds = token, ends
	c.mu.Unlock()
	header = http.Header{"Authorization": {"Bearer " + token}}
	if f.Forwarded {
		people.From(header, people.Address(c.Person.MemberID))
	}
	return base + "/api/v1/chat/ws", header, err
}

// begin starts reading from a new connection; the channel is closed at its welcome.
func (c *Conn) begin(ws *websocket.Conn) (welcome <-chan struct{}) {
	c.welcome, c.ended = make(chan struct{}), make(chan struct{})
	if c.fleet.Relay {
		for _, r := range c.Rooms {
			_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"join","room_id":"`+r+`"}`)) // the reader notices
		}
		_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello"}`))
	}
	c.prepareResume()
	welcome, ended := c.welcome, c.ended
	c.fleet.live.Go(func() {
		defer close(ended)
		err := c.read(ws)
		_ = ws.Close()
		c.mu.Lock()
		began := c.ws == ws
		c.ws, c.gone = nil, ws
		c.mu.Unlock()
		if began { // what never began is its dialler's
			c.over(err)
		}
	})
	return welcome
}

// ready lets a welcomed connection send, what waits first; false when it has ended already.
func (c *Conn) ready(ws *websocket.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone == ws || c.goodbye.Load() {
		return false
	}
	c.ws = ws
	if !c.fleet.Relay && len(c.Rooms) > 0 {
		c.resume()
	}
	for i := range c.lanes {
		for _, p := range c.lanes[i].Pending() {
			c.write(i, p.N, p.At)
		}
	}
	return true
}

// manyConnections is when one source address may run short of ports: Linux lends 28,232 by default.
const manyConnections = 20_000

func (f *Fleet) dialer() *websocket.Dialer {
	d := &websocket.Dialer{Subprotocols: []string{"mall.chat.v1"}, HandshakeTimeout: welcomePatience,
		ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: &f.buffers}
	if f.Relay {
		d.Subprotocols = nil
	}
	if len(f.Conns) > manyConnections && strings.Contains(f.Bases[0], "//127.") {
		n := f.dialled.Add(1)
		from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(1+n%8))}}
		d.NetDialContext = from.DialContext
	}
	return d
}
