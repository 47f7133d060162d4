// Package chat is the talk between a buyer and a shop, about products and orders.
//
// Real time and durability are apart: every message is stored and numbered in its room before anybody
// hears of it, the sender first; Redis Pub/Sub then carries it to the other instances and may lose it. What
// was lost is read from the database.
package chat

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"mall/modules/chat/internal/limit"
	"mall/modules/chat/internal/presence"
	"mall/modules/chat/internal/relay"
	"mall/modules/chat/internal/socket"
	"mall/modules/chat/internal/sockets"
	"mall/modules/chat/internal/store"
	"mall/modules/chat/internal/writer"
	"mall/modules/member"
	"mall/modules/order"
	"mall/modules/platform/db"
	"mall/modules/platform/id"
	"mall/modules/platform/identity"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/securitylog"
	"mall/modules/product"
)

// Config holds the limits of the chat. `welcome` tells clients those that concern them.
type Config struct {
	BodyCodePoints   int           `koanf:"body_code_points" validate:"min=1,max=2000"` // the column holds 2,000
	BodyLines        int           `koanf:"body_lines" validate:"min=1,max=1000"`
	FrameBytes       int           `koanf:"frame_bytes" validate:"min=1024,max=1048576"`
	QueueFrames      int           `koanf:"queue_frames" validate:"min=16,max=65536"` // waiting for a slow reader
	QueueBytes       int           `koanf:"queue_bytes" validate:"min=65536,max=67108864"`
	PingEvery        time.Duration `koanf:"ping_every" validate:"min=1s,max=5m"`
	DeadAfter        time.Duration `koanf:"dead_after" validate:"gtfield=PingEvery,max=15m"`
	SocketsPerMember int           `koanf:"sockets_per_member" validate:"min=1,max=1000"`
	SendsPerSecond   int           `koanf:"sends_per_second" validate:"min=1,max=1000000"` // of a member, across instances
	SendsBurst       int           `koanf:"sends_burst" validate:"min=1,max=1000000"`
	Handshakes       int           `koanf:"handshakes_per_second" validate:"min=1,max=1000000"` // of this instance; more are told to come back
	FramesPerSecond  int           `koanf:"frames_per_second" validate:"min=1,max=100000"`      // of a connection; more end it with 4529
	FramesBurst      int           `koanf:"frames_burst" validate:"min=1,max=100000"`           // fewer than queue_frames, so that a flood of mistakes is not taken for a slow reader
	TypingPerSecond  int           `koanf:"typing_per_second" validate:"min=1,max=1000"`        // of a member on this instance; more are dropped
	TypingBurst      int           `koanf:"typing_burst" validate:"min=1,max=1000"`
	ChangesPerMinute int           `koanf:"changes_per_minute" validate:"min=1,max=1000000"` // of rooms and inquiries, of a member on this instance
	ResumeRooms      int           `koanf:"resume_rooms" validate:"min=1,max=1000"`          // rooms one resume may name
	ResumeMessages   int64         `koanf:"resume_messages" validate:"min=1,max=10000"`      // missed in a room; more is too_far
	Lanes            int           `koanf:"lanes" validate:"min=1,max=64"`                   // transactions storing messages at once
	Batch            int           `koanf:"batch" validate:"min=1,max=1000"`                 // messages in one of them
	Queue            int           `koanf:"queue" validate:"min=1,max=100000"`               // messages waiting in a lane
	SendPatience     time.Duration `koanf:"send_patience" validate:"min=100ms,max=30s"`      // then a send is answered `unavailable`
}

func (c Config) socket() socket.Config {
	return socket.Config{FrameBytes: c.FrameBytes, QueueFrames: c.QueueFrames, QueueBytes: c.QueueBytes, DeadAfter: c.DeadAfter}
}

// Members puts names to ids and knows bearer tokens.
type Members interface {
	Names(ctx context.Context, members []id.ID) (map[id.ID]string, error)
	ShopNames(ctx context.Context, shops []id.ID) (map[id.ID]string, error)
	StaffOf(ctx context.Context, shop id.ID) ([]member.Staff, error)
	Bearer(ctx context.Context, token string) (*identity.Principal, error)
	Check(ctx context.Context, logins []id.ID) (map[id.ID]member.Standing, error)
	Review(ctx context.Context, logins []id.ID, each func(login id.ID, s member.Standing)) error
	Seats(members []id.ID, seated func(shop, member id.ID)) db.Query
	SteppedUp(ctx context.Context, p *identity.Principal) error // Forbidden step_up_required
}

// Products shows what a talk is about.
type Products interface {
	Cards(ctx context.Context, products []id.ID) (map[id.ID]product.Card, error)
}

// Orders shows what a talk is about.
type Orders interface {
	Cards(ctx context.Context, orders []id.ID) (map[id.ID]order.Card, error)
}

// Deps are what the chat stands on.
type Deps struct {
	DB       *db.DB
	Members  Members
	Products Products
	Orders   Orders
	Bus      *pubsub.Bus // does not run yet: what the chat listens to is registered by New
	Redis    limit.Client
	Prefix   string   // of the chat's keys in Redis
	Origins  []string // further origins whose pages may open a socket
	Security *securitylog.Log
	Log      *slog.Logger
}

// Chat is the module.
type Chat struct {
	security *securitylog.Log
	cfg      Config
	log      *slog.Logger
	members  Members
	products Products
	orders   Orders
	origins  []string

	store    *store.Store
	writer   *writer.Writer
	relay    *relay.Relay
	sends    *limit.Limiter
	shakes   *rate.Limiter
	online   *presence.Presence
	sockets  *sockets.Counter
	bus      *pubsub.Bus
	parties  *otter.Cache[id.ID, parties]
	heads    *otter.Cache[id.ID, int64] // a seq that the room is known to have reached
	moves    *moves
	receipts *receipts
	traces   *tracer
	losses   *losses
	quiet    *quiet
	rechecks *rechecks
	typings  *budget
	changes  *budget
	epochNow atomic.Pointer[string] // as far as this instance has noticed

	upgrader  *socket.Upgrader
	positions *positions
	sweepNow  chan struct{}
	checkNow  chan struct{}
	leaving   chan struct{} // closed when the drain begins
	messages  atomic.Int64
	repaired  atomic.Int64 // reads of rooms of which something had been lost on the way
	resumes   *places
	repairs   *places

	mu        sync.Mutex
	sessions  map[*session]struct{}
	perMember map[id.ID]int // connections of a member here
	draining  bool
	live      sync.WaitGroup
	lifetime  context.Context
	end       context.CancelFunc
}

// How many reads of missed messages an instance has under way at once, and of those a member. What a live talk lacks is
// read in places of its own: no herd of resumes delays it.
const (
	resumePlaces, resumeShare = 12, 4
	repairPlaces, repairShare = 6, 2
)

// New makes the chat. Run keeps it alive, Close ends it.
func New(ctx context.Context, cfg Config, d Deps) (*Chat, error) {
	cache, err := otter.New(&otter.Options[id.ID, parties]{MaximumSize: 200_000})
	if err != nil {
		return nil, err
	}
	heads, err := otter.New(&otter.Options[id.ID, int64]{MaximumSize: 200_000})
	if err != nil {
		return nil, err
	}
	c := &Chat{cfg: cfg, heads: heads, moves: newMoves(), receipts: newReceipts(), log: d.Log, members: d.Members, products: d.Products, orders: d.Orders, origins: d.Origins,
		security: d.Security,
		store:    store.NewSeated(d.DB, d.Members.Seats), bus: d.Bus, parties: cache,
		resumes: newPlaces(resumePlaces, resumeShare), repairs: newPlaces(repairPlaces, repairShare), sweepNow: make(chan struct{}, 1), checkNow: make(chan struct{}, 1), leaving: make(chan struct{}), sessions: map[*session]struct{}{}, perMember: map[id.ID]int{}}
	epoch, err := c.store.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	c.epochNow.Store(&epoch)
	// From here on there is something to close.
	if c.quiet, err = newQuiet(c.store); err != nil {
		return nil, err
	}
	if c.typings, err = newBudget(float64(cfg.TypingPerSecond), cfg.TypingBurst); err != nil {
		return nil, err
	}
	if c.changes, err = newBudget(float64(cfg.ChangesPerMinute)/60, cfg.ChangesPerMinute); err != nil {
		return nil, err
	}
	lanes := cfg.Lanes
	if d.DB.Dialect() == "sqlite" {
		lanes = 1 // it has one writer: more lanes would only wait for each other
	}
	c.writer = writer.New(writer.Config{Lanes: lanes, Batch: cfg.Batch, Queue: cfg.Queue, Patience: cfg.SendPatience}, c.store)
	c.traces = newTracer(c)
	c.losses = newLosses()
	c.relay = relay.New(d.Bus, c.traces.heard, c.heardReceipt)
	d.Bus.OnResumed(c.resubscribed)
	c.rechecks = newRechecks()
	c.positions = newPositions(c)
	c.sends = limit.New(d.Redis, d.Prefix, cfg.SendsPerSecond, cfg.SendsBurst)
	c.online = presence.New(d.Redis, d.Prefix, c.relay.Instance(), c.presenceChanged, d.Log)
	c.sockets = sockets.New(d.Redis, d.Prefix, c.relay.Instance(), cfg.SocketsPerMember)
	c.shakes = rate.NewLimiter(rate.Limit(cfg.Handshakes), cfg.Handshakes)
	c.upgrader = socket.NewUpgrader(subprotocol, cfg.socket())
	c.lifetime, c.end = context.WithCancel(context.Background())
	return c, nil
}

// Run keeps connections alive and complete until ctx ends.
func (c *Chat) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { c.sweeper(ctx) })
	beside.Go(func() { c.prover(ctx) })
	beside.Go(func() { c.positions.run(ctx) })
	beside.Go(func() { c.checker(ctx) })
	beside.Go(func() { c.rechecker(ctx) })
	beside.Go(func() { c.sends.Run(ctx) })
	beside.Go(func() { c.online.Run(ctx) })
	beside.Go(func() { c.sockets.Run(ctx) })
	beside.Go(func() { c.mover(ctx) })
	defer beside.Wait()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-tick.C:
			c.beat(now)
		}
	}
}

// resubscribed is told by the bus that news may have been lost: rooms are compared and logins looked at, soon.
func (c *Chat) resubscribed() {
	for _, now := range []chan struct{}{c.sweepNow, c.checkNow} {
		select {
		case now <- struct{}{}:
		default:
		}
	}
}

// Drain sends all connections away with 1012, in slices, so that they do not all knock elsewhere at once, and
// takes no new one. What a connection has sent is stored and acked first, and what clients have read is written, as far
// as ctx leaves time for it. It returns when all are gone, or with ctx' error.
func (c *Chat) Drain(ctx context.Context) error {
	c.mu.Lock()
	if !c.draining {
		c.draining = true
		close(c.leaving)
	}
	c.mu.Unlock()
	err := c.sendAway(ctx)
	c.flushMoves(ctx)
	return err
}

func (c *Chat) sendAway(ctx context.Context) error {
	var all []*session
	c.each(func(s *session) { all = append(all, s) })
	slices := max(1, min(drainSlices, len(all)/minSlice))
	for i := range slices {
		for _, s := range all[i*len(all)/slices : (i+1)*len(all)/slices] {
			s.leave()
		}
		if i+1 < slices && !c.pause(ctx, drainTime/time.Duration(slices)) {
			break
		}
	}
	gone := make(chan struct{})
	go func() { defer close(gone); c.live.Wait() }()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Chat) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Close stores what waits and answers it, which takes no longer than a send may (send_patience). Sends that come later
// are refused as unavailable.
func (c *Chat) Close() error {
	c.writer.Close()
	c.end()
	c.quiet.close()
	c.typings.close()
	c.changes.close()
	return nil
}

const (
	drainTime   = 4 * time.Second // over which the connections of an instance are sent away
	drainSlices = 40
	minSlice    = 25              // connections that may go at once
	drainSpread = 2 * time.Second // over which those of one slice should come back elsewhere
)
