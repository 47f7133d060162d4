package limit

import (
	"context"
	"errors"
	"slices"
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

	mu    sync.Mutex
	asks  []id.ID
	gives []id.ID       // whose leases are to be given back
	wake  chan struct{} // holds a token when there are some
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

func (s *share) add(queue *[]id.ID, who id.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*queue = append(*queue, who)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next takes some of a queue.
func (s *share) next(queue *[]id.ID) []id.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(leaseBatch, len(*queue))
	members := (*queue)[:n:n]
	*queue = (*queue)[n:]
	return members
}

// bring asks Redis for all who need tokens, and gives back what is left over, many at a time, until ctx ends. It is the only
// one to speak to Redis of the share's members, so that no lease comes while another is given back.
func (l *Limiter) bring(ctx context.Context, s *share) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		for members := s.next(&s.asks); len(members) > 0; members = s.next(&s.asks) {
			l.lease(ctx, s, members)
		}
		for members := s.next(&s.gives); len(members) > 0; members = s.next(&s.gives) {
			l.giveBack(ctx, s, members)
		}
	}
}

// answer is what Redis says of a member: so many tokens more, or none for a while.
type answer struct {
	more int
	wait time.Duration
	keep time.Duration // how long what is on lease is good
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

// Leave gives back what this instance has on lease for a member who has no connection here any more: whoever goes to
// another instance, as everybody does when this one drains, finds the whole limit there. It does not wait.
func (l *Limiter) Leave(who id.ID) {
	s := l.shard(who)
	s.Lock()
	m := s.members[who]
	leases := m != nil && m.leases(time.Since(l.began))
	s.Unlock()
	if share := l.share(who); leases {
		share.add(&share.gives, who)
	}
}

// giveAll gives back every lease, at the end of the instance. For what is not told in time Redis waits until it lapses.
func (l *Limiter) giveAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, giveTime)
	defer cancel()
	var beside sync.WaitGroup
	for _, s := range l.shares {
		beside.Go(func() {
			for members := range slices.Chunk(l.leasing(s), leaseBatch) {
				if ctx.Err() == nil {
					l.giveBack(ctx, s, members)
				}
			}
		})
	}
	beside.Wait()
}

// leasing are the members of a share of whom this instance has a lease.
func (l *Limiter) leasing(of *share) (all []id.ID) {
	now := time.Since(l.began)
	for i := range l.shards {
		s := &l.shards[i]
		s.Lock()
		for who, m := range s.members {
			if l.share(who) == of && m.leases(now) {
				all = append(all, who)
			}
		}
		s.Unlock()
	}
	return all
}

// giveBack ends leases. What is given is not spent here any more, whether Redis hears of it or not. A member for whom
// somebody asks at this moment stays, and so do all while Redis is away.
func (l *Limiter) giveBack(ctx context.Context, s *share, members []id.ID) {
	if s.isAway() {
		return
	}
	now := time.Since(l.began)
	requests := make([]request, 0, len(members))
	for _, who := range members {
		sh := l.shard(who)
		sh.Lock()
		if m := sh.members[who]; m != nil && !m.asking && m.leases(now) {
			requests = append(requests, l.request(s, who, m.surrender(now), 0, true))
		}
		sh.Unlock()
	}
	if len(requests) > 0 {
		ctx, cancel := context.WithTimeout(ctx, askPatience)
		defer cancel()
		_ = l.runScript(ctx, requests, make([]answer, len(requests))) // what fails lapses
	}
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
			m.leased(asked, now, answers[i])
		}
		m.asking = false
		close(m.answer)
		s.Unlock()
	}
}
