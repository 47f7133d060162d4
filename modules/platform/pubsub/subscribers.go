package pubsub

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// aloneFor is how long a channel counts as ours alone after Redis was asked. Who subscribes waits until all others have
// said that they know, and where one of them does not, for as long as this: then nobody takes it for his alone.
const aloneFor = 2 * time.Second

// subscribed are the channels that this instance is subscribed to, each with what is known of who else is.
// A lookup is on the way of every message and takes no lock that others hold for long.
type subscribed struct {
	prefix string // of the channels' names in Redis
	seed   maphash.Seed
	began  time.Time // what times are counted from
	shards [64]struct {
		sync.RWMutex
		channels map[string]*subscribers
	}
}

// subscribers are what is known of who subscribes to one such channel, from Redis' confirmation to the end of our
// subscription. While Redis has said lately that nobody else is subscribed, publishing to it is useless.
type subscribers struct {
	name  string // in Redis
	began time.Time
	until atomic.Int64 // ours alone until then, in nanoseconds since began; 0: somebody else may listen

	mu       sync.Mutex
	arrivals uint64 // announcements heard
}

func newSubscribed(prefix string) *subscribed {
	l := &subscribed{prefix: prefix, seed: maphash.MakeSeed(), began: time.Now()}
	for i := range l.shards {
		l.shards[i].channels = map[string]*subscribers{}
	}
	return l
}

// find gives the channel if it is subscribed, else nil.
func (l *subscribed) find(channel string) *subscribers {
	s := &l.shards[maphash.String(l.seed, channel)%uint64(len(l.shards))]
	s.RLock()
	defer s.RUnlock()
	return s.channels[channel]
}

// open notes that Redis has confirmed a subscription.
func (l *subscribed) open(channel string) {
	s := &l.shards[maphash.String(l.seed, channel)%uint64(len(l.shards))]
	s.Lock()
	defer s.Unlock()
	s.channels[channel] = &subscribers{name: l.prefix + channel, began: l.began}
}

// end notes that a subscription is about to end, or has.
func (l *subscribed) end(channel string) {
	s := &l.shards[maphash.String(l.seed, channel)%uint64(len(l.shards))]
	s.Lock()
	c := s.channels[channel]
	delete(s.channels, channel)
	s.Unlock()
	c.otherCame() // an answer of Redis that is on its way no longer counts
}

// full is the channel's name in Redis; c is what find gives for it.
func (l *subscribed) full(c *subscribers, channel string) string {
	if c != nil {
		return c.name
	}
	return l.prefix + channel
}

// alone says whether nobody else listens to the channel, as far as is known.
func (l *subscribed) alone(channel string) bool {
	c := l.find(channel)
	return c != nil && int64(time.Since(l.began)) < c.until.Load()
}

// heard is how many announcements have been heard; settle wants to know.
func (c *subscribers) heard() uint64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.arrivals
}

// settle takes Redis' answer to a publish that was made at a moment: whether we were the only listener. It does not
// count if an announcement has come since: Redis may have answered before that.
func (c *subscribers) settle(heard uint64, asked time.Time, alone bool) {
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
		c.until.Store(int64(asked.Sub(c.began) + aloneFor))
	}
}

// otherCame notes that somebody else listens.
func (c *subscribers) otherCame() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.arrivals++
	c.until.Store(0)
}
