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
	probeEvery   = time.Second
	deafAfter    = 3 * time.Second // a subscription that hears not even our own probe for so long is rebuilt
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

	mu       sync.Mutex
	sub      *redis.PubSub
	channels map[string]*wanted
	up       atomic.Bool

	published, dropped, failed, received, rebuilt atomic.Int64
}

// wanted is a channel that somebody listens to.
type wanted struct {
	listeners int
	confirmed chan struct{} // closed once Redis has confirmed it
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
// block, or everything behind it waits. resumed is called whenever news may have been lost: after each
// (re)subscription. Nothing happens before Run.
func New(client *redis.Client, prefix string, handler func(channel string, payload []byte), resumed func(), log *slog.Logger) *Bus {
	return &Bus{client: client, prefix: prefix, log: log, probe: prefix + ":probe:" + id.New().String(),
		queue: make(chan news, publishQueue), handler: handler, resumed: resumed, channels: map[string]*wanted{}}
}

// Publish sends news to whoever listens on the channel, some time soon or never. It does not wait.
func (b *Bus) Publish(channel string, payload []byte) {
	select {
	case b.queue <- news{b.prefix + ":" + channel, payload}:
	default:
		b.dropped.Add(1)
	}
}

// Subscribe listens to a channel and waits a short time until Redis has confirmed it. An error says that
// Redis is away or slow; the channel is then subscribed as soon as it is back, and resumed is called.
// Each Subscribe, failed or not, needs its Unsubscribe.
func (b *Bus) Subscribe(ctx context.Context, channel string) error {
	ctx, cancel := context.WithTimeout(ctx, subscribeMax)
	defer cancel()
	w, err := b.want(ctx, b.prefix+":"+channel)
	if err != nil {
		return err
	}
	select {
	case <-w.confirmed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Listen subscribes to a channel for as long as the bus runs, without waiting for Redis.
func (b *Bus) Listen(channel string) {
	ctx, cancel := context.WithTimeout(context.Background(), subscribeMax)
	defer cancel()
	if _, err := b.want(ctx, b.prefix+":"+channel); err != nil {
		b.log.Debug("subscribe", "error", err) // it is made up for when the subscription is rebuilt
	}
}

func (b *Bus) want(ctx context.Context, full string) (*wanted, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if w, ok := b.channels[full]; ok {
		w.listeners++
		return w, nil
	}
	w := &wanted{listeners: 1, confirmed: make(chan struct{})}
	b.channels[full] = w
	if b.sub == nil {
		return w, nil
	}
	return w, b.sub.Subscribe(ctx, full)
}

// Unsubscribe takes back one Subscribe.
func (b *Bus) Unsubscribe(channel string) {
	full := b.prefix + ":" + channel
	ctx, cancel := context.WithTimeout(context.Background(), subscribeMax)
	defer cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	w, ok := b.channels[full]
	if !ok {
		return
	}
	if w.listeners--; w.listeners > 0 {
		return
	}
	delete(b.channels, full)
	if b.sub == nil {
		return
	}
	if err := b.sub.Unsubscribe(ctx, full); err != nil { // never with an empty list: that would drop every channel
		b.log.Debug("unsubscribe", "error", err)
	}
}

// Connected says whether the bus has heard itself lately.
func (b *Bus) Connected() bool { return b.up.Load() }

// Stats gives the counts.
func (b *Bus) Stats() Stats {
	b.mu.Lock()
	n := len(b.channels)
	b.mu.Unlock()
	return Stats{Connected: b.Connected(), Published: b.published.Load(), Dropped: b.dropped.Load(), Failed: b.failed.Load(),
		Received: b.received.Load(), Rebuilt: b.rebuilt.Load(), Channels: n}
}

// Run carries news until ctx ends. It survives every outage of Redis.
func (b *Bus) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { b.publish(ctx) })
	wg.Go(func() { b.sendProbes(ctx) })
	for ctx.Err() == nil {
		b.listen(ctx)
	}
	wg.Wait()
	return nil
}

// publish empties the queue in pipelines: whatever waits while the last one is on its way is the next.
func (b *Bus) publish(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-b.queue:
			b.publishBatch(ctx, n)
		}
	}
}

func (b *Bus) publishBatch(ctx context.Context, first news) {
	pipe := b.client.Pipeline()
	pipe.Publish(ctx, first.channel, first.payload)
	count := int64(1)
	for more := true; more && count < publishBatch; {
		select {
		case n := <-b.queue:
			pipe.Publish(ctx, n.channel, n.payload)
			count++
		default:
			more = false
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		b.failed.Add(count)
		return
	}
	b.published.Add(count)
}

// sendProbes publishes to ourselves: a link that is half open accepts commands and never delivers, and
// only what we should have heard can tell.
func (b *Bus) sendProbes(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = b.client.Publish(ctx, b.probe, "?").Err() // a failed probe is simply not heard
		}
	}
}

// listen subscribes to everything wanted and receives until the subscription breaks.
func (b *Bus) listen(ctx context.Context) {
	sub := b.resubscribe(ctx)
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() }) // wakes the receive below
	defer stop()
	defer func() {
		b.up.Store(false)
		b.mu.Lock()
		b.sub = nil
		b.mu.Unlock()
		_ = sub.Close()
	}()
	for ctx.Err() == nil {
		msg, err := sub.ReceiveTimeout(ctx, deafAfter)
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				b.log.Debug("redis subscription broke", "error", err)
			}
			b.pause(ctx)
			return
		}
		b.take(msg)
	}
}

func (b *Bus) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(200 * time.Millisecond):
	}
}

// resubscribe opens a new subscription to all wanted channels; each is confirmed again.
func (b *Bus) resubscribe(ctx context.Context) *redis.PubSub {
	b.mu.Lock()
	defer b.mu.Unlock()
	names := make([]string, 0, len(b.channels)+1)
	for name := range b.channels {
		names = append(names, name)
	}
	// The probe comes last: when it is heard, everything before it has been subscribed.
	names = append(names, b.probe)
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	b.sub = b.client.Subscribe(ctx, names...)
	b.rebuilt.Add(1)
	return b.sub
}

func (b *Bus) take(msg any) {
	switch m := msg.(type) {
	case *redis.Subscription:
		if m.Kind == "subscribe" {
			b.confirm(m.Channel)
		}
	case *redis.Message:
		if m.Channel == b.probe {
			return
		}
		b.received.Add(1)
		b.handler(m.Channel[len(b.prefix)+1:], []byte(m.Payload))
	}
}

func (b *Bus) confirm(channel string) {
	if channel == b.probe {
		b.up.Store(true)
		b.resumed()
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if w, ok := b.channels[channel]; ok {
		select {
		case <-w.confirmed:
		default:
			close(w.confirmed)
		}
	}
}
