package limit_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"mall/modules/chat/internal/limit"
	"mall/modules/platform/id"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

func start(t *testing.T, addr string) *limit.Limiter {
	t.Helper()
	client, stop, err := pubsub.Open(pubsub.Config{Addr: addr, Prefix: "mall"})
	if err != nil {
		t.Fatal(err)
	}
	l := limit.New(client, "mall", 10, 20)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// spend sends as fast as it may, on the limiters in turn, until the time is over.
func spend(who id.ID, limiters []*limit.Limiter, d time.Duration) (allowed int) {
	end := time.Now().Add(d)
	for i := 0; time.Now().Before(end); i++ {
		if _, ok := limiters[i%len(limiters)].Allow(who); ok {
			allowed++
		}
	}
	return allowed
}

func TestOneInstance(t *testing.T) {
	l := start(t, "")
	who := id.New()
	for i := range 20 {
		if _, ok := l.Allow(who); !ok {
			t.Fatalf("send %d of the burst was refused", i+1)
		}
	}
	after, ok := l.Allow(who)
	if ok || after <= 0 || after > time.Second {
		t.Errorf("past the burst: %v, %v", after, ok)
	}
	if _, ok := l.Allow(id.New()); !ok {
		t.Error("another member is held back")
	}
}

// Four instances together let hardly more through than one would.
func TestTheLimitHoldsAcrossInstances(t *testing.T) {
	redis := testservers.Redis(t)
	var all []*limit.Limiter
	for range 4 {
		all = append(all, start(t, redis.Addr()))
	}
	const d = 3 * time.Second
	got := spend(id.New(), all, d)
	alone := 4 * (20 + 10*int(d/time.Second)) // what four instances that know nothing of each other let through
	if got > alone*3/4 {                      // each one's own burst may slip through once
		t.Errorf("%d sends got through in %v; without a common count it would be %d", got, d, alone)
	}
}

func TestWithoutRedisTheLocalLimitHolds(t *testing.T) {
	l := start(t, "127.0.0.1:1")
	if got := spend(id.New(), []*limit.Limiter{l}, time.Second); got > 31 {
		t.Errorf("%d sends in a second", got)
	}
}
