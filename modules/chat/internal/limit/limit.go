// Package limit holds members to so many sends a second, across instances while Redis is there.
package limit

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
)

// Limiter decides from what this instance has at hand. Each member has one bucket of tokens in Redis; an instance
// takes some of them at a time on lease, spends them without asking, and asks for more before they are gone. So
// over any time t at most burst + perSecond * t sends get through, on all instances together. While Redis is away
// each instance has a bucket of its own, which also holds while Redis is there.
type Limiter struct {
	rules  rules
	client Client
	prefix string
	name   string       // of this instance, among those that hold leases
	began  time.Time    // what times are counted from
	locals atomic.Int64 // sends that passed by this instance's own count alone

	shards [64]shard
	shares []*share
}

// Client is what the common count is kept with.
type Client = redis.UniversalClient

// Verdict is what is known at once of a send.
type Verdict int

// The verdicts.
const (
	No  Verdict = iota // not now
	Yes                // it has been counted
	Ask                // Redis must be asked first
)

const (
	askPatience = 100 * time.Millisecond // how long a send waits for Redis
	awayFor     = time.Second            // Redis is not asked again for so long after it has failed
	giveTime    = time.Second            // in which leases are given back at the end
	forgetAfter = time.Minute
	forgetEvery = 10 * time.Second
)

// shard keeps members who send at once from waiting for one lock.
type shard struct {
	sync.Mutex
	members map[id.ID]*member
}

// New allows perSecond sends a second and burst at once, for each member.
func New(client Client, prefix string, perSecond, burst int) *Limiter {
	l := &Limiter{rules: rulesOf(perSecond, burst), client: client, prefix: prefix, name: id.New().String(), began: time.Now(), shares: sharesFor(client)}
	for i := range l.shards {
		l.shards[i].members = map[id.ID]*member{}
	}
	return l
}

// Allow says at once whether the member may send now, and if not, when. After Ask nothing has been counted, and
// the caller calls Ask where it can wait.
func (l *Limiter) Allow(who id.ID, now time.Time) (Verdict, time.Duration) {
	verdict, after, _ := l.decide(who, now.Sub(l.began), false)
	return verdict, after
}

// Knows says that Allow would not answer Ask, as long as nobody else sends for the member meanwhile.
func (l *Limiter) Knows(who id.ID, now time.Time) bool {
	s := l.shard(who)
	s.Lock()
	defer s.Unlock()
	m := s.members[who]
	t := now.Sub(l.began)
	return l.share(who).isAway() || m != nil && m.knows(t, l.rules)
}

// Ask is Allow for who can wait: for Redis, a tenth of a second at most. When it does not answer, this instance's
// own bucket decides.
func (l *Limiter) Ask(ctx context.Context, who id.ID) (after time.Duration, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	for answers := 0; ; answers++ {
		verdict, after, answer := l.decide(who, time.Since(l.began), true)
		if verdict != Ask {
			return after, verdict == Yes
		}
		select {
		case <-answer:
		case <-ctx.Done():
			if answers > 0 { // Redis is there, and others of the member's sends were faster
				return l.rules.interval, false
			}
			return l.alone(who)
		}
	}
}

// decide answers for Allow and Ask. With Ask comes what is closed once there is news, if the caller waits.
func (l *Limiter) decide(who id.ID, now time.Duration, waits bool) (Verdict, time.Duration, <-chan struct{}) {
	share := l.share(who)
	s := l.shard(who)
	s.Lock()
	defer s.Unlock()
	m := s.members[who]
	if m == nil {
		m = &member{}
		s.members[who] = m
	}
	m.seen = now
	away := share.isAway()
	verdict, after := m.take(now, l.rules, away)
	if away && verdict == Yes {
		l.locals.Add(1)
	}
	if !m.asking && (verdict == Ask && waits || verdict == Yes && share.mayAsk(now) && m.low(now, l.rules)) {
		m.asking, m.answer = true, make(chan struct{})
		share.add(&share.asks, who)
	}
	return verdict, after, m.answer
}

// alone lets this instance's own bucket decide.
func (l *Limiter) alone(who id.ID) (after time.Duration, ok bool) {
	s := l.shard(who)
	s.Lock()
	defer s.Unlock()
	verdict, after := s.members[who].take(time.Since(l.began), l.rules, true)
	if verdict == Yes {
		l.locals.Add(1)
	}
	return after, verdict == Yes
}

func (l *Limiter) shard(who id.ID) *shard { return &l.shards[int(who[15])%len(l.shards)] }

func (l *Limiter) share(who id.ID) *share { return l.shares[int(who[14])%len(l.shares)] }

// Run brings leases until ctx ends, and then gives them back.
func (l *Limiter) Run(ctx context.Context) {
	var beside sync.WaitGroup
	for _, s := range l.shares {
		beside.Go(func() { l.bring(ctx, s) })
	}
	defer l.giveAll(context.WithoutCancel(ctx))
	defer beside.Wait()
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			l.forget(time.Since(l.began))
		}
	}
}

// forget lets go of members who are silent, and of whom nothing would be known anew.
func (l *Limiter) forget(now time.Duration) {
	for i := range l.shards {
		s := &l.shards[i]
		s.Lock()
		for who, m := range s.members {
			if now-m.seen > forgetAfter && m.idle(now) {
				delete(s.members, who)
			}
		}
		s.Unlock()
	}
}
