package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/ledger"
	"mall/cmd/loadtest/internal/people"
	"mall/cmd/loadtest/internal/tally"
)

// Fleet is all connections of a run.
type Fleet struct {
	Bases           []string // base URLs; the homes of connections go over them in turn
	Relay           bool     // the bare relay: rooms are joined by frames, there is no API
	Tally           *tally.Tally
	Run             frame.Run
	Body            string
	FramesPerSecond int                  // of one connection; 0: no limit
	Retry           bool                 // refused sends that may be tried again are
	OnSettled       func(at At)          // a send has its answer; called by the reading goroutine
	OnReceive       func(at At, s int64) // a message has been seen for the first time; as OnSettled

	Conns []*Conn

	apis    []*people.API
	began   time.Time
	stopped atomic.Bool
	lanes   uint32
	readers sync.WaitGroup
	buffers sync.Pool
	dialled atomic.Int64
}

// Open makes ready for connections.
func (f *Fleet) Open() {
	f.Run, f.began = frame.NewRun(), time.Now()
	for _, b := range f.Bases {
		f.apis = append(f.apis, people.NewAPI(b, 16))
	}
}

// Now is microseconds since the run began.
func (f *Fleet) Now() int64 { return time.Since(f.began).Microseconds() }

// Began is when the run began.
func (f *Fleet) Began() time.Time { return f.began }

// Stop ends all closed loops: nothing new is sent.
func (f *Fleet) Stop() { f.stopped.Store(true) }

// Stopped says whether Stop was called.
func (f *Fleet) Stopped() bool { return f.stopped.Load() }

// API is the REST side of a connection's home.
func (f *Fleet) API(home int) *people.API { return f.apis[home%len(f.apis)] }

func (f *Fleet) settledAfterRefusal(at At) {
	if !f.Stopped() {
		f.OnSettled(at)
	}
}

// Add makes a connection of a person for some rooms, not dialled yet. heads says where each room begins.
func (f *Fleet) Add(p *people.Person, home int, rooms []string, heads map[string]int64) *Conn {
	c := &Conn{Person: p, Rooms: rooms, fleet: f, home: home, first: f.lanes, views: make([]ledger.View, len(rooms)), lanes: make([]ledger.Lane, len(rooms))}
	if len(rooms) > 1 {
		c.index = make(map[string]int, len(rooms))
	}
	for i, r := range rooms {
		c.views[i].Begin(heads[r])
		c.lanes[i].Index = f.lanes + uint32(i)
		if c.index != nil {
			c.index[r] = i
		}
	}
	f.lanes += uint32(len(rooms))
	f.Conns = append(f.Conns, c)
	return c
}

// Connected says how connecting went.
type Connected struct {
	Tried int           `json:"tried"`
	Made  int           `json:"made"`
	Again int           `json:"again"` // refused for now (503) and tried again
	Took  time.Duration `json:"took_ns"`
}

// Connect dials all connections, some at once, and returns when each is welcomed or has failed.
func (f *Fleet) Connect(ctx context.Context, atOnce int) Connected {
	var made, again atomic.Int64
	var dialling sync.WaitGroup
	next := make(chan *Conn)
	began := time.Now()
	for range min(atOnce, len(f.Conns)) {
		dialling.Go(func() {
			for c := range next {
				if f.connect(ctx, c, &again) == nil {
					made.Add(1)
				}
			}
		})
	}
	for _, c := range f.Conns {
		next <- c
	}
	close(next)
	dialling.Wait()
	return Connected{Tried: len(f.Conns), Made: int(made.Load()), Again: int(again.Load()), Took: time.Since(began)}
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
		select {
		case <-ctx.Done():
		case <-time.After(after):
		}
	}
}

// short leaves out of an error what differs between connections.
func short(err error) string {
	var p *people.Problem
	var op *net.OpError
	switch {
	case errors.As(err, &p):
		return strconv.Itoa(p.Status) + " " + p.Code
	case errors.As(err, &op):
		return op.Op + " " + op.Err.Error()
	}
	return err.Error()
}

const welcomePatience = 30 * time.Second

// dial makes one connection and waits for its welcome. after is not zero when the server asks to come back.
func (c *Conn) dial(ctx context.Context) (after time.Duration, err error) {
	f := c.fleet
	address, header, err := f.whereTo(ctx, c)
	if err != nil {
		return 0, err
	}
	ws, answer, err := f.dialer().DialContext(ctx, address, header)
	if answer != nil {
		_ = answer.Body.Close()
	}
	if err != nil {
		if answer == nil {
			return 0, err
		}
		if answer.StatusCode == http.StatusServiceUnavailable {
			seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
			after = time.Duration(max(seconds, 1)) * time.Second
		}
		return after, &people.Problem{Status: answer.StatusCode}
	}
	c.begin(ws)
	patience := time.NewTimer(welcomePatience)
	defer patience.Stop()
	select {
	case <-c.welcome:
		return 0, nil
	case <-patience.C:
		err = errors.New("no welcome")
	case <-ctx.Done():
		err = ctx.Err()
	}
	_ = ws.Close()
	return 0, err
}

func (f *Fleet) whereTo(ctx context.Context, c *Conn) (address string, header http.Header, err error) {
	base := "ws" + strings.TrimPrefix(f.Bases[c.home%len(f.Bases)], "http")
	if f.Relay {
		return base, nil, nil
	}
	token, _, err := f.API(c.home).Token(ctx, c.Person)
	return base + "/api/v1/chat/ws", http.Header{"Authorization": {"Bearer " + token}}, err
}

// begin starts reading from a new connection.
func (c *Conn) begin(ws *websocket.Conn) {
	c.mu.Lock()
	c.ws, c.welcome, c.once = ws, make(chan struct{}), &sync.Once{}
	if c.fleet.Relay {
		for _, r := range c.Rooms {
			c.out = append(append(append(c.out[:0], `{"type":"join","room_id":"`...), r...), `"}`...)
			c.put(c.out)
		}
	}
	c.mu.Unlock()
	c.fleet.readers.Go(func() {
		err := c.read(ws)
		_ = ws.Close()
		c.mu.Lock()
		c.ws = nil
		c.mu.Unlock()
		if !c.goodbye.Load() {
			c.fleet.Tally.Error(endOf(err))
		}
	})
}

func endOf(err error) string {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return fmt.Sprintf("closed %d", closed.Code)
	}
	return "connection broke"
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

// Drain waits until everything sent has its answer and everything acked has been seen, or patience ends.
func (f *Fleet) Drain(ctx context.Context, patience time.Duration) {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for quiet, last := 0, int64(-1); ctx.Err() == nil && time.Now().Before(deadline); {
		t := f.Tally
		done := f.Outstanding() == 0 && t.Received.Load() >= t.Acked.Load()
		if n := t.Frames.Load(); n != last {
			quiet, last = 0, n
		}
		if quiet++; done && quiet > 20 { // a moment more: twice is found only by whoever waits for it
			return
		}
		<-tick.C
	}
}

// Outstanding counts the sends that have no answer.
func (f *Fleet) Outstanding() (n int) {
	for _, c := range f.Conns {
		c.mu.Lock()
		n += c.outstanding
		c.mu.Unlock()
	}
	return n
}

// Close says goodbye on all connections and waits for their readers.
func (f *Fleet) Close() {
	f.Stop()
	for _, c := range f.Conns {
		c.goodbye.Store(true)
		c.mu.Lock()
		if c.ws != nil {
			_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
			_ = c.ws.SetReadDeadline(time.Now().Add(2 * time.Second))
		}
		c.mu.Unlock()
	}
	f.readers.Wait()
}

// Judge compares the books of all rooms, after Close.
func (f *Fleet) Judge() (sum ledger.Verdict) {
	type sides struct {
		lanes []*ledger.Lane
		views []*ledger.View
	}
	rooms := map[string]*sides{}
	for _, c := range f.Conns {
		for i, r := range c.Rooms {
			s := rooms[r]
			if s == nil {
				s = &sides{}
				rooms[r] = s
			}
			s.lanes, s.views = append(s.lanes, &c.lanes[i]), append(s.views, &c.views[i])
		}
	}
	for _, s := range rooms {
		sum.Add(ledger.Judge(s.lanes, s.views))
	}
	return sum
}
