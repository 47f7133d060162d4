package pubsub

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	rebuildWait = 200 * time.Millisecond
	tellBatch   = 1000 // channels named in one command
)

// link is the subscription to all channels of a prefix.
type link struct {
	bus    *Bus
	prefix string
	probe  string // the channel on which the link hears itself
	lane   atomic.Pointer[lane]

	subscriptions *subscriptions
	subscribed    *subscribed
	up            atomic.Bool  // all channels are subscribed
	heard         atomic.Int64 // when the link last heard itself, in Unix nanoseconds

	sealer *sealer
	floors [floors]atomic.Uint64 // what numbers had been given, some rounds of probes ago
	peers  *peers                // only the receiving goroutine knows them
	probes window                // our own that have been heard
}

func newLink(b *Bus, prefix string, roots []root, first *lane) *link {
	l := &link{bus: b, prefix: prefix, probe: probeOf(b.self), subscribed: newSubscribed(prefix),
		sealer: newSealer(roots[0], b.self, prefix), peers: newPeers(roots, prefix)}
	announce := func(channel string, number uint64) { l.lane.Load().announce(l, channel, number) }
	l.subscriptions = newSubscriptions(l.subscribed, announce, l.late)
	l.lane.Store(first)
	return l
}

// await waits a short time until a channel is confirmed.
func (l *link) await(ctx context.Context, confirmed <-chan struct{}) error {
	if !l.up.Load() {
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

// listen holds one subscription to everything wanted, until it breaks or ctx ends.
func (l *link) listen(ctx context.Context) {
	l.bus.rebuilt.Add(1)
	err := l.hold(ctx)
	l.subscriptions.forget() // first: who sees that the link is down may rely on nothing being skipped
	wasUp := l.up.Swap(false)
	if ctx.Err() != nil {
		return
	}
	if wasUp {
		l.bus.log.Warn("a link to Redis is lost", "channels", l.prefix, "error", err)
	}
	l.bus.network.failed(ctx)
	pause(ctx, rebuildWait)
}

func (l *link) hold(ctx context.Context) error {
	telling, stop := context.WithCancel(ctx)
	defer stop()
	sub, addr, err := l.bus.network.subscribe(telling, l.prefix)
	if err != nil {
		return err
	}
	l.lane.Store(l.bus.lane(ctx, addr))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := l.tell(telling, sub); err != nil {
			l.bus.log.Debug("redis was not told of channels", "error", err)
		}
		_ = sub.Close() // ends the receiving below, which no context can
	})
	err = l.receive(ctx, sub)
	stop()
	wg.Wait()
	return err
}

// tell lets Redis know which channels are wanted, and each change of that, until ctx ends. It is the only
// one that does, so that Redis ends up with the latest request.
func (l *link) tell(ctx context.Context, sub *subscription) error {
	for probed := false; ; {
		on, off := l.subscriptions.take(tellBatch)
		if len(on) > 0 {
			if err := sub.on(ctx, l.full(on)...); err != nil {
				return err
			}
		}
		if len(off) > 0 { // never an empty list: that would drop every channel
			if err := sub.off(ctx, l.full(off)...); err != nil {
				return err
			}
		}
		if len(on)+len(off) > 0 {
			continue
		}
		if !probed { // last, so that its confirmation comes when all channels before it are subscribed
			probed = true
			if err := sub.on(ctx, l.prefix+hello, l.prefix+l.probe); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.subscriptions.wake:
		}
	}
}

// full puts the prefix before channels, in their place.
func (l *link) full(channels []string) []string {
	for i, c := range channels {
		channels[i] = l.prefix + c
	}
	return channels
}

// receive takes what Redis sends until the link breaks or stays silent for too long.
func (l *link) receive(ctx context.Context, sub *subscription) error {
	for {
		msg, err := sub.ReceiveTimeout(ctx, deafAfter)
		if err != nil {
			return err
		}
		if err := l.take(msg); err != nil {
			return err
		}
	}
}

func (l *link) take(msg any) error {
	switch m := msg.(type) {
	case *redis.Subscription:
		return l.answered(strings.TrimPrefix(m.Channel, l.prefix), m.Kind == "subscribe" || m.Kind == "ssubscribe")
	case *redis.Message:
		l.hear(sealed{bytesOf(m.Payload), m.Channel})
	}
	return nil
}

// obey does what an instance that lives has just said.
func (l *link) obey(o opened) {
	channel := strings.TrimPrefix(o.channel, l.prefix)
	c, isCall := callOf(o.payload)
	switch {
	case o.kind == kindNews:
		l.bus.received.Add(1)
		l.bus.hand(channel, o.payload)
	case o.kind == kindAsk:
		l.answer(o)
	case !isCall:
	case o.kind == kindArrive:
		l.bus.met.Add(1)
		l.subscribed.find(channel).otherCame() // first: who is answered may rely on it
		l.lane.Load().heard(l, channel, c)
	case o.kind == kindHeard && c.instance == l.bus.self:
		l.subscriptions.heard(channel, c.number)
	}
}

// answered takes what Redis says of a channel: that its news come from now on, or no more. While the link is being
// built nobody is told what was lost: the probe's answer, which comes last, says so for all.
func (l *link) answered(channel string, on bool) error {
	if channel != l.probe && channel != hello {
		return l.subscriptions.answered(channel, on)
	}
	if !on {
		return errMoved
	}
	if channel == hello {
		return nil
	}
	l.heard.Store(time.Now().UnixNano())
	l.up.Store(true)
	if l.bus.Connected() {
		l.bus.log.Info("linked to Redis", "links", len(l.bus.links))
	}
	l.lane.Load().greet(l)
	signal(l.bus.lost)
	return nil
}

// late is told that a channel's news come, and that some may have been missed before.
func (l *link) late() {
	if l.up.Load() {
		signal(l.bus.lost)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
