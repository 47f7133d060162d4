package pubsub

import "github.com/redis/go-redis/v9"

// Secrets are those of the tests' instances.
var Secrets = [][]byte{[]byte("a secret of the tests")}

// Said is what the bus itself has sealed.
func (b *Bus) Said(m *redis.Message) (kind byte, payload string) {
	for _, l := range b.links {
		if o, ok := (sealed{[]byte(m.Payload), m.Channel}).open(l.sealer.aead); ok {
			return o.kind, string(o.payload)
		}
	}
	return 0, ""
}

// Rounds lets so many rounds of probes pass.
func (b *Bus) Rounds(n int) {
	for range n {
		for _, l := range b.links {
			l.stepFloor()
		}
	}
}

// Floors is after how many rounds what was said is too old for who has just come.
const Floors = floors

// ProbeChannel is the one on which the bus hears itself.
func (b *Bus) ProbeChannel() string { return b.links[0].probe }

// AloneFor is for how long what Redis says of other listeners is good.
const AloneFor = aloneFor

// Arrivals is how many announcements of others the bus has heard on a channel that it is subscribed to.
func (b *Bus) Arrivals(channel string) uint64 {
	return b.link(channel).subscribed.find(channel).heard()
}

// FullName is a channel's name in Redis.
func FullName(client redis.UniversalClient, prefix, channel string) string {
	return New(client, prefix, Secrets, nil).link(channel).prefix + channel
}

// Tags are what spreads channels over a cluster.
func Tags() []string { return tags[:] }

// GaveUp says that a link has been given up and is being made anew.
func (b *Bus) GaveUp() bool {
	for _, l := range b.links {
		if !l.up.Load() {
			return true
		}
	}
	return false
}
