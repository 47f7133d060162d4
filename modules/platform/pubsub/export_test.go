package pubsub

import "github.com/redis/go-redis/v9"

// LoneFor is for how long what Redis says of other listeners is good.
const LoneFor = loneFor

// Arrivals is how many announcements of others the bus has heard on a channel that it is subscribed to.
func (b *Bus) Arrivals(channel string) uint64 { return b.link(channel).lones.find(channel).heard() }

// FullName is a channel's name in Redis.
func FullName(client redis.UniversalClient, prefix, channel string) string {
	return New(client, prefix, nil, nil, nil).link(channel).prefix + channel
}

// Tags are what spreads channels over a cluster.
func Tags() []string { return tags[:] }
