// Package pubsub carries short news between instances over Redis Pub/Sub; any of it may be lost at any time.
package pubsub

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
)

const (
	publishQueue = 4096                   // news waiting to leave; more is dropped
	publishBatch = 128                    // news in one round trip
	subscribeMax = 300 * time.Millisecond // how long Subscribe waits for Redis to confirm
	flushMax     = time.Second            // how long the end waits for news to leave
	resumedEvery = time.Second            // so often at most is resumed called
)

// Bus is one instance's connection to the others. It is safe for concurrent use.
type Bus struct {
	client *redis.Client
	self   id.ID
	hello  []byte // our announcement
	prefix string // with its colon
	log    *slog.Logger
	probe  string // the channel on which the bus hears itself

	queue   chan news
	sent    []sent // of the last round trip: room for the next one's
	handler func(channel string, payload []byte)
	resumed func()
	lost    chan struct{} // holds a token when resumed must be called

	wishes *wishes
	lones  *lones
	up     atomic.Bool  // all channels are subscribed
	heard  atomic.Int64 // when the bus last heard itself, in Unix nanoseconds

	published, skipped, announced, dropped, failed, received, met, rebuilt atomic.Int64
}

type news struct {
	channel string
	payload []byte
}

// New makes a bus on client. handler gets what arrives on subscribed channels, one at a time: it must not
// block, or everything behind it waits, and it must not write to the payload. resumed is called once news that may have been lost come again, at
// most every second: after each (re)subscription and after a Subscribe that failed. Nothing happens before Run.
func New(client *redis.Client, prefix string, handler func(channel string, payload []byte), resumed func(), log *slog.Logger) *Bus {
	self, known := id.New(), newLones(prefix+":")
	return &Bus{client: client, self: self, hello: announcement(self), prefix: prefix + ":", log: log, probe: "probe:" + self.String(),
		queue: make(chan news, publishQueue), handler: handler, resumed: resumed,
		lost: make(chan struct{}, 1), wishes: newWishes(known), lones: known}
}

// Publish sends news to the other instances that listen on the channel, some time soon or never. It does not
// wait, and does nothing while Redis has said lately that there are none. The payload must not change
// afterwards. An instance that listens itself may hear its own news, or not.
func (b *Bus) Publish(channel string, payload []byte) {
	if b.Alone(channel) {
		return
	}
	select {
	case b.queue <- news{channel, payload}:
	default:
		b.dropped.Add(1)
	}
}

// Alone says that a Publish to the channel would now do nothing, and counts it as done: who asks first need not
// make the payload. It answers at once and allocates nothing.
func (b *Bus) Alone(channel string) bool {
	if !b.lones.alone(channel) {
		return false
	}
	b.skipped.Add(1)
	return true
}

var errAway = errors.New("pubsub: redis is away")

// Subscribe listens to a channel and waits a short time until Redis has confirmed it. An error says that
// Redis is away, at once, or slow; the channel is then subscribed as soon as it is back, and resumed is
// called. Each Subscribe, failed or not, needs its Unsubscribe.
func (b *Bus) Subscribe(ctx context.Context, channel string) error {
	err := b.await(ctx, b.wishes.add(channel))
	if err != nil {
		b.wishes.miss(channel)
	}
	return err
}

func (b *Bus) await(ctx context.Context, confirmed <-chan struct{}) error {
	if !b.up.Load() {
		return errAway
	}
	limit := time.NewTimer(subscribeMax)
	defer limit.Stop()
	select {
	case <-confirmed:
		return nil
	case <-limit.C:
		return errAway
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Listen subscribes to a channel for as long as the bus runs, without waiting for Redis.
func (b *Bus) Listen(channel string) { b.wishes.add(channel) }

// Unsubscribe takes back one Subscribe. It does not wait.
func (b *Bus) Unsubscribe(channel string) { b.wishes.remove(channel) }

// Connected says whether all channels are subscribed and the bus has heard itself lately.
func (b *Bus) Connected() bool {
	return b.up.Load() && time.Since(time.Unix(0, b.heard.Load())) < deafAfter
}

// Run carries news until ctx ends, and what was published before then. It survives every outage of Redis.
func (b *Bus) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { b.publish(ctx) })
	wg.Go(func() { b.sendProbes(ctx) })
	wg.Go(func() { b.tellLost(ctx) })
	for ctx.Err() == nil {
		b.listen(ctx)
	}
	wg.Wait()
	return nil
}

// tellLost calls resumed, on a goroutine of its own so that it may take its time.
func (b *Bus) tellLost(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.lost:
			b.resumed()
			pause(ctx, resumedEvery)
		}
	}
}
