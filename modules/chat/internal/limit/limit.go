// Package limit holds members to so many sends a second, across instances while Redis is there.
package limit

import (
	"context"
	"sync"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"mall/modules/platform/id"
)

// Limiter decides at once, from what this instance knows: its own token bucket for the member, and whether
// the instances together have let too much through. The common count is brought up to date after the
// fact, every syncEvery, so that no send waits for Redis; a member who uses many instances can get through
// as much as their buckets hold in that time, and is then held back everywhere.
type Limiter struct {
	limit  redis_rate.Limit
	common *redis_rate.Limiter
	prefix string

	mu      sync.Mutex
	members map[id.ID]*member
}

type member struct {
	bucket *rate.Limiter
	unsent int       // sends that the common count does not know of yet
	until  time.Time // held back by the common count
	seen   time.Time
}

const (
	syncEvery   = 100 * time.Millisecond
	syncTimeout = 300 * time.Millisecond
	forgetAfter = time.Minute
)

// Client is what the common count is kept with.
type Client = redis.UniversalClient

// New allows perSecond sends a second and burst at once, for each member.
func New(client Client, prefix string, perSecond, burst int) *Limiter {
	return &Limiter{limit: redis_rate.Limit{Rate: perSecond, Burst: burst, Period: time.Second},
		common: redis_rate.NewLimiter(client), prefix: prefix, members: map[id.ID]*member{}}
}

// Allow says whether the member may send now, and if not, when.
func (l *Limiter) Allow(who id.ID) (after time.Duration, ok bool) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.members[who]
	if m == nil {
		m = &member{bucket: l.bucket()}
		l.members[who] = m
	}
	m.seen = now
	if wait := m.until.Sub(now); wait > 0 {
		return wait, false
	}
	if !m.bucket.AllowN(now, 1) {
		return time.Second / time.Duration(l.limit.Rate), false
	}
	m.unsent++
	return 0, true
}

func (l *Limiter) bucket() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(l.limit.Rate), l.limit.Burst)
}

// Run brings the common count up to date until ctx ends.
func (l *Limiter) Run(ctx context.Context) {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			l.sync(ctx, l.collect(now))
		}
	}
}

// collect takes what the common count does not know yet, and forgets members who are silent.
func (l *Limiter) collect(now time.Time) map[id.ID]int {
	sends := map[id.ID]int{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for who, m := range l.members {
		if m.unsent > 0 {
			sends[who] = m.unsent
			m.unsent = 0
		} else if now.Sub(m.seen) > forgetAfter {
			delete(l.members, who)
		}
	}
	return sends
}

// sync asks Redis member by member; when it is away, the rest is let be: the local buckets hold.
func (l *Limiter) sync(ctx context.Context, sends map[id.ID]int) {
	ctx, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	for who, n := range sends {
		res, err := l.common.AllowAtMost(ctx, l.prefix+":rate:"+who.String(), l.limit, n)
		if err != nil {
			return
		}
		if res.Allowed < n {
			// What got through too much is paid for by waiting until it would have been allowed.
			l.holdBack(who, res.RetryAfter+time.Duration(n-res.Allowed)*l.limit.Period/time.Duration(l.limit.Rate))
		}
	}
}

func (l *Limiter) holdBack(who id.ID, d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.members[who]; m != nil {
		m.until = time.Now().Add(d)
		m.bucket = l.bucket()
		m.bucket.AllowN(m.until, l.limit.Burst) // waiting earns no new burst
	}
}
