package limit_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mall/modules/chat/internal/limit"
	"mall/modules/platform/id"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

// The limits of most tests: 10 a second, 20 at once.
const (
	perSecond = 10
	burst     = 20
)

// start gives a limiter as one more instance has it.
func start(t *testing.T, addr string) *limit.Limiter {
	t.Helper()
	return begin(t, pubsub.Config{Addr: addr, Prefix: "mall"}, perSecond, burst)
}

func begin(t *testing.T, cfg pubsub.Config, perSecond, burst int) *limit.Limiter {
	t.Helper()
	l, end := endless(t, cfg, perSecond, burst)
	t.Cleanup(end)
	return l
}

// endless is a limiter with what ends it.
func endless(t *testing.T, cfg pubsub.Config, perSecond, burst int) (*limit.Limiter, func()) {
	t.Helper()
	client, stop, err := pubsub.Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l := limit.New(client, "mall", perSecond, burst)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	return l, func() {
		cancel()
		running.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// send asks as the chat does.
func send(ctx context.Context, l *limit.Limiter, who id.ID) (after time.Duration, ok bool) {
	verdict, after := l.Allow(who, time.Now())
	if verdict == limit.Ask {
		return l.Ask(ctx, who)
	}
	return after, verdict == limit.Yes
}

// passage is a send that got through, some time between two moments.
type passage struct{ from, to time.Time }

// spend lets n senders on each limiter send as fast as they may for a time.
func spend(ctx context.Context, who id.ID, limiters []*limit.Limiter, n int, d time.Duration) []passage {
	var mu sync.Mutex
	var all []passage
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for _, l := range limiters {
		for range n {
			wg.Go(func() {
				for from := time.Now(); from.Before(end); from = time.Now() {
					after, ok := send(ctx, l, who)
					if ok {
						mu.Lock()
						all = append(all, passage{from, time.Now()})
						mu.Unlock()
						continue
					}
					select { // a client that knows no manners asks somewhat before it may
					case <-ctx.Done():
					case <-time.After(max(after/2, time.Millisecond)):
					}
				}
			})
		}
	}
	wg.Wait()
	return all
}

// keepsTo fails when in any stretch of time more got through than the limit says.
func keepsTo(t *testing.T, all []passage, perSecond, burst float64) {
	t.Helper()
	for _, first := range all {
		for _, last := range all {
			within := 0
			for _, p := range all {
				if !p.from.Before(first.from) && !p.to.After(last.to) {
					within++
				}
			}
			took := last.to.Sub(first.from)
			if took < 0 {
				continue
			}
			if most := burst + perSecond*took.Seconds(); float64(within) > most {
				t.Fatalf("%d sends got through in %v, %.2f are allowed", within, took, most)
			}
		}
	}
}

func TestOneInstance(t *testing.T) {
	l := start(t, "")
	who := id.New()
	for i := range burst {
		if _, ok := send(t.Context(), l, who); !ok {
			t.Fatalf("send %d of the burst was refused", i+1)
		}
	}
	after, ok := send(t.Context(), l, who)
	if ok || after <= 0 || after > time.Second {
		t.Errorf("past the burst: %v, %v", after, ok)
	}
	if _, ok := send(t.Context(), l, id.New()); !ok {
		t.Error("another member is held back")
	}
}

// In any stretch of time four instances together let through what one may, and hardly less.
func TestTheLimitHoldsAcrossInstances(t *testing.T) {
	t.Parallel()
	redis := testservers.Redis(t)
	var all []*limit.Limiter
	for range 4 {
		all = append(all, start(t, redis.Addr()))
	}
	const d = 3 * time.Second
	for _, many := range []int{1, 8} {
		got := spend(t.Context(), id.New(), all, many, d)
		keepsTo(t, got, perSecond, burst)
		if least := burst + perSecond*int(d.Seconds())*7/10; len(got) < least {
			t.Errorf("%d sends got through in %v, at least %d should", len(got), d, least)
		}
	}
}

// What an instance has on lease and does not spend is not there for others besides: leases cannot be saved up.
func TestLeasesCannotBeSavedUp(t *testing.T) {
	t.Parallel()
	redis := testservers.Redis(t)
	var all []*limit.Limiter
	for range 4 {
		all = append(all, start(t, redis.Addr()))
	}
	who := id.New()
	var got []passage
	for range 3 {
		for _, l := range all { // one send on each takes a lease there
			from := time.Now()
			if _, ok := send(t.Context(), l, who); ok {
				got = append(got, passage{from, time.Now()})
			}
		}
		<-time.After(time.Second) // in which the bucket would fill up again
	}
	got = append(got, spend(t.Context(), who, all, 2, 500*time.Millisecond)...)
	keepsTo(t, got, perSecond, burst)
	if len(got) < 12 {
		t.Errorf("only %d sends got through", len(got))
	}
}

// Who keeps to the limit is never refused, and after the first send never waits for Redis.
func TestWhoKeepsToTheLimitIsNotHeldBack(t *testing.T) {
	t.Parallel()
	l := start(t, testservers.Redis(t).Addr())
	who := id.New()
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for i := range 4 * perSecond {
		<-tick.C
		verdict, after := l.Allow(who, time.Now())
		switch {
		case verdict == limit.Ask && i == 0:
			if after, ok := l.Ask(t.Context(), who); !ok {
				t.Errorf("the first send is refused for %v", after)
			}
		case verdict != limit.Yes:
			t.Errorf("send %d: verdict %v, after %v", i, verdict, after)
		}
	}
}

func TestKnowsSaysWhatAllowWillNotAsk(t *testing.T) {
	l := start(t, testservers.Redis(t).Addr())
	who := id.New()
	if l.Knows(who, time.Now()) {
		t.Error("nothing is known of a member who has never sent")
	}
	for range 3 * burst {
		now := time.Now()
		known := l.Knows(who, now)
		verdict, _ := l.Allow(who, now)
		if known && verdict == limit.Ask {
			t.Error("known, and yet to be asked")
		}
		if verdict == limit.Ask {
			l.Ask(t.Context(), who)
		}
	}
}

// Who writes now and then asks Redis for every fourth line, and waits for it only at the first.
func TestWhoWritesNowAndThenRarelyAsks(t *testing.T) {
	t.Parallel()
	redis := testservers.Redis(t)
	l, who := start(t, redis.Addr()), id.New()
	const sends = 5
	asked := 0
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for i := range sends {
		if i > 0 {
			<-tick.C
		}
		if verdict, _ := l.Allow(who, time.Now()); verdict == limit.Ask {
			asked++
			if _, ok := l.Ask(t.Context(), who); !ok {
				t.Fatal("refused")
			}
		}
	}
	if asked > 1 {
		t.Errorf("%d of %d sends waited for Redis", asked, sends)
	}
}

// What an instance that ends has on lease is there for the others at once, whether it has spent some of it or not.
func TestAnInstanceThatEndsGivesItsLeasesBack(t *testing.T) {
	t.Parallel()
	for name, cluster := range map[string]bool{"single": false, "cluster": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := pubsub.Config{Prefix: "mall"}
			if cfg.Cluster = cluster; cluster {
				cfg.Addr = testservers.ClusteredRedis(t).Addr()
			} else {
				cfg.Addr = testservers.Redis(t).Addr()
			}
			stays, who := begin(t, cfg, 1, 20), id.New() // new tokens are rare: what is refused is what is held elsewhere
			var got []passage
			for range 3 {
				ends, end := endless(t, cfg, 1, 20)
				from := time.Now()
				if _, ok := send(t.Context(), ends, who); !ok {
					t.Fatal("refused")
				}
				got = append(got, passage{from, time.Now()})
				end()
			}
			for range 17 {
				from := time.Now()
				if after, ok := send(t.Context(), stays, who); !ok {
					t.Fatalf("send %d is refused for %v, of 20 at once", len(got)+1, after)
				}
				got = append(got, passage{from, time.Now()})
			}
			keepsTo(t, got, 1, 20)
		})
	}
}

// Who leaves an instance, as everybody does when it drains, finds the whole limit on another.
// What was counted under other limits says nothing of these: an instance that was killed may have had more on lease than
// members may now send at once.
func TestOtherLimitsBeginAnew(t *testing.T) {
	t.Parallel()
	cfg := pubsub.Config{Prefix: "mall", Addr: testservers.Redis(t).Addr()}
	who := id.New()
	if _, ok := send(t.Context(), begin(t, cfg, 1000, 5000), who); !ok { // it keeps its lease
		t.Fatal("refused")
	}
	now := begin(t, cfg, 1, 20)
	for n := range 20 {
		if after, ok := send(t.Context(), now, who); !ok {
			t.Fatalf("send %d of 20 is refused for %v", n+1, after)
		}
	}
}

func TestWhoLeavesGivesTheLeaseBack(t *testing.T) {
	t.Parallel()
	cfg := pubsub.Config{Prefix: "mall", Addr: testservers.Redis(t).Addr()}
	here, there, who := begin(t, cfg, 1, 20), begin(t, cfg, 1, 20), id.New()
	var got []passage
	one := func(l *limit.Limiter) bool {
		from := time.Now()
		_, ok := send(t.Context(), l, who)
		if ok {
			got = append(got, passage{from, time.Now()})
		}
		return ok
	}
	if !one(here) {
		t.Fatal("refused")
	}
	here.Leave(who)
	here.Leave(id.New()) // who has never sent has nothing to give
	for deadline := time.Now().Add(time.Second); here.Holds(who); {
		if time.Now().After(deadline) {
			t.Fatal("the lease was never given back")
		}
		<-time.After(time.Millisecond)
	}
	for deadline := time.Now().Add(500 * time.Millisecond); len(got) < 20; { // Redis hears of it a little later
		if !one(there) && time.Now().After(deadline) {
			t.Fatalf("send %d is refused, of 20 at once", len(got)+1)
		}
	}
	one(here) // comes back: nothing is left of what was given
	keepsTo(t, got, 1, 20)
}

// Coming and going is no way to more than the limit.
func TestLeavingAllTheTimeGainsNothing(t *testing.T) {
	t.Parallel()
	cfg := pubsub.Config{Prefix: "mall", Addr: testservers.Redis(t).Addr()}
	all := []*limit.Limiter{begin(t, cfg, perSecond, burst), begin(t, cfg, perSecond, burst), begin(t, cfg, perSecond, burst)}
	who, stop := id.New(), make(chan struct{})
	var leaving sync.WaitGroup
	for _, l := range all {
		leaving.Go(func() {
			tick := time.NewTicker(3 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					l.Leave(who)
				}
			}
		})
	}
	got := spend(t.Context(), who, all, 2, 3*time.Second)
	close(stop)
	leaving.Wait()
	keepsTo(t, got, perSecond, burst)
	if len(got) < burst+perSecond {
		t.Errorf("only %d sends got through", len(got))
	}
}

// Very many sends a second cost Redis next to nothing.
func TestHighLimitsAskRarely(t *testing.T) {
	redis := testservers.Redis(t)
	cfg := pubsub.Config{Addr: redis.Addr(), Prefix: "mall"}
	l := begin(t, cfg, 1_000_000, 1_000_000)
	who := id.New()
	asked := 0
	for range 400_000 {
		if verdict, _ := l.Allow(who, time.Now()); verdict == limit.Ask {
			asked++
			if _, ok := l.Ask(t.Context(), who); !ok {
				t.Fatal("refused")
			}
		}
	}
	if asked > 20 {
		t.Errorf("asked %d times for 400,000 sends", asked)
	}
}

// Without Redis each instance holds the limit by itself, at once.
func TestWithoutRedisTheLocalLimitHolds(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testservers.RedisServer) error{
		"stopped": (*testservers.RedisServer).Stop,
		"frozen":  (*testservers.RedisServer).Pause,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			redis := testservers.Redis(t)
			l := start(t, redis.Addr())
			if err := fail(redis); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if _, ok := send(t.Context(), l, id.New()); !ok || time.Since(began) > time.Second {
				t.Errorf("the first send: %v after %v", ok, time.Since(began))
			}
			who := id.New()
			got := spend(t.Context(), who, []*limit.Limiter{l}, 4, 2*time.Second)
			keepsTo(t, got, perSecond, burst)
			if len(got) < burst+perSecond {
				t.Errorf("%d sends got through", len(got))
			}
			for range 100 { // members who have never sent
				if verdict, _ := l.Allow(id.New(), time.Now()); verdict != limit.Yes {
					t.Fatalf("verdict %v while Redis is away", verdict)
				}
			}
		})
	}
}

// Once Redis is back the common limit holds again.
func TestRedisComesBack(t *testing.T) {
	t.Parallel()
	redis := testservers.Redis(t)
	all := []*limit.Limiter{start(t, redis.Addr()), start(t, redis.Addr())}
	if err := redis.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		send(t.Context(), l, id.New())
	}
	if err := redis.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		back := time.Now().Add(10 * time.Second)
		for !l.There() {
			if time.Now().After(back) {
				t.Fatal("never back")
			}
			l.Allow(id.New(), time.Now()) // somebody sends
			<-time.After(10 * time.Millisecond)
		}
	}
	got := spend(t.Context(), id.New(), all, 2, time.Second)
	keepsTo(t, got, perSecond, burst)
}

// On a cluster members lie on different servers: one that ends takes only its own members' common limit along.
func TestOnACluster(t *testing.T) {
	t.Parallel()
	c := testservers.ClusteredRedis(t)
	cfg := pubsub.Config{Addr: c.Addr(), Cluster: true, Prefix: "mall"}
	all := []*limit.Limiter{begin(t, cfg, perSecond, burst), begin(t, cfg, perSecond, burst)}
	members := make([]id.ID, 16)
	held := func() (n int) {
		for i := range members {
			members[i] = id.New()
			members[i][14] = byte(i) // one of each share
		}
		var wg sync.WaitGroup
		var good atomic.Int64
		for _, who := range members {
			wg.Go(func() {
				got := spend(t.Context(), who, all, 1, time.Second)
				if len(got) <= burst+2*perSecond {
					good.Add(1)
				}
			})
		}
		wg.Wait()
		return int(good.Load())
	}
	for try := 1; ; try++ {
		before := all[0].Locals() + all[1].Locals()
		n := held()
		if n == len(members) {
			break
		}
		if before == all[0].Locals()+all[1].Locals() || try == 20 { // else a node was too slow for what is judged here
			t.Fatalf("the limit holds for %d of %d", n, len(members))
		}
	}
	if err := c.Nodes[0].Pause(); err != nil {
		t.Fatal(err)
	}
	if n := held(); n < 8 || n == len(members) {
		t.Errorf("with a node that hangs the limit holds for %d of %d", n, len(members))
	}
	if err := c.Nodes[0].Resume(); err != nil {
		t.Fatal(err)
	}
}

// Members who are silent are forgotten, but not before their bucket is full again.
func TestTheSilentAreForgotten(t *testing.T) {
	l := start(t, "")
	began := time.Now()
	for range 1000 {
		send(t.Context(), l, id.New())
	}
	const full = 50 * time.Second // a little before the first member's bucket is full
	took := time.Since(began)
	if took > full-time.Second {
		t.Fatalf("a thousand sends took %v", took)
	}
	if n := l.Members(); n != 1000 {
		t.Fatalf("%d members", n)
	}
	for _, d := range []time.Duration{time.Second, full - took} {
		if l.Forget(d); l.Members() != 1000 {
			t.Errorf("forgotten after %v", d)
		}
	}
	if l.Forget(2 * time.Minute); l.Members() != 0 {
		t.Errorf("%d members are remembered", l.Members())
	}
}

func BenchmarkAllow(b *testing.B) {
	client, stop, err := pubsub.Open(pubsub.Config{Addr: testservers.Redis(b).Addr(), Prefix: "mall"}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	l := limit.New(client, "mall", 1_000_000, 1_000_000)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { l.Run(ctx) })
	members := make([]id.ID, 1000)
	for i := range members {
		members[i] = id.New()
		send(b.Context(), l, members[i])
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			l.Allow(members[i%len(members)], time.Now())
		}
	})
	cancel()
	running.Wait()
	if err := stop(); err != nil {
		b.Error(err)
	}
}
