package pubsub

import (
	"context"
	"time"

	"mall/modules/platform/id"
)

const (
	probeEvery = time.Second
	deafAfter  = 3 * time.Second // a subscription that hears not even our own probe for so long is rebuilt
)

// hello is the channel that all instances listen to.
const hello = "hello"

// probeOf is the channel that only that instance listens to.
func probeOf(instance id.ID) string { return "probe:" + instance.String() }

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
			b.sendProbe(ctx)
		}
	}
}

// sendProbe gives up in time for the next: of a cluster, one server that hangs must not keep the others' from leaving.
func (b *Bus) sendProbe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeEvery)
	defer cancel()
	pipe := b.client.Pipeline()
	for _, l := range b.links {
		l.stepFloor()
		full := l.prefix + l.probe
		b.network.publish(ctx, pipe, full, l.sealer.seal(nil, full, kindProbe, nil))
	}
	_, _ = pipe.Exec(ctx) // a failed probe is simply not heard
}

func (l *link) connected() bool {
	return l.up.Load() && time.Since(time.Unix(0, l.heard.Load())) < deafAfter
}
