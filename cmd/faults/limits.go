package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/wire"
	"mall/modules/platform/id"
)

// The contract's limit of sends, and those who keep within it and who do not.
const (
	sendRate    = 10
	sendBurst   = 20
	steadyEvery = time.Second / 7
	greedyEvery = 20 * time.Millisecond
	writers     = 4 // of each kind
	limitLasts  = 12 * time.Second
)

var realLimit = []string{"MALL_CHAT__SENDS_PER_SECOND=10", "MALL_CHAT__SENDS_BURST=20"}

func limitFaults() []fault {
	return []fault{
		{name: "limit of sends, rolling restart", about: "with the real limit members write 7 a second over all instances, others all they can, while the instances are restarted in turn",
			settings: realLimit, guests: true, inject: func(ctx context.Context, s *stage) error { return s.writeAtLimits(ctx, true, restartInTurn) }},
		{name: "limit of sends, redis killed", about: "the same while Redis is killed and comes back empty: who keeps within the limit is never refused",
			settings: realLimit, guests: true, inject: func(ctx context.Context, s *stage) error { return s.writeAtLimits(ctx, false, redisAway) }},
	}
}

func restartInTurn(ctx context.Context, s *stage) error {
	for _, i := range s.cluster.Instances {
		if _, _, err := i.Terminate(ctx, stopWithin); err != nil {
			return err
		}
		if err := i.Start(ctx); err != nil {
			return err
		}
		if err := pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return nil
}

func redisAway(ctx context.Context, s *stage) error {
	if err := pause(ctx, limitLasts/3); err != nil {
		return err
	}
	if err := s.cluster.Redis.Kill(); err != nil {
		return err
	}
	if err := pause(ctx, limitLasts/3); err != nil {
		return err
	}
	if err := s.cluster.Redis.Start(ctx); err != nil {
		return err
	}
	return pause(ctx, limitLasts/3)
}

// pen is a member who writes over all instances.
type pen struct {
	*stage

	person *person
	token  string
	every  time.Duration

	mu      sync.Mutex
	lines   []*wire.Conn // of each instance; nil while there is none
	asked   map[string]time.Time
	through []checker.Send
	refused []string // what was refused, in words
}

// writeAtLimits lets members write while something happens: some below the limit, who must not be refused, and some above
// it, who must not get through with more while the common count is there.
func (s *stage) writeAtLimits(ctx context.Context, counted bool, happens act) error {
	s.traffic.stop()
	if err := s.allLeave(ctx); err != nil {
		return err
	}
	writing, stop := context.WithCancel(ctx)
	defer stop()
	var pens []*pen
	var wg sync.WaitGroup
	for n, p := range s.cast.people[:min(2*writers, len(s.cast.people))] {
		token, err := p.account.Token(ctx)
		if err != nil {
			return err
		}
		w := &pen{stage: s, person: p, token: token, every: steadyEvery, lines: make([]*wire.Conn, instances), asked: map[string]time.Time{}}
		if n >= writers {
			w.every = greedyEvery
		}
		pens = append(pens, w)
		for k := range instances {
			wg.Go(func() { w.hold(writing, k) })
		}
		wg.Go(func() { w.write(writing) })
	}
	err := happens(ctx, s)
	stop()
	wg.Wait()
	for _, w := range pens {
		w.judge(counted)
	}
	for _, c := range s.clients {
		s.join(ctx, c)
	}
	if err == nil {
		err = s.untilReady(ctx)
	}
	return err
}

// hold keeps a connection with an instance for as long as there is one.
func (w *pen) hold(ctx context.Context, k int) {
	for ctx.Err() == nil {
		c, err := wire.Dial(ctx, w.cluster.Instances[k].Addr, w.token, wire.Options{})
		if err != nil {
			_ = pause(ctx, 50*time.Millisecond)
			continue
		}
		stop := context.AfterFunc(ctx, c.Drop)
		for err == nil {
			var text []byte
			if text, err = c.Next(); err == nil {
				w.heard(c, k, text)
			}
		}
		w.mu.Lock()
		w.lines[k] = nil
		w.mu.Unlock()
		stop()
		c.Drop()
	}
}

func (w *pen) heard(c *wire.Conn, k int, text []byte) {
	now := time.Now()
	var f heard
	if json.Unmarshal(text, &f) != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch f.Type {
	case "welcome":
		w.lines[k] = c
	case "ack":
		w.through = append(w.through, checker.Send{Asked: w.asked[f.Key], Acked: now})
	case "error":
		if f.Code == "rate_limited" {
			w.refused = append(w.refused, fmt.Sprintf("at %s on %s", now.Format("15:04:05.000"), w.cluster.Instances[k].Name))
		}
	}
}

// write says one thing after the other, over the instances in turn; what has no line is not said later.
func (w *pen) write(ctx context.Context) {
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		key := id.New().String()
		w.mu.Lock()
		c := w.lines[n%instances]
		w.asked[key] = time.Now()
		w.mu.Unlock()
		if c != nil {
			_ = c.Say(map[string]any{"type": "send", "id": key, "room_id": w.person.rooms[0], "client_msg_id": key, "body": "at my pace"}) // the reader notices
		}
	}
}

func (w *pen) judge(counted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	what := "writes all it can"
	if w.every == steadyEvery {
		what = "writes 7 a second"
		if len(w.refused) > 0 {
			w.violatef(checker.Other, "%s %s over %d instances and was refused %d times, first %s", w.person.name, what, instances, len(w.refused), w.refused[0])
		}
	}
	if counted || w.every == steadyEvery {
		w.violate(checker.JudgeRate(w.person.name, w.through, sendRate, sendBurst)...)
	}
	w.note("%s %s: %d got through, %d refused", w.person.name, what, len(w.through), len(w.refused))
	if len(w.through) == 0 {
		w.violatef(checker.Other, "%s: the harness got no send through", w.person.name)
	}
}
