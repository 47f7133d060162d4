// Package outbox carries news between modules that must survive a crash: a row written in the caller's transaction and
// delivered at least once after it.
package outbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"mall/modules/platform/db"
	"mall/modules/platform/id"
)

// Message is one piece of news.
type Message struct {
	ID        id.ID // the same at each delivery: what a handler recognises a repetition by
	Topic     string
	Payload   json.RawMessage
	CreatedAt time.Time
	Attempts  int // deliveries begun, with this one: 1 at first
}

// Handler acts on a message. It gets a message again after an error, a panic, a crash or cfg.Timeout, so it must leave
// the same behind when it runs twice. Messages of a topic come in the order of their writing from one instance, but
// instances work side by side and a failed message is overtaken by later ones.
type Handler func(ctx context.Context, m Message) error

// Config says how eager and how patient delivery is. Zero values mean the defaults.
type Config struct {
	// Poll is how often an instance looks for failed messages that are due, and for what others wrote or left behind.
	// Default 1 s.
	Poll time.Duration `koanf:"poll" validate:"min=0"`
	// Batch is the number of messages of a topic that an instance takes at a time. Default 32.
	Batch int `koanf:"batch" validate:"min=0,max=1000"`
	// Timeout is how long one delivery may take. Default 10 s.
	Timeout time.Duration `koanf:"timeout" validate:"min=0"`
	// Lease is how long taken messages stay with an instance that says no more; longer than Timeout. Default 1 min.
	Lease time.Duration `koanf:"lease" validate:"min=0"`
	// RetryMin and RetryMax bound the wait after a failure, which doubles each time. Default 1 s and 5 min.
	RetryMin time.Duration `koanf:"retry_min" validate:"min=0"`
	RetryMax time.Duration `koanf:"retry_max" validate:"min=0"`
}

func (c Config) withDefaults() Config {
	c.Poll = cmp.Or(c.Poll, time.Second)
	c.Batch = cmp.Or(c.Batch, 32)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.Lease = max(cmp.Or(c.Lease, time.Minute), 2*c.Timeout)
	c.RetryMin = cmp.Or(c.RetryMin, time.Second)
	c.RetryMax = max(cmp.Or(c.RetryMax, 5*time.Minute), c.RetryMin)
	return c
}

// Outbox writes and delivers messages. Add is safe for concurrent use.
type Outbox struct {
	store   store
	log     *slog.Logger
	cfg     Config
	workers map[string]*worker
}

// New makes an outbox on d. Register the handlers, then Run it.
func New(d *db.DB, log *slog.Logger, cfg Config) *Outbox {
	return &Outbox{store: store{d}, log: log, cfg: cfg.withDefaults(), workers: map[string]*worker{}}
}

// Handle says who acts on a topic, before Run. A second handler for a topic is a mistake in the program: it panics.
func (o *Outbox) Handle(topic string, fn func(ctx context.Context, m Message) error) {
	if _, taken := o.workers[topic]; taken {
		panic("outbox: two handlers for " + topic)
	}
	o.workers[topic] = &worker{
		topic: topic, handler: fn, store: o.store, cfg: o.cfg,
		log: o.log.With("topic", topic), wake: make(chan struct{}, 1),
	}
}

// Add writes news to be delivered once the transaction in ctx has committed, and never when it has not. It must be
// called inside db.Tx. payload becomes JSON; topic has 1 to 64 ASCII characters.
func (o *Outbox) Add(ctx context.Context, topic string, payload any) error {
	if !db.InTx(ctx) {
		return errors.New("outbox: Add outside a transaction")
	}
	text, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("outbox: payload of %s: %w", topic, err)
	}
	if err := o.store.add(ctx, Message{ID: id.New(), Topic: topic, Payload: text}); err != nil {
		return fmt.Errorf("outbox: add to %s: %w", topic, err)
	}
	if w := o.workers[topic]; w != nil {
		db.AfterCommit(ctx, w.nudge)
	}
	return nil
}

// Run delivers until ctx ends, then finishes what is in the handlers' hands and gives the rest back. While the
// database is away it keeps trying. It returns nil.
func (o *Outbox) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	for _, w := range o.workers {
		wait.Go(func() { w.run(ctx) })
	}
	wait.Go(func() { o.reportUnhandled(ctx) })
	wait.Wait()
	return nil
}

// unhandledEvery is how often Run looks for messages that nobody here handles.
const unhandledEvery = time.Minute

// reportUnhandled tells once a topic of messages that no handler takes. They stay: an instance of another version may
// know them.
func (o *Outbox) reportUnhandled(ctx context.Context) {
	told := map[string]bool{}
	tick := time.NewTicker(unhandledEvery)
	defer tick.Stop()
	for {
		topics, _ := o.store.topics(ctx) // an unreachable database is the workers' tale
		for _, topic := range topics {
			if o.workers[topic] == nil && !told[topic] {
				told[topic] = true
				o.log.WarnContext(ctx, "outbox holds messages that nobody here handles", "topic", topic)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
