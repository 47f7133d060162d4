package client

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"mall/cmd/faults/internal/record"
)

// Config makes a client.
type Config struct {
	Name     string
	Account  *Account
	Home     string // host:port of the first connection
	Away     string // of every later one: the balancer
	Events   bool   // listens to an event stream and speaks by REST, as where a network blocks sockets
	Shop     string // the shop that it answers for; empty: it is a buyer's
	Seed     uint64
	Instance func(addr string) string // names the instance that the balancer took
}

// Room is where a client's view of a room begins.
type Room struct {
	ID   string
	Head int64
}

const (
	ackPatience    = 10 * time.Second // then a send is tried again with the same key
	resumePatience = 10 * time.Second
	gapPatience    = 100 * time.Millisecond // a missing message is mostly just behind
)

// Client is one device of a member. All methods are safe for concurrent use.
type Client struct {
	cfg Config
	log *record.Log
	wg  sync.WaitGroup

	mu      sync.Mutex
	rnd     *rand.Rand
	rooms   map[string]*room
	drafts  map[string]*draft // by request id, until they are acked
	conn    *conn             // nil while there is none
	up      chan struct{}     // closed when there is one
	epoch   string
	conns   int
	readyAt time.Time // when the last connection had everything; zero while there is none
	ids     int
	marking chan struct{} // holds a token when cursors are unsaid
}

type room struct {
	id      string
	view    View
	pulling bool
	outbox  []*draft
	wake    chan struct{}

	cursors map[string]Cursor // by party, as far as the client has been told
	said    Cursor            // what the member is to have received and read
	unsaid  bool              // the server has not been told of it on this connection
	lost    bool              // by a restore: this life of the database does not know the room
}

// New makes a client of the given rooms. Nothing happens before Run.
func New(cfg Config, rooms []Room) *Client {
	c := &Client{cfg: cfg, rooms: map[string]*room{}, drafts: map[string]*draft{}, up: make(chan struct{}), marking: make(chan struct{}, 1),
		rnd: rand.New(rand.NewPCG(cfg.Seed, 1)), //nolint:gosec // jitter, the same for the same seed
		log: &record.Log{Client: cfg.Name, Member: cfg.Account.MemberID, Rooms: map[string]bool{}}}
	for _, r := range rooms {
		c.rooms[r.ID] = &room{id: r.ID, view: View{Base: r.Head}, wake: make(chan struct{}, 1), cursors: map[string]Cursor{}}
		c.log.Rooms[r.ID] = true
	}
	return c
}

// Run lives until ctx ends, and returns when all its goroutines have.
func (c *Client) Run(ctx context.Context) {
	for _, r := range c.rooms {
		c.wg.Go(func() { c.sendFrom(ctx, r) })
	}
	c.wg.Go(func() { c.sayMarks(ctx) })
	c.stayConnected(ctx)
	c.wg.Wait()
}

// Through lets the client's first connection go another way; before Run.
func (c *Client) Through(addr string) { c.cfg.Home = addr }

// Name is the client's in logs.
func (c *Client) Name() string { return c.cfg.Name }

// Account is whose the client is.
func (c *Client) Account() *Account { return c.cfg.Account }

// Log is what the client has written down.
func (c *Client) Log() *record.Log { return c.log }

// Ready gives the moment since which the client has a connection that has told everything; ok is false while it has none.
func (c *Client) Ready() (since time.Time, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.readyAt, !c.readyAt.IsZero()
}

// Epoch names the life of the database that the client's views are of.
func (c *Client) Epoch() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// LocalAddr is the address of the client's end of its connection; empty when there is none.
func (c *Client) LocalAddr() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return ""
	}
	return c.conn.local()
}

// On names the instance that the client is connected to; empty when there is none.
func (c *Client) On() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn == nil {
		return ""
	}
	return c.conn.on
}

// Last is the seq up to which the client has the room.
func (c *Client) Last(roomID string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rooms[roomID].view.Last()
}

// Rooms lists the client's rooms.
func (c *Client) Rooms() []string {
	var ids []string
	for id := range c.rooms {
		ids = append(ids, id)
	}
	return ids
}

// View copies what the client has of a room.
func (c *Client) View(roomID string) View {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.rooms[roomID].view
	return View{Base: v.Base, Items: v.Items[:len(v.Items):len(v.Items)]}
}

// Unsent counts what waits in the outbox.
func (c *Client) Unsent() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.rooms {
		n += len(r.outbox)
	}
	return n
}

func (c *Client) wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
