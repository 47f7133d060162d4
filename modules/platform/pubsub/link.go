package pubsub

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	probeEvery  = time.Second
	deafAfter   = 3 * time.Second // a subscription that hears not even our own probe for so long is rebuilt
	rebuildWait = 200 * time.Millisecond
	tellBatch   = 1000 // channels named in one command
)

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
			_ = b.client.Publish(ctx, b.prefix+b.probe, "?").Err() // a failed probe is simply not heard
		}
	}
}

// listen holds one subscription to everything wanted, until it breaks or ctx ends.
func (b *Bus) listen(ctx context.Context) {
	b.rebuilt.Add(1)
	telling, stop := context.WithCancel(ctx)
	sub := b.client.Subscribe(telling) // no connection yet
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.tell(telling, sub); err != nil {
			b.log.Debug("redis was not told of channels", "error", err)
		}
		_ = sub.Close() // ends the receiving below, which no context can
	})
	err := b.receive(ctx, sub)
	stop()
	wg.Wait()
	b.wishes.forget() // first: who sees that the link is down may rely on nothing being skipped
	wasUp := b.up.Swap(false)
	if ctx.Err() != nil {
		return
	}
	if wasUp {
		b.log.Warn("the link to Redis is lost", "error", err)
	}
	pause(ctx, rebuildWait)
}

// tell lets Redis know which channels are wanted, and each change of that, until ctx ends. It is the only
// one that does, so that Redis ends up with the latest wish.
func (b *Bus) tell(ctx context.Context, sub *redis.PubSub) error {
	for probed := false; ; {
		on, off := b.wishes.take(tellBatch)
		if len(on) > 0 {
			if err := sub.Subscribe(ctx, b.full(on)...); err != nil {
				return err
			}
		}
		if len(off) > 0 { // never an empty list: that would drop every channel
			if err := sub.Unsubscribe(ctx, b.full(off)...); err != nil {
				return err
			}
		}
		if len(on)+len(off) > 0 {
			continue
		}
		if !probed { // last, so that its confirmation comes when all channels before it are subscribed
			probed = true
			if err := sub.Subscribe(ctx, b.prefix+b.probe); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-b.wishes.wake:
		}
	}
}

// receive takes what Redis sends until the link breaks or stays silent for too long.
func (b *Bus) receive(ctx context.Context, sub *redis.PubSub) error {
	for {
		msg, err := sub.ReceiveTimeout(ctx, deafAfter)
		if err != nil {
			return err
		}
		b.take(msg)
	}
}

// full puts the prefix before channels, in their place.
func (b *Bus) full(channels []string) []string {
	for i, c := range channels {
		channels[i] = b.prefix + c
	}
	return channels
}

func (b *Bus) take(msg any) {
	switch m := msg.(type) {
	case *redis.Subscription:
		b.answered(strings.TrimPrefix(m.Channel, b.prefix))
	case *redis.Message:
		b.news(strings.TrimPrefix(m.Channel, b.prefix), bytesOf(m.Payload))
	}
}

func (b *Bus) news(channel string, text []byte) {
	if channel == b.probe {
		b.heard.Store(time.Now().UnixNano())
		return
	}
	payload, news := unwrap(text)
	if news {
		b.received.Add(1)
		b.handler(channel, payload)
	} else if announcedByOther(text, b.self) {
		b.met.Add(1)
		b.lones.find(channel).company()
	}
}

// answered takes Redis' answer about a channel. While the link is being built nobody is told what was
// lost: the probe's answer, which comes last, says so for all.
func (b *Bus) answered(name string) {
	if name == b.probe {
		b.heard.Store(time.Now().UnixNano())
		b.up.Store(true)
		b.log.Info("linked to Redis")
	} else if late := b.wishes.answered(name); !late || !b.up.Load() {
		return
	}
	signal(b.lost)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
