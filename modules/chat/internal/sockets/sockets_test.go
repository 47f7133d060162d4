package sockets_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"mall/modules/chat/internal/sockets"
	"mall/modules/platform/id"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, // the client's own search for a server that is away ends by itself
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const limit = 10

// start gives a counter as one more instance has it. A crashed one gives nothing back.
func start(t *testing.T, cfg pubsub.Config) (c *sockets.Counter, end, crash func()) {
	t.Helper()
	client, stop, err := pubsub.Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c = sockets.New(client, "mall", id.New(), limit)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		_ = stop()
	})
	t.Cleanup(end)
	return c, end, func() { _ = stop(); end() }
}

// come asks for n connections at once, and counts those that may be.
func come(c *sockets.Counter, who id.ID, n int) (given []*sockets.Place) {
	all := make([]*sockets.Place, n)
	for i := range all {
		all[i] = c.Come(who)
	}
	for _, p := range all {
		if p.Given() {
			given = append(given, p)
		}
	}
	return given
}

func onEach(t *testing.T, run func(t *testing.T, cfg pubsub.Config)) {
	t.Helper()
	t.Run("real", func(t *testing.T) {
		run(t, pubsub.Config{Addr: testservers.Redis(t).Addr(), Prefix: "mall"})
	})
	t.Run("cluster", func(t *testing.T) {
		run(t, pubsub.Config{Addr: testservers.ClusteredRedis(t).Addr(), Cluster: true, Prefix: "mall"})
	})
}

func TestOneMembersConnectionsOnAllInstances(t *testing.T) {
	onEach(t, func(t *testing.T, cfg pubsub.Config) {
		a, _, _ := start(t, cfg)
		b, endB, _ := start(t, cfg)
		who, other := id.New(), id.New()
		onA := come(a, who, 6)
		onB := come(b, who, 6)
		if len(onA) != 6 || len(onB) != 4 {
			t.Fatalf("%d and %d, want 6 and 4", len(onA), len(onB))
		}
		if n := len(come(b, other, limit+1)); n != limit {
			t.Errorf("another member has %d", n)
		}
		onA[0].Leave()
		until(t, "a place is free", func() bool { return len(come(b, who, 1)) == 1 })
		if n := len(come(a, who, 1)); n != 0 {
			t.Error("one more than the limit")
		}
		endB()
		if n := len(come(a, who, limit)); n != 5 {
			t.Errorf("after the other instance has ended %d more may be, want 5", n)
		}
	})
}

// Many at once on several instances never get more than the limit.
func TestAHerdOfOneMember(t *testing.T) {
	onEach(t, func(t *testing.T, cfg pubsub.Config) {
		var all []*sockets.Counter
		for range 3 {
			c, _, _ := start(t, cfg)
			all = append(all, c)
		}
		who := id.New()
		var mu sync.Mutex
		var herd sync.WaitGroup
		n := 0
		for _, c := range all {
			for range 20 {
				herd.Go(func() {
					if c.Come(who).Given() {
						mu.Lock()
						defer mu.Unlock()
						n++
					}
				})
			}
		}
		herd.Wait()
		if n != limit {
			t.Errorf("%d of 60 may be, want %d", n, limit)
		}
	})
}

func TestACrashedInstanceCountsNoMoreAfterAWhile(t *testing.T) {
	t.Parallel()
	cfg := pubsub.Config{Addr: testservers.Redis(t).Addr(), Prefix: "mall"}
	a, _, _ := start(t, cfg)
	b, _, crash := start(t, cfg)
	who := id.New()
	if n := len(come(b, who, limit)); n != limit {
		t.Fatalf("%d", n)
	}
	crash()
	if n := len(come(a, who, 1)); n != 0 {
		t.Error("what has crashed counts no more at once: the test proves nothing")
	}
	until(t, "it counts no more", func() bool { return len(come(a, who, 1)) == 1 })
}

// While Redis is away nobody waits, and the instance's own count is the caller's. What was counted meanwhile is told when
// it is back.
func TestRedisIsAwayAndComesBackEmpty(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	cfg := pubsub.Config{Addr: server.Addr(), Prefix: "mall"}
	a, _, _ := start(t, cfg)
	b, _, _ := start(t, cfg)
	who := id.New()
	come(a, who, 4)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if n := len(come(a, who, 5)); n != 5 {
		t.Errorf("%d of 5 while Redis is away", n)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("they waited %v", took)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "all are told again", func() bool {
		given := come(b, who, limit)
		for _, p := range given {
			p.Leave()
		}
		return len(given) == 1
	})
}

// A replica that has not heard all takes over: of who has left it says that they are there, and of who has come that they
// are not. Both are told again.
func TestAReplicaThatLagsTakesOver(t *testing.T) {
	t.Parallel()
	r := testservers.WatchedRedis(t)
	cfg := pubsub.Config{Addr: r.Addr(), SentinelMaster: testservers.SentinelMaster, Prefix: "mall"}
	a, _, _ := start(t, cfg)
	b, _, _ := start(t, cfg)
	left, came := id.New(), id.New()
	places := come(b, left, 6)
	until(t, "Redis counts them", func() bool {
		given := come(a, left, limit)
		for _, p := range given {
			p.Leave()
		}
		return len(given) == limit-6
	})
	primary, replica, err := r.Primary(t.Context())
	must(t, err)
	must(t, replica.Pause()) // first, so that it does not come again
	direct := redis.NewClient(&redis.Options{Addr: primary.Addr()})
	must(t, direct.ClientKillByFilter(t.Context(), "TYPE", "replica").Err()) // what is on its way it would still get
	must(t, direct.Close())
	for _, p := range places {
		p.Leave()
	}
	if n := len(come(b, came, 6)); n != 6 {
		t.Fatalf("%d of 6 may be", n)
	}
	until(t, "Redis knows that they have left", func() bool {
		given := come(a, left, limit)
		for _, p := range given {
			p.Leave()
		}
		return len(given) == limit
	})
	must(t, primary.Kill())
	must(t, replica.Resume())
	until(t, "the replica has taken over", func() bool {
		now, _, err := r.Primary(t.Context())
		return err == nil && now == replica
	})
	began := time.Now()
	until(t, "it is told of all", func() bool {
		var n [2]int
		for i, who := range []id.ID{left, came} {
			given := come(a, who, limit)
			for _, p := range given {
				p.Leave()
			}
			n[i] = len(given)
		}
		return n == [2]int{limit, limit - 6}
	})
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("told after %v", took)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheEmbeddedRedis(t *testing.T) {
	c, _, _ := start(t, pubsub.Config{Prefix: "mall"})
	if n := len(come(c, id.New(), limit+3)); n != limit {
		t.Errorf("%d", n)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}
