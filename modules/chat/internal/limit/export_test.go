package limit

import (
	"time"

	"mall/modules/platform/id"
)

// There says that Redis has answered lately.
func (l *Limiter) There() bool { return !l.shares[0].isAway() }

// Forget forgets as if so much time had passed.
func (l *Limiter) Forget(later time.Duration) { l.forget(time.Since(l.began) + later) }

// Members is how many are remembered.
func (l *Limiter) Members() (n int) {
	for i := range l.shards {
		l.shards[i].Lock()
		n += len(l.shards[i].members)
		l.shards[i].Unlock()
	}
	return n
}

// Locals are the sends that passed while Redis was away or did not answer in time.
func (l *Limiter) Locals() int64 { return l.locals.Load() }

// Holds says whether the instance has a lease of the member.
func (l *Limiter) Holds(who id.ID) bool {
	s := l.shard(who)
	s.Lock()
	defer s.Unlock()
	m := s.members[who]
	return m != nil && m.leases(time.Since(l.began))
}
