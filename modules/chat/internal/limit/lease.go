package limit

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"mall/modules/platform/id"
)

const leaseBatch = 200 // members in one round trip

// share is the part of all members whose buckets lie on one server, so that one of a cluster that is away takes
// no other's along. On a single server it is all of them.
type share struct {
	tag  string       // in the keys' names; empty: none is needed
	away atomic.Int64 // Redis has failed, and is asked again then; 0: it is there. In nanoseconds from the limiter's start

	mu   sync.Mutex
	asks []id.ID
	wake chan struct{} // holds a token when there are some
}

// clusterShares is how many parts the members of a cluster are in. It is part of the keys' names.
const clusterShares = 16

func sharesFor(client Client) []*share {
	if _, ok := client.(*redis.ClusterClient); !ok {
		return []*share{{wake: make(chan struct{}, 1)}}
	}
	all := make([]*share, clusterShares)
	for i := range all {
		all[i] = &share{tag: "{" + strconv.Itoa(i) + "}", wake: make(chan struct{}, 1)}
	}
	return all
}

func (s *share) isAway() bool { return s.away.Load() != 0 }

// mayAsk says whether Redis can be asked ahead of need: it is there, or it is time to see whether it is back.
func (s *share) mayAsk(now time.Duration) bool { return s.away.Load() <= int64(now) }

func (s *share) add(who id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks = append(s.asks, who)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next takes some of those who ask.
func (s *share) next() []id.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(leaseBatch, len(s.asks))
	some := s.asks[:n:n]
	s.asks = s.asks[n:]
	return some
}

// bring asks Redis for all who need tokens, many at a time, until ctx ends.
func (l *Limiter) bring(ctx context.Context, s *share) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for some := s.next(); len(some) > 0; some = s.next() {
			l.lease(ctx, s, some)
		}
	}
}

// answer is what Redis says of a member: so many tokens more, or none for a while.
type answer struct {
	more int
	wait time.Duration
	err  error
}

// lease asks for some members. When Redis fails one of them it counts as away for all of the share: they go on with
// what this instance has, and nobody waits, until Redis has answered somebody again.
func (l *Limiter) lease(ctx context.Context, s *share, members []id.ID) {
	asked := time.Since(l.began)
	if !s.mayAsk(asked) {
		l.deliver(members, make([]answer, len(members)), asked, errAway)
		return
	}
	answers, err := l.askRedis(ctx, s, members)
	if err != nil {
		s.away.Store(int64(time.Since(l.began) + awayFor)) // before those who wait look again
	} else {
		s.away.Store(0)
	}
	l.deliver(members, answers, asked, nil)
}

var errAway = errors.New("limit: redis is away")

// deliver gives the members their answers, and wakes those who wait.
func (l *Limiter) deliver(members []id.ID, answers []answer, asked time.Duration, err error) {
	now := time.Since(l.began)
	for i, who := range members {
		s := l.shard(who)
		s.Lock()
		m := s.members[who]
		if errors.Join(err, answers[i].err) == nil {
			m.leased(asked, now, answers[i], l.rules)
		}
		m.asking = false
		close(m.answer)
		s.Unlock()
	}
}
