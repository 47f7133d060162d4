package client

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/people"
)

// Connected says how connecting went.
type Connected struct {
	Tried int           `json:"tried"`
	Made  int           `json:"made"`
	Again int           `json:"again"` // refused for now (503) and tried again
	Took  time.Duration `json:"took_ns"`
}

// Connect dials connections, some at once, and returns when each is welcomed or has failed.
func (f *Fleet) Connect(ctx context.Context, conns []*Conn, atOnce int) Connected {
	var made, again atomic.Int64
	var dialling sync.WaitGroup
	next := make(chan *Conn)
	began := time.Now()
	for range min(atOnce, len(conns)) {
		dialling.Go(func() {
			for c := range next {
				if f.connect(ctx, c, &again) == nil {
					made.Add(1)
				}
			}
		})
	}
	for _, c := range conns {
		next <- c
	}
	close(next)
	dialling.Wait()
	return Connected{Tried: len(conns), Made: int(made.Load()), Again: int(again.Load()), Took: time.Since(began)}
}

// Whole waits until every connection has been told all that it missed; an error when some are not in time.
func (f *Fleet) Whole(ctx context.Context) error {
	patience := time.NewTimer(welcomePatience)
	defer patience.Stop()
	for _, c := range f.Conns {
		select {
		case <-c.whole:
		case <-patience.C:
			return errors.New("some connections have not been told what they missed")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// connect dials until the server takes the connection or refuses it for good.
func (f *Fleet) connect(ctx context.Context, c *Conn, again *atomic.Int64) error {
	for {
		after, err := c.dial(ctx)
		if err == nil {
			return nil
		}
		if after == 0 || ctx.Err() != nil {
			f.Tally.Error("connect: " + short(err))
			return err
		}
		again.Add(1)
		pause(ctx, after)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// short leaves out of an error what differs between connections.
func short(err error) string {
	var p *people.Problem
	var op *net.OpError
	switch {
	case errors.As(err, &p):
		return strings.TrimSpace(strconv.Itoa(p.Status) + " " + p.Code)
	case errors.As(err, &op):
		return op.Op + " " + op.Err.Error()
	}
	return err.Error()
}

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
	return base + "/api/v1/chat/ws", http.Header{"Authorization": {"Bearer " + token}}, err
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
