package pubsub

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// network is the Redis that the bus is on: one server, or a cluster of them.
type network interface {
	// prefixes are what the names of channels begin with. Each is subscribed to over a link of its own, so that
	// what breaks one leaves the others be.
	prefixes(prefix string) []string
	// subscribe gives a subscription to channels of that prefix, and the address of the server they are on. It
	// connects when it is first used.
	subscribe(ctx context.Context, prefix string) (*subscription, string, error)
	publish(ctx context.Context, pipe redis.Pipeliner, channel string, text []byte) *redis.IntCmd
	// failed says that a server did not do as it was told: channels may be on another one by now.
	failed(ctx context.Context)
}

// subscription is one connection that receives.
type subscription struct {
	*redis.PubSub
	on, off func(ctx context.Context, channels ...string) error
}

func networkOf(client redis.UniversalClient) network {
	if c, ok := client.(*redis.ClusterClient); ok {
		return cluster{c}
	}
	return single{client}
}

// single is one server.
type single struct{ client redis.UniversalClient }

func (single) prefixes(prefix string) []string { return []string{prefix} }

func (s single) subscribe(ctx context.Context, _ string) (*subscription, string, error) {
	sub := s.client.Subscribe(ctx)
	return &subscription{PubSub: sub, on: sub.Subscribe, off: sub.Unsubscribe}, "", nil
}

func (single) publish(ctx context.Context, pipe redis.Pipeliner, channel string, text []byte) *redis.IntCmd {
	return pipe.Publish(ctx, channel, text)
}

func (single) failed(context.Context) {}

// cluster is a Redis Cluster with sharded Pub/Sub: a channel lives on the one server that has its slot, and a
// publish reaches no other.
type cluster struct{ client *redis.ClusterClient }

// tags spread channels over the slots: each lies in another sixteenth of them, and with it on as many servers as
// there are, up to sixteen. Instances of one mall must have the same, so they stay as they are.
var tags = [16]string{"10", "3", "61", "43", "11", "2", "60", "42", "12", "1", "63", "41", "13", "0", "62", "40"}

func (cluster) prefixes(prefix string) []string {
	all := make([]string, len(tags))
	for i, tag := range tags {
		all[i] = prefix + "{" + tag + "}:"
	}
	return all
}

// subscribe binds the connection to the server that has the slot now: the cluster's own client would connect to
// any one as long as no channel is named.
func (c cluster) subscribe(ctx context.Context, prefix string) (*subscription, string, error) {
	server, err := c.client.MasterForKey(ctx, prefix)
	if err != nil {
		return nil, "", err
	}
	sub := server.SSubscribe(ctx)
	return &subscription{PubSub: sub, on: sub.SSubscribe, off: sub.SUnsubscribe}, server.Options().Addr, nil
}

func (cluster) publish(ctx context.Context, pipe redis.Pipeliner, channel string, text []byte) *redis.IntCmd {
	return pipe.SPublish(ctx, channel, text)
}

func (c cluster) failed(ctx context.Context) { c.client.ReloadState(ctx) }
