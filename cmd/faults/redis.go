package main

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/proxy"
)

// redisDown is what must hold while Redis is away (P9).
var redisDown = promises{answer: answerWithin, socketsStay: true, ack: ackWithin, near: nearWithin, far: farWithin}

func redisFaults() []fault {
	return []fault{
		{name: "redis killed", about: "Redis is killed and comes back empty", short: true, lasts: 6 * time.Second, during: redisDown,
			inject: func(_ context.Context, s *stage) error { return s.cluster.Redis.Kill() },
			heal:   func(ctx context.Context, s *stage) error { return s.cluster.Redis.Start(ctx) }},
		{name: "redis frozen", about: "Redis takes connections and bytes and answers nothing", lasts: 6 * time.Second, during: redisDown,
			inject: func(_ context.Context, s *stage) error { return s.cluster.Redis.Pause() },
			heal:   func(_ context.Context, s *stage) error { return s.cluster.Redis.Resume() }},
		{name: "redis absent at boot", about: "the instances start without Redis, which comes later", lasts: 4 * time.Second, during: redisDown,
			boot: func(_ context.Context, s *stage) error { return s.cluster.Redis.Kill() },
			heal: func(ctx context.Context, s *stage) error { return s.cluster.Redis.Start(ctx) }},
		{name: "subscriber deaf", about: "the subscriptions stay open and hear nothing; new ones hear", short: true, lasts: 6 * time.Second,
			inject: hushSubscriptions},
		{name: "subscriber deaf, last", about: "as before, and nobody writes any more when it begins to be deaf", lasts: 4 * time.Second,
			inject: func(ctx context.Context, s *stage) error {
				if err := hushSubscriptions(ctx, s); err != nil {
					return err
				}
				s.traffic.stop()
				return writeEverywhere(ctx, s)
			}},
		{name: "subscriber flapping", about: "the subscriptions are cut every 300 ms", lasts: 5 * time.Second,
			during: promises{socketsStay: true, answer: answerWithin},
			inject: func(ctx context.Context, s *stage) error {
				s.repeatedly(ctx, 300*time.Millisecond, func() { s.onRedis(func(p *proxy.Proxy) { p.Cut(subscriptions) }) })
				return nil
			}},
		{name: "publish refused", about: "Redis answers every PUBLISH with an error", lasts: 5 * time.Second,
			during: promises{socketsStay: true, answer: answerWithin, ack: ackWithin, near: nearWithin, far: farWithin},
			inject: func(ctx context.Context, s *stage) error { return s.redis(ctx, "ACL SETUSER default -publish") },
			heal:   func(ctx context.Context, s *stage) error { return s.redis(ctx, "ACL SETUSER default +publish") }},
		{name: "publishes torn", about: "30 % of what subscribers should hear is dropped, the rest reordered", short: true, lasts: 6 * time.Second,
			during: promises{socketsStay: true, answer: answerWithin},
			inject: tearPublishes},
		{name: "last publishes lost", about: "in each round the last messages before silence reach no other instance", short: true,
			during: promises{socketsStay: true, answer: answerWithin}, inject: lastLost},
		{name: "forged hints", about: "garbage, forged, altered and replayed news is published into Redis", short: true,
			during: promises{socketsStay: true, answer: answerWithin}, inject: forge},
	}
}

// subscriptions matches the links that hear.
func subscriptions(l *proxy.Link) bool { return l.Subscriber() }

func (s *stage) onRedis(do func(*proxy.Proxy)) {
	for _, p := range s.cluster.ToRedis {
		do(p)
	}
}

func hushSubscriptions(_ context.Context, s *stage) error {
	s.onRedis(func(p *proxy.Proxy) { p.Hush(subscriptions) })
	return nil
}

// repeatedly does something until the fault is healed.
func (s *stage) repeatedly(ctx context.Context, every time.Duration, do func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		for pause(ctx, every) == nil {
			do()
		}
	})
	s.undo = append(s.undo, func() { cancel(); wg.Wait() })
}

// probing says whether a channel is one on which instances look for themselves. A lost message is a lost message; that
// the subscription as a whole is deaf is another fault.
func probing(channel string) bool { return strings.Contains(channel, "probe") }

func tearPublishes(_ context.Context, s *stage) error {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(s.seed, 30)) //nolint:gosec // the same for the same seed
	s.onRedis(func(p *proxy.Proxy) {
		p.SetRule(func(_ *proxy.Link, to proxy.Direction, frame []byte) (proxy.Verdict, time.Duration) {
			channel, _, ok := proxy.Published(frame)
			if to != proxy.ToClient || !ok || probing(channel) {
				return proxy.Forward, 0
			}
			mu.Lock()
			defer mu.Unlock()
			switch n := r.IntN(10); {
			case n < 3:
				return proxy.Drop, 0
			case n < 6:
				return proxy.Later, 0
			}
			return proxy.Forward, 0
		})
	})
	s.undo = append(s.undo, func() { s.onRedis((*proxy.Proxy).Heal) })
	return nil
}

// deaf is a rule under which no subscriber hears anything but an instance looking for itself.
func deaf(_ *proxy.Link, to proxy.Direction, frame []byte) (proxy.Verdict, time.Duration) {
	if channel, _, ok := proxy.Published(frame); to == proxy.ToClient && ok && !probing(channel) {
		return proxy.Drop, 0
	}
	return proxy.Forward, 0
}

// lastLost plays rounds of a few messages in each room of which none is heard by another instance, then silence.
func lastLost(ctx context.Context, s *stage) error {
	s.traffic.stop()
	var worst time.Duration
	for round := range s.rounds {
		s.onRedis(func(p *proxy.Proxy) { p.SetRule(deaf) })
		if err := writeEverywhere(ctx, s); err != nil {
			return err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil { // the last publish has left
			return err
		}
		s.onRedis((*proxy.Proxy).Heal)
		began := time.Now()
		limited, cancel := context.WithTimeout(ctx, 2*s.patience)
		err := until(limited, "views are complete", func() bool { return s.missing(ctx) == "" })
		cancel()
		took := time.Since(began)
		worst = max(worst, took)
		if err != nil {
			s.violatef(checker.Lost, "round %d: after %v %s", round+1, took.Round(time.Second), s.missing(ctx))
			break
		}
		if took > completeWithin {
			s.violatef(checker.Late, "round %d: complete after %v, limit %v", round+1, took.Round(10*time.Millisecond), completeWithin)
		}
	}
	s.note("%d rounds, the slowest was complete after %v", s.rounds, worst.Round(10*time.Millisecond))
	return nil
}

// writeEverywhere writes one message in every room and reads what there is, and returns when all are acked.
func writeEverywhere(ctx context.Context, s *stage) error {
	for _, c := range s.clients {
		for _, room := range c.Rooms() {
			if s.rnd.IntN(2) == 0 {
				write(c, room, "the last one")
			}
			c.Mark(room, s.rnd.IntN(2) == 0)
		}
	}
	return until(ctx, "the last messages are acked", func() bool {
		for _, c := range s.clients {
			if c.Unsent() > 0 {
				return false
			}
		}
		return true
	})
}
