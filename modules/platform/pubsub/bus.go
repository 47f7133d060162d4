// Package pubsub carries short news between instances over Redis Pub/Sub, sealed; any of it may be lost at any time.
package pubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mall/modules/platform/id"
)

const (
	publishQueue = 4096                   // news waiting to leave; more is dropped
	publishBatch = 128                    // news in one round trip
	subscribeMax = 300 * time.Millisecond // how long Subscribe waits for Redis to confirm
	flushMax     = time.Second            // how long the end waits for news to leave
	resumedEvery = time.Second            // so often at most is told that news come again
)

// Bus is one instance's connection to the others. It is safe for concurrent use.
type Bus struct {
	client  Client
	network network
	self    id.ID
	log     *slog.Logger

	links    []*link
	handlers []handler
	resumed  []func()
	refused  func(channel string, why Refusal)
	lost     chan struct{} // holds a token when those of OnResumed must be called

	mu      sync.Mutex
	lanes   map[string]*lane // by the server's address
	running sync.WaitGroup

	published, skipped, announced, answered, dropped, failed, received, met, rebuilt atomic.Int64
	proofs, forged, replayed, unproven                                               atomic.Int64
}

// handler takes the news of channels whose names begin so.
type handler struct {
	prefix string
	take   func(channel string, payload []byte)
}

// New makes a bus on client. All instances share the secrets: the first seals what this one says, and what any of them has
// sealed is heard, once; a new one is given to all instances as a second before it becomes the first. Whoever uses the bus
// registers what they listen to with Handle and OnResumed, before Run; nothing happens before that.
func New(client Client, prefix string, secrets [][]byte, log *slog.Logger) *Bus {
	b := &Bus{client: client, network: networkOf(client), self: id.New(), log: log, lost: make(chan struct{}, 1)}
	first := newLane(b) // until it is known which channels are on which servers
	b.lanes = map[string]*lane{"": first}
	roots := rootsOf(secrets)
	for _, p := range b.network.prefixes(prefix + ":" + wire + ":") {
		b.links = append(b.links, newLink(b, p, roots, first))
	}
	return b
}

// Handle says who takes what others say on subscribed channels whose names begin with prefix ("" is all of them), before
// Run. fn gets what is said on one channel one at a time. It must not block, or everything behind it waits. Two handlers
// for one channel are a mistake in the program: it panics.
func (b *Bus) Handle(prefix string, fn func(channel string, payload []byte)) {
	for _, h := range b.handlers {
		if strings.HasPrefix(h.prefix, prefix) || strings.HasPrefix(prefix, h.prefix) {
			panic(fmt.Sprintf("pubsub: two handlers, for %q and for %q", h.prefix, prefix))
		}
	}
	b.handlers = append(b.handlers, handler{prefix, fn})
}

// hand gives news to its handler. What nobody takes is dropped.
func (b *Bus) hand(channel string, payload []byte) {
	for i := range b.handlers {
		if h := &b.handlers[i]; strings.HasPrefix(channel, h.prefix) {
			h.take(channel, payload)
			return
		}
	}
}

// OnResumed registers fn, before Run: it is called once news that may have been lost come again, at most every second:
// after each (re)subscription and after a Subscribe that failed.
func (b *Bus) OnResumed(fn func()) { b.resumed = append(b.resumed, fn) }

// OnRefused registers fn for what came and was not taken: by someone without the secret, or again. It must not block.
// Register before Run.
func (b *Bus) OnRefused(fn func(channel string, why Refusal)) { b.refused = fn }

// link is the one that carries the channel, the same on all instances.
func (b *Bus) link(channel string) *link {
	if len(b.links) == 1 {
		return b.links[0]
	}
	sum := uint32(2166136261) // FNV-1a, which takes no allocation
	for i := range len(channel) {
		sum = (sum ^ uint32(channel[i])) * 16777619
	}
	return b.links[sum%uint32(len(b.links))] //nolint:gosec // G115: there are a few
}

// Publish sends news to the other instances that listen on the channel, some time soon or never. It does not
// wait, and does nothing while Redis has said lately that there are none. The payload must not change
// afterwards. An instance does not hear its own news.
func (b *Bus) Publish(channel string, payload []byte) {
	l := b.link(channel)
	if l.subscribed.alone(channel) {
		b.skipped.Add(1)
		return
	}
	select {
	case l.lane.Load().queue <- news{link: l, channel: channel, payload: payload}:
	default:
		b.dropped.Add(1)
	}
}

// Alone says that a Publish to the channel would now do nothing, and counts it as done: who asks first need not
// make the payload. It answers at once and allocates nothing.
func (b *Bus) Alone(channel string) bool {
	alone := b.link(channel).subscribed.alone(channel)
	if alone {
		b.skipped.Add(1)
	}
	return alone
}

var errAway = errors.New("pubsub: redis is away")

// Subscribe listens to a channel and waits a short time until Redis has confirmed it and all other instances that
// listen to it know: what is published from then on is not left out by any of them for want of a listener. An error says
// that Redis is away, at once, or that Redis or another instance is slow; news may then be missed until OnResumed's are called.
// Each Subscribe, failed or not, needs its Unsubscribe.
func (b *Bus) Subscribe(ctx context.Context, channel string) error {
	l := b.link(channel)
	err := l.await(ctx, l.subscriptions.add(channel))
	if err != nil {
		l.subscriptions.miss(channel)
	}
	return err
}

// Listen subscribes to a channel for as long as the bus runs, without waiting for Redis.
func (b *Bus) Listen(channel string) { b.link(channel).subscriptions.add(channel) }

// Unsubscribe takes back one Subscribe. It does not wait.
func (b *Bus) Unsubscribe(channel string) { b.link(channel).subscriptions.remove(channel) }

// Connected says whether all channels are subscribed and the bus has heard itself lately, on each of its links.
func (b *Bus) Connected() bool { return b.connected() == len(b.links) }

func (b *Bus) connected() (links int) {
	for _, l := range b.links {
		if l.connected() {
			links++
		}
	}
	return links
}

// Run carries news until ctx ends, and what was published before then. It survives every outage of Redis.
func (b *Bus) Run(ctx context.Context) error {
	b.running.Go(func() { b.sendProbes(ctx) })
	b.running.Go(func() { b.tellLost(ctx) })
	for _, l := range b.lanes {
		b.running.Go(func() { l.run(ctx) })
	}
	for _, l := range b.links {
		b.running.Go(func() {
			for ctx.Err() == nil {
				l.listen(ctx)
			}
		})
	}
	b.running.Wait()
	return nil
}

// lane is the one to a server; it runs until ctx ends.
func (b *Bus) lane(ctx context.Context, addr string) *lane {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lanes[addr]
	if l == nil {
		l = newLane(b)
		b.lanes[addr] = l
		b.running.Go(func() { l.run(ctx) })
	}
	return l
}

// tellLost calls who is to know, on a goroutine of its own so that they may take their time.
func (b *Bus) tellLost(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.lost:
			for _, fn := range b.resumed {
				fn()
			}
			pause(ctx, resumedEvery)
		}
	}
}
