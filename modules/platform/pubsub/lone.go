package pubsub

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// loneFor is how long a channel counts as ours alone after Redis was asked. Who subscribes waits until all others have
// said that they know, and where one of them does not, for as long as this: then nobody takes it for his alone.
const loneFor = 2 * time.Second

// lones are the channels that this instance is subscribed to, each with what is known of who else is.
// A lookup is on the way of every message and takes no lock that others hold for long.
type lones struct {
	prefix string // of the channels' names in Redis
	seed   maphash.Seed
	began  time.Time // what times are counted from
	shards [64]struct {
		sync.RWMutex
		channels map[string]*lone
	}
}

// lone is one such channel, from Redis' confirmation to the end of the subscription. While Redis has said
// lately that nobody else is subscribed, publishing to it is useless.
type lone struct {
	name  string // in Redis
	began time.Time
	until atomic.Int64 // ours alone until then, in nanoseconds since began; 0: somebody else may listen

	mu       sync.Mutex
	arrivals uint64 // announcements heard
}

func newLones(prefix string) *lones {
	l := &lones{prefix: prefix, seed: maphash.MakeSeed(), began: time.Now()}
	for i := range l.shards {
		l.shards[i].channels = map[string]*lone{}
	}
	return l
}

// find gives the channel if it is subscribed, else nil.
func (l *lones) find(channel string) *lone {
	s := &l.shards[maphash.String(l.seed, channel)%uint64(len(l.shards))]
	s.RLock()
	defer s.RUnlock()
	return s.channels[channel]
}

// open notes that Redis has confirmed a subscription.
func (l *lones) open(channel string) {
	s := &l.shards[maphash.String(l.seed, channel)%uint64(len(l.shards))]
	s.Lock()
	defer s.Unlock()
	s.channels[channel] = &lone{name: l.prefix + channel, began: l.began}
}

// end notes that a subscription is about to end, or has.
func (l *lones) end(channel string) {
	s := &l.shards[maphash.String(l.seed, channel)%uint64(len(l.shards))]
	s.Lock()
	c := s.channels[channel]
	delete(s.channels, channel)
	s.Unlock()
	c.company() // an answer of Redis that is on its way no longer counts
}

// full is the channel's name in Redis; c is what find gives for it.
func (l *lones) full(c *lone, channel string) string {
	if c != nil {
		return c.name
	}
	return l.prefix + channel
}

// alone says whether nobody else listens to the channel, as far as is known.
func (l *lones) alone(channel string) bool {
	c := l.find(channel)
	return c != nil && int64(time.Since(l.began)) < c.until.Load()
}

// heard is how many announcements have been heard; settle wants to know.
func (c *lone) heard() uint64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.arrivals
}

// settle takes Redis' answer to a publish that was made at a moment: whether we were the only listener. It does not
// count if an announcement has come since: Redis may have answered before that.
func (c *lone) settle(heard uint64, asked time.Time, alone bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.arrivals != heard {
		return
	}
	c.until.Store(0)
	if alone {
		c.until.Store(int64(asked.Sub(c.began) + loneFor))
	}
}

// company notes that somebody else listens.
func (c *lone) company() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrivals++
	c.until.Store(0)
}
