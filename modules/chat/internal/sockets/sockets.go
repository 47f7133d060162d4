// Package sockets counts the connections of members, over all instances while Redis is there.
package sockets

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
)

// Counter lets members have so many connections. Redis holds for each member how many each instance has let in; an
// instance that has not said for a while that it lives counts no more. While Redis is away an instance counts alone.
type Counter struct {
	client   redis.UniversalClient
	prefix   string
	tags     []string // of the parts that the keys lie in
	instance string
	limit    int

	mu      sync.Mutex
	members map[id.ID]*member
	changed map[id.ID]struct{} // of whom Redis is to be told or asked
	wake    chan struct{}
	away    time.Time // Redis has failed, and is not asked before then
	lost    bool      // Redis may not know of all members
	gone    []gone    // in the order of their time

	// said is how often Redis has been told something, by the part of its keys; it is written behind each of them. A server
	// that has another number has not heard all, as a replica that takes over may have not. Only Run's goroutine knows it.
	said map[string]int64
}

// gone is a member who had no connection here any more. Who is forgotten at once could not be told of again.
type gone struct {
	who id.ID
	at  time.Time
}

// member is what this instance knows of one.
type member struct {
	held   int           // connections let in
	asking []chan<- bool // who waits, in their order
	gone   time.Time     // had none then
}

const (
	aliveEvery = 5 * time.Second
	keepAlive  = 15 * time.Second // an instance that has crashed counts no more after that
	keepGone   = time.Minute      // longer than a replica lags
	tellEvery  = 10 * time.Minute // of each member anew
	keepCount  = 30 * time.Minute
	patience   = 100 * time.Millisecond // how long a connection waits for Redis
	awayFor    = time.Second
	endTime    = time.Second
	batch      = 200 // members in one round trip
	shares     = 16  // parts of a cluster's keys; in their names
)

// New counts under the prefix, for an instance of that name.
func New(client redis.UniversalClient, prefix string, instance id.ID, limit int) *Counter {
	c := &Counter{client: client, prefix: prefix, tags: []string{""}, instance: instance.String(), limit: limit,
		members: map[id.ID]*member{}, changed: map[id.ID]struct{}{}, wake: make(chan struct{}, 1), said: map[string]int64{}}
	if _, clustered := client.(*redis.ClusterClient); clustered {
		c.tags = make([]string, shares)
		for i := range c.tags {
			c.tags[i] = "{" + strconv.Itoa(i) + "}"
		}
	}
	return c
}

// Come asks for a connection of the member, together with all who come meanwhile. It does not wait.
func (c *Counter) Come(who id.ID) *Place {
	answer := make(chan bool, 1)
	p := &Place{counter: c, who: who, answer: answer}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members[who]
	if m == nil {
		m = &member{}
		c.members[who] = m
	}
	if time.Now().Before(c.away) {
		m.held++
		answer <- true
		return p
	}
	m.asking = append(m.asking, answer)
	c.change(who)
	return p
}

func (c *Counter) change(who id.ID) {
	c.changed[who] = struct{}{}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Place is one connection's, given or asked for.
type Place struct {
	counter *Counter
	who     id.ID
	answer  <-chan bool
	once    sync.Once
	given   bool
}

// Given waits a short time for the answer: whether the connection may be. Where Redis says nothing it may.
func (p *Place) Given() bool {
	p.once.Do(func() { p.given = <-p.answer })
	return p.given
}

// Leave gives the place back, if there is one.
func (p *Place) Leave() {
	if !p.Given() {
		return
	}
	c := p.counter
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members[p.who].held--
	c.change(p.who)
}

// Run asks and tells Redis until ctx ends, and then gives all back.
func (c *Counter) Run(ctx context.Context) {
	alive, tell := time.NewTicker(aliveEvery), time.NewTicker(tellEvery)
	defer alive.Stop()
	defer tell.Stop()
	c.live(ctx)
	for {
		select {
		case <-ctx.Done():
			c.end(context.WithoutCancel(ctx))
			return
		case <-alive.C:
			c.live(ctx)
		case <-tell.C:
			c.changeAll()
		case <-c.wake:
			c.ask(ctx)
		}
	}
}

// live says that the instance is there. Where that was not known, or not all that was said before, Redis has lost what it knew.
func (c *Counter) live(ctx context.Context) {
	c.forget(time.Now().Add(-keepGone))
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	pipe := c.client.Pipeline()
	before := make([]*redis.StatusCmd, len(c.tags))
	for i, tag := range c.tags {
		before[i] = pipe.SetArgs(ctx, c.alive(tag)+c.instance, c.said[tag], redis.SetArgs{TTL: keepAlive, Get: true})
	}
	_, err := pipe.Exec(ctx)
	c.mu.Lock()
	unknown := c.lost && (err == nil || err == redis.Nil) //nolint:errorlint // a bare value, as the client documents it
	c.mu.Unlock()
	for i, cmd := range before {
		number, err := cmd.Result()
		unknown = unknown || err == redis.Nil || err == nil && number != strconv.FormatInt(c.said[c.tags[i]], 10) //nolint:errorlint // the same
	}
	if unknown {
		c.changeAll()
	}
}

// count writes down behind what has been said to some parts of Redis that it was.
func (c *Counter) count(ctx context.Context, pipe redis.Pipeliner, requests []request) {
	for _, tag := range c.tags {
		if slices.ContainsFunc(requests, func(r request) bool { return c.tag(r.who) == tag }) {
			c.said[tag]++
			pipe.Set(ctx, c.alive(tag)+c.instance, c.said[tag], keepAlive)
		}
	}
}

// forget lets those go who have had no connection here since.
func (c *Counter) forget(since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.gone) > 0 && c.gone[0].at.Before(since) {
		g := c.gone[0]
		c.gone = c.gone[1:]
		if m := c.members[g.who]; m != nil && m.idle() && m.gone.Equal(g.at) {
			delete(c.members, g.who)
		}
	}
}

func (c *Counter) changeAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost = false
	for who := range c.members {
		c.change(who)
	}
}

// end takes back that the instance is there, and with that all it has counted.
func (c *Counter) end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, endTime)
	defer cancel()
	pipe := c.client.Pipeline()
	for _, tag := range c.tags {
		pipe.Del(ctx, c.alive(tag)+c.instance)
	}
	_, _ = pipe.Exec(ctx) // what Redis does not hear of lapses
	c.mu.Lock()
	c.away = time.Now().Add(time.Hour) // who still comes is not kept waiting
	for _, m := range c.members {
		m.settle(len(m.asking))
	}
	c.mu.Unlock()
}

func (c *Counter) alive(tag string) string { return c.prefix + ":alive:" + tag }

// tag is the part of Redis that a member's count lies in.
func (c *Counter) tag(who id.ID) string { return c.tags[int(who[14])%len(c.tags)] }

func (c *Counter) key(who id.ID) (key, alive string) {
	tag := c.tag(who)
	return c.prefix + ":sockets:" + tag + who.String(), c.alive(tag)
}

func (m *member) idle() bool { return m.held == 0 && len(m.asking) == 0 }

// settle lets the first so many of those who wait in, and refuses the others.
func (m *member) settle(granted int) {
	for i, answer := range m.asking {
		answer <- i < granted
	}
	m.held += min(granted, len(m.asking))
	m.asking = nil
}
