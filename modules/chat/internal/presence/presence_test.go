package presence

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"mall/modules/chat/internal/hub"
	"mall/modules/platform/id"
	"mall/modules/platform/pubsub"
	"mall/modules/platform/testservers"
)

func TestMain(m *testing.M) {
	// What the client does in the background for a server that is away ends by itself, up to a second after it is closed.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

const soon = time.Minute

// desk is the presence of one instance and what it has told.
type desk struct {
	*Presence
	mu    sync.Mutex
	calls int
	told  map[hub.Party][]bool // online or gone, in order
}

func newDesk(t *testing.T, cfg pubsub.Config) *desk {
	t.Helper()
	client, stop, err := pubsub.Open(cfg, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(func() { check(t, stop()) })
	d := &desk{told: map[hub.Party][]bool{}}
	d.Presence = New(client, cfg.Prefix, id.New(), d.note, slog.New(slog.DiscardHandler))
	return d
}

func (d *desk) note(changes []Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	for _, c := range changes {
		d.told[c.Party] = append(d.told[c.Party], c.State.Online)
	}
}

func (d *desk) has(p hub.Party) []bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.told[p])
}

// run lets the desk work until the test ends.
func (d *desk) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(soon); !done(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatal("never: " + what)
		}
	}
}

// onBoth runs a test on a real Redis and on a cluster; desks of one are instances of one mall.
func onBoth(t *testing.T, run func(t *testing.T, cfg pubsub.Config)) {
	t.Helper()
	t.Run("real", func(t *testing.T) { run(t, pubsub.Config{Addr: testservers.Redis(t).Addr(), Prefix: "t"}) })
	t.Run("cluster", func(t *testing.T) {
		run(t, pubsub.Config{Addr: testservers.ClusteredRedis(t).Addr(), Cluster: true, Prefix: "t"})
	})
}

func TestComingAndGoingOnTwoInstances(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg pubsub.Config) {
		a, b, p, now := newDesk(t, cfg), newDesk(t, cfg), hub.Buyer(id.New()), time.Now()
		round := func(want int) {
			t.Helper()
			a.round(t.Context(), now)
			b.round(t.Context(), now)
			if got := len(a.has(p)) + len(b.has(p)); got != want {
				t.Errorf("told %v and %v, want %d in all", a.has(p), b.has(p), want)
			}
		}
		state := func() State {
			t.Helper()
			return b.States(t.Context(), []hub.Party{hub.Shop(id.New()), p})[p]
		}
		a.Come(p)
		a.Come(p) // another tab
		round(1)
		b.Come(p)
		round(1) // no news: the party is online already
		if got := state(); !got.Online || !got.LastSeen.IsZero() {
			t.Errorf("state %+v", got)
		}
		a.Go(p)
		now = now.Add(2 * leaveAfter)
		round(1) // a tab is left
		a.Go(p)
		now = now.Add(2 * leaveAfter)
		round(1) // and here the other instance
		b.Go(p)
		now = now.Add(leaveAfter / 2)
		b.Come(p)
		now = now.Add(2 * leaveAfter)
		round(1) // the page was loaded again
		b.Go(p)
		now = now.Add(4 * leaveAfter)
		round(2)
		if got := state(); got.Online || got.LastSeen.UnixMilli() != now.UnixMilli() {
			t.Errorf("state %+v, want last seen at %v", got, now)
		}
		if got := b.has(p); !slices.Equal(got, []bool{false}) {
			t.Errorf("the last instance told %v", got)
		}
		if len(a.here)+len(b.here)+len(a.leaving)+len(b.leaving)+len(a.moved)+len(b.moved) > 0 {
			t.Error("something is remembered of who has gone")
		}
	})
}

// Ten thousand who come at once cost a few calls and no goroutine each.
// counter counts the commands that leave for Redis.
type counter struct{ commands, trips atomic.Int64 }

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.commands.Add(1)
		c.trips.Add(1)
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.commands.Add(int64(len(cmds)))
		c.trips.Add(1)
		return next(ctx, cmds)
	}
}

// A page of fifty rooms costs one command, on a cluster one for each part of the keys.
func TestAPageCostsFewCommands(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg pubsub.Config) {
		d, parties := newDesk(t, cfg), make([]hub.Party, 50)
		for i := range parties {
			parties[i] = hub.Buyer(id.New())
			if i%2 == 0 {
				d.Come(parties[i])
			}
		}
		d.round(t.Context(), time.Now())
		d.States(t.Context(), parties) // a server that has just started learns the script
		var count counter
		d.client.AddHook(&count)
		states := d.States(t.Context(), parties)
		online := 0
		for _, s := range states {
			if s.Online {
				online++
			}
		}
		if len(states) != 50 || online != 25 {
			t.Errorf("%d known, %d online", len(states), online)
		}
		most := int64(1)
		if cfg.Cluster {
			most = 16
		}
		if n := count.commands.Load(); n > most || n == 0 {
			t.Errorf("%d commands in %d pipelines, want %d at most", n, count.trips.Load(), most)
		}
	})
}

func TestAHerd(t *testing.T) {
	onBoth(t, func(t *testing.T, cfg pubsub.Config) {
		d := newDesk(t, cfg)
		d.run(t)
		const n = 10_000
		before := runtime.NumGoroutine()
		parties := make([]hub.Party, n)
		for i := range parties {
			parties[i] = hub.Buyer(id.New())
			d.Come(parties[i])
			if i%2 == 0 { // a second tab, closed again
				d.Come(parties[i])
				d.Go(parties[i])
			}
		}
		if more := runtime.NumGoroutine() - before; more > 20 {
			t.Errorf("%d goroutines more", more)
		}
		until(t, "all are told", func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return len(d.told) == n
		})
		d.mu.Lock()
		defer d.mu.Unlock()
		for told := range maps.Values(d.told) {
			if !slices.Equal(told, []bool{true}) {
				t.Fatalf("told %v", told)
			}
		}
		if d.calls > 50 {
			t.Errorf("%d calls", d.calls)
		}
		if states := d.States(t.Context(), parties[:1000]); len(states) != 1000 || !states[parties[7]].Online {
			t.Errorf("%d states", len(states))
		}
	})
}

// While changed blocks, nobody who comes or goes waits, and what happens meanwhile comes in one call.
func TestASlowChatHoldsNobodyUp(t *testing.T) {
	client, stop, err := pubsub.Open(pubsub.Config{Prefix: "t"}, slog.New(slog.DiscardHandler))
	check(t, err)
	t.Cleanup(func() { check(t, stop()) })
	calls, free := make(chan int, 10), make(chan struct{})
	p := New(client, "t", id.New(), func(changes []Change) { calls <- len(changes); <-free }, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	defer running.Wait()
	defer cancel()
	p.Come(hub.Buyer(id.New()))
	if n := <-calls; n != 1 {
		t.Errorf("%d changes", n)
	}
	began := time.Now()
	for range 100 {
		p.Come(hub.Buyer(id.New()))
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("coming took %v", took)
	}
	close(free)
	if n := <-calls; n != 100 {
		t.Errorf("%d changes in the second call", n)
	}
}

// Without Redis nothing is known, nobody waits, and who is here is written when it is back.
func TestRedisGoesAndComesBack(t *testing.T) {
	redisServer := testservers.Redis(t)
	d := newDesk(t, pubsub.Config{Addr: redisServer.Addr(), Prefix: "t"})
	p := hub.Shop(id.New())
	check(t, redisServer.Stop())
	d.Come(p)
	d.round(t.Context(), time.Now())
	if states := d.States(t.Context(), []hub.Party{p}); len(states) > 0 || len(d.has(p)) > 0 {
		t.Errorf("known without Redis: %v, told %v", states, d.has(p))
	}
	check(t, redisServer.Start(t.Context()))
	d.refresh(t.Context(), time.Now())
	if st := d.States(t.Context(), []hub.Party{p})[p]; !st.Online {
		t.Errorf("state %+v", st)
	}
}

// Of a cluster with a node that is away, the parties on the others stay known.
func TestANodeOfAClusterIsAway(t *testing.T) {
	c := testservers.ClusteredRedis(t)
	d := newDesk(t, pubsub.Config{Addr: c.Addr(), Cluster: true, Prefix: "t"})
	var parties []hub.Party
	for range 300 {
		parties = append(parties, hub.Buyer(id.New()))
		d.Come(parties[len(parties)-1])
	}
	d.round(t.Context(), time.Now())
	check(t, c.Nodes[1].Kill())
	d.refresh(t.Context(), time.Now())
	for _, p := range parties {
		d.Go(p)
	}
	states := d.States(t.Context(), parties)
	if len(states) < 100 || len(states) == len(parties) {
		t.Errorf("%d of %d parties are known", len(states), len(parties))
	}
	for p, st := range states {
		if !st.Online {
			t.Errorf("%v is not online", p)
		}
	}
	d.round(t.Context(), time.Now().Add(2*leaveAfter))
	gone := 0
	for _, p := range parties {
		if slices.Equal(d.has(p), []bool{true, false}) {
			gone++
		}
	}
	if gone != len(states) {
		t.Errorf("%d have gone, %d are known", gone, len(states))
	}
}
