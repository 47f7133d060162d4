package client

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"mall/cmd/loadtest/internal/frame"
	"mall/cmd/loadtest/internal/ledger"
	"mall/cmd/loadtest/internal/people"
	"mall/cmd/loadtest/internal/tally"
)

// Fleet is all connections of a run. What is exported is set before Open and read only from then on.
type Fleet struct {
	Bases           []string // base URLs; the homes of connections go over them in turn
	Relay           bool     // the bare relay: rooms are joined by frames, there is no API and no way back
	Tally           *tally.Tally
	Run             frame.Run
	Body            string
	FramesPerSecond int                    // of one connection; 0: no limit
	Quota           int                    // messages of each lane; 0: no end
	Forwarded       bool                   // people say by X-Forwarded-For where they are
	Retry           bool                   // refused sends that may be tried again are
	Outbox          bool                   // what is due without a connection waits for the next one
	OnSettled       func(at At)            // a send has its answer; called by the reading goroutine
	OnReceive       func(at At, seq int64) // a message has been seen for the first time; as OnSettled

	Conns []*Conn

	apis     []*people.API
	began    time.Time
	lifetime context.Context // ends with Close
	end      context.CancelFunc
	stopped  atomic.Bool
	lanes    uint32
	live     sync.WaitGroup // everything that must end before the books are closed
	buffers  sync.Pool
	dialled  atomic.Int64
	adding   sync.Mutex // Conns may grow while somebody looks at them
}

// Open makes ready for connections.
func (f *Fleet) Open(ctx context.Context) {
	f.Run, f.began = frame.NewRun(), time.Now()
	f.lifetime, f.end = context.WithCancel(ctx)
	for _, b := range f.Bases {
		api := people.NewAPI(b, 16)
		api.Forwarded = f.Forwarded
		f.apis = append(f.apis, api)
	}
	if !f.Relay {
		f.live.Go(f.stayFresh)
	}
}

// Now is microseconds since the run began.
func (f *Fleet) Now() int64 { return time.Since(f.began).Microseconds() }

// Stop ends all closed loops: nothing new is sent.
func (f *Fleet) Stop() { f.stopped.Store(true) }

// Stopped says whether Stop was called.
func (f *Fleet) Stopped() bool { return f.stopped.Load() }

// API is the REST side of a connection's home.
func (f *Fleet) API(home int) *people.API { return f.apis[home%len(f.apis)] }

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
	f.adding.Lock()
	defer f.adding.Unlock()
	f.Conns = append(f.Conns, c)
	return c
}

// all are the connections there are now, for those who look while more are added.
func (f *Fleet) all() []*Conn {
	f.adding.Lock()
	defer f.adding.Unlock()
	return f.Conns
}

func (f *Fleet) settledAfterRefusal(at At) {
	if !f.Stopped() {
		f.OnSettled(at)
	}
}

const (
	freshEvery = 15 * time.Second
	freshEarly = 2 * time.Minute
)

// stayFresh brings the server a new access token on each connection whose old one ends soon.
func (f *Fleet) stayFresh() {
	tick := time.NewTicker(freshEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.lifetime.Done():
			return
		case <-tick.C:
		}
		for _, c := range f.all() {
			c.freshen(f.lifetime)
		}
	}
}

func (c *Conn) freshen(ctx context.Context) {
	c.mu.Lock()
	old := c.token
	due := c.ws != nil && !c.tokenEnds.IsZero() && time.Until(c.tokenEnds) < freshEarly
	c.mu.Unlock()
	if !due {
		return
	}
	token, ends, err := c.fleet.API(c.home).Token(ctx, c.Person)
	if err != nil || token == old {
		return
	}
	said := c.Say(func(b []byte) []byte {
		return append(append(append(b, `{"type":"auth","id":"auth","token":"`...), token...), `"}`...)
	})
	if said {
		c.mu.Lock()
		c.token, c.tokenEnds = token, ends
		c.mu.Unlock()
	}
}
