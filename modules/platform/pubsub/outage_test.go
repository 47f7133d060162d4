package pubsub_test

import (
	"sync"
	"testing"
	"time"

	"mall/modules/platform/testservers"
)

func TestRedisStopsAndStarts(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	client := open(t, server.Addr())
	s := tune(t, client)
	for _, channel := range []string{"a", "b"} {
		check(t, s.Subscribe(t.Context(), channel))
	}
	before := s.resumed.Load()
	check(t, server.Stop())
	until(t, "noticed", func() bool { return !s.Connected() })
	began := time.Now()
	if err := s.Subscribe(t.Context(), "c"); err == nil || time.Since(began) > 200*time.Millisecond {
		t.Errorf("a subscription while Redis is away: %v after %v", err, time.Since(began))
	}
	s.Unsubscribe("b")
	check(t, server.Start(t.Context()))
	until(t, "resumed", func() bool { return s.Connected() && s.resumed.Load() > before })
	for channel, want := range map[string]int64{"a": 1, "b": 0, "c": 1} {
		if got := listeners(t, client, channel); got != want {
			t.Errorf("channel %s has %d listeners when resumed was called, want %d", channel, got, want)
		}
	}
	check(t, s.Subscribe(t.Context(), "c")) // a second listener finds it confirmed
	s.gets(t, "c", "back")
}

// A frozen Redis takes what it is sent and answers nothing. Nobody may wait for it, nor for each other.
func TestRedisFreezes(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	s := tune(t, open(t, server.Addr()))
	check(t, s.Subscribe(t.Context(), "a"))
	check(t, server.Pause())
	began := time.Now()
	allSubscribe(t, s)
	until(t, "noticed", func() bool { return !s.Connected() })
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("noticed after %v", took)
	}
	allSubscribe(t, s)
	check(t, server.Resume())
	until(t, "back", s.Connected)
	check(t, s.Subscribe(t.Context(), "a"))
	s.gets(t, "a", "back")
}

// allSubscribe lets many come and go at once, which takes as long as for one of them.
func allSubscribe(t *testing.T, s *station) {
	t.Helper()
	began := time.Now()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := s.Subscribe(t.Context(), "crowd"); err == nil {
				t.Error("a frozen Redis confirmed a subscription")
			}
			s.Unsubscribe("crowd")
		})
	}
	wg.Wait()
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("50 subscriptions took %v", took)
	}
}

// A subscription that Redis confirms too late has missed news: resumed says so without a new link.
func TestALateConfirmationResumes(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	s := tune(t, open(t, server.Addr()))
	until(t, "the first resumed", func() bool { return s.resumed.Load() == 1 })
	check(t, server.Pause())
	if err := s.Subscribe(t.Context(), "late"); err == nil {
		t.Error("a frozen Redis confirmed a subscription")
	}
	check(t, server.Resume())
	until(t, "resumed", func() bool { return s.resumed.Load() > 1 })
	s.gets(t, "late", "now")
}

// Half open: Redis answers every command, and what it publishes to us is lost on its way.
func TestADeafLinkIsRebuilt(t *testing.T) {
	t.Parallel()
	link := newWire(t, testservers.Redis(t).Addr())
	s := tune(t, open(t, link.addr()))
	check(t, s.Subscribe(t.Context(), "a"))
	link.deaf.Store(true)
	before := s.resumed.Load()
	began := time.Now()
	until(t, "noticed", func() bool { return !s.Connected() })
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("noticed after %v", took)
	}
	link.deaf.Store(false)
	until(t, "rebuilt", func() bool { return s.Connected() && s.resumed.Load() > before })
	s.gets(t, "a", "back")
}

func TestPublishNeverWaits(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testservers.RedisServer) error{
		"stopped": func(r *testservers.RedisServer) error { return r.Stop() },
		"frozen":  func(r *testservers.RedisServer) error { return r.Pause() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testservers.Redis(t)
			s := tune(t, open(t, server.Addr()))
			check(t, fail(server))
			const n = 20_000
			began := time.Now()
			for range n {
				s.Publish("x", []byte("news"))
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("%d publishes took %v", n, took)
			}
			until(t, "something is given up", func() bool { return s.Stats().Failed > 0 })
			until(t, "all but the queue is counted", func() bool {
				c := s.Stats()
				return c.Failed+c.Dropped+c.Published >= n-4096-128
			})
		})
	}
}

// Whatever state Redis is in, the bus ends when it is told to.
func TestTheEndWaitsForNobody(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*testservers.RedisServer) error{
		"up":      func(*testservers.RedisServer) error { return nil },
		"stopped": func(r *testservers.RedisServer) error { return r.Stop() },
		"frozen":  func(r *testservers.RedisServer) error { return r.Pause() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := testservers.Redis(t)
			s := tune(t, open(t, server.Addr()))
			check(t, s.Subscribe(t.Context(), "a"))
			check(t, fail(server))
			for range 3000 {
				s.Publish("x", []byte("news"))
			}
			began := time.Now()
			s.stop()
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("ended after %v", took)
			}
		})
	}
}
