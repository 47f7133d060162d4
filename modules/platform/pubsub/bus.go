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
	prefix string
	log    *slog.Logger
	probe  string // the channel on which the bus hears itself

	queue   chan news
	handler func(channel string, payload []byte)
	resumed func()
	lost    chan struct{} // holds a token when resumed must be called

	wishes *wishes
	up     atomic.Bool  // all channels are subscribed
	heard  atomic.Int64 // when the bus last heard itself, in Unix nanoseconds

	published, dropped, failed, received, rebuilt atomic.Int64
}

type news struct {
	channel string
	payload []byte
}

// Stats counts what the bus has done since the start.
type Stats struct {
	Connected bool  `json:"connected"`
	Published int64 `json:"published"`
	Dropped   int64 `json:"dropped"` // the queue was full
	Failed    int64 `json:"failed"`  // Redis did not take them
	Received  int64 `json:"received"`
	Rebuilt   int64 `json:"rebuilt"` // subscriptions begun
	Channels  int   `json:"channels"`
}

// New makes a bus on client. handler gets what arrives on subscribed channels, one at a time: it must not
// block, or everything behind it waits. resumed is called once news that may have been lost come again, at
// most every second: after each (re)subscription and after a Subscribe that failed. Nothing happens before Run.
func New(client *redis.Client, prefix string, handler func(channel string, payload []byte), resumed func(), log *slog.Logger) *Bus {
	return &Bus{client: client, prefix: prefix, log: log, probe: prefix + ":probe:" + id.New().String(),
		queue: make(chan news, publishQueue), handler: handler, resumed: resumed,
		lost: make(chan struct{}, 1), wishes: newWishes()}
}

// Publish sends news to whoever listens on the channel, some time soon or never. It does not wait. The
// payload must not change afterwards.
func (b *Bus) Publish(channel string, payload []byte) {
	select {
	case b.queue <- news{b.prefix + ":" + channel, payload}:
	default:
		b.dropped.Add(1)
	}
}

var errAway = errors.New("pubsub: redis is away")

// Subscribe listens to a channel and waits a short time until Redis has confirmed it. An error says that
// Redis is away, at once, or slow; the channel is then subscribed as soon as it is back, and resumed is
// called. Each Subscribe, failed or not, needs its Unsubscribe.
func (b *Bus) Subscribe(ctx context.Context, channel string) error {
	full := b.prefix + ":" + channel
	err := b.await(ctx, b.wishes.add(full))
	if err != nil {
		b.wishes.miss(full)
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
func (b *Bus) Listen(channel string) { b.wishes.add(b.prefix + ":" + channel) }

// Unsubscribe takes back one Subscribe. It does not wait.
func (b *Bus) Unsubscribe(channel string) { b.wishes.remove(b.prefix + ":" + channel) }

// Connected says whether all channels are subscribed and the bus has heard itself lately.
func (b *Bus) Connected() bool {
	return b.up.Load() && time.Since(time.Unix(0, b.heard.Load())) < deafAfter
}

// Stats gives the counts.
func (b *Bus) Stats() Stats {
	return Stats{Connected: b.Connected(), Published: b.published.Load(), Dropped: b.dropped.Load(), Failed: b.failed.Load(),
		Received: b.received.Load(), Rebuilt: b.rebuilt.Load(), Channels: b.wishes.count()}
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

// publish empties the queue in pipelines: whatever waits while the last one is on its way is the next.
func (b *Bus) publish(ctx context.Context) {
	unhurried := context.WithoutCancel(ctx) // the client's own timeouts bound each round trip
	for {
		select {
		case <-ctx.Done():
			b.flush(unhurried)
			return
		case n := <-b.queue:
			_ = b.publishBatch(unhurried, n) // counted
		}
	}
}

// flush sends what waits, so that the last words of an instance that goes away are heard; unless Redis is away.
func (b *Bus) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushMax)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case n := <-b.queue:
			if b.publishBatch(ctx, n) != nil {
				return
			}
		default:
			return
		}
	}
}

func (b *Bus) publishBatch(ctx context.Context, first news) error {
	pipe := b.client.Pipeline()
	pipe.Publish(ctx, first.channel, first.payload)
	for more := true; more && pipe.Len() < publishBatch; {
		select {
		case n := <-b.queue:
			pipe.Publish(ctx, n.channel, n.payload)
		default:
			more = false
		}
	}
	done, err := pipe.Exec(ctx)
	for _, cmd := range done {
		if cmd.Err() != nil {
			b.failed.Add(1)
		} else {
			b.published.Add(1)
		}
	}
	return err
}
