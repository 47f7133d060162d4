package main

import (
	"context"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/proxy"
)

// holding is what an instance holds besides its pools. Pools keep connections on purpose, each a file and perhaps a
// goroutine, and a fresh instance begins with none: what they hold is taken off at both readings, as they say it
// themselves (the database's) or as the proxy before them counts it (Redis'). The balancer's pool is emptied before each.
type holding struct {
	goroutines, files, busy, heap int

	redis int // connections of Redis' pool, which are no files here, and whose buffers are no memory
}

// slack is what an instance may hold more than before, however many rooms there are: a query of the sweep under way, the
// runtime's own workers. Fifteen faults in a row left 2 goroutines and 2 files at most, another measurement 6 goroutines.
const slack = 8

func (h holding) leaks(before holding) bool {
	return h.goroutines > before.goroutines+slack || h.files > before.files+slack || h.busy > 0
}

// emptyBalancer lets nginx forget the connections that it keeps to the instances; nobody is connected.
func (s *stage) emptyBalancer(ctx context.Context) error {
	client.Forget() // or a call would find its connection gone
	s.cluster.Nginx.Kill()
	return s.cluster.Nginx.Start(ctx)
}

// holdings reads what each instance holds.
func (s *stage) holdings(ctx context.Context) (all []holding, err error) {
	for n, i := range s.cluster.Instances {
		u, err := i.Use(ctx)
		if err != nil {
			return nil, err
		}
		redis := s.cluster.ToRedis[n].Open(func(l *proxy.Link) bool { return !l.Subscriber() })
		if s.sentinels != nil { // which name the servers themselves, past the proxies
			if redis, err = i.OpenTo(s.sentinels.Addrs()...); err != nil {
				return nil, err
			}
		}
		all = append(all, holding{u.Goroutines - u.SQL, u.Files - u.SQL - redis, u.SQLBusy, u.Heap, redis})
	}
	return all, nil
}

// givenBack waits until the instances hold what they held before the clients came. The last calls of those who went home
// may have come to the balancer after it was emptied, which then keeps connections again: it is emptied once more.
func (s *stage) givenBack(ctx context.Context, before []holding) error {
	var now []holding
	var err error
	for range 2 {
		if now, err = s.settled(ctx, before); err == nil {
			break
		}
	}
	if err != nil && now == nil {
		return err
	}
	for i := range now {
		if err != nil && now[i].leaks(before[i]) {
			s.violatef(checker.Leak, "%s: besides its pools goroutines %d → %d, files %d → %d, connections of the database not given back %d after %v without clients",
				s.cluster.Instances[i].Name, before[i].goroutines, now[i].goroutines, before[i].files, now[i].files, now[i].busy, settlePatience)
		}
	}
	return s.judgeLives(ctx, before, now)
}

// settled waits with an empty balancer; the last reading that came is given with an error, too.
func (s *stage) settled(ctx context.Context, before []holding) (now []holding, err error) {
	if err := s.emptyBalancer(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, settlePatience/2)
	defer cancel()
	err = until(ctx, "instances have given back what they took", func() bool {
		all, err := s.holdings(ctx)
		if err != nil {
			return false
		}
		now = all
		for i := range now {
			if now[i].leaks(before[i]) {
				return false
			}
		}
		return true
	})
	return now, err
}
