package main

import (
	"context"
	"syscall"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/proxy"
	"mall/cmd/faults/internal/record"
)

func instanceFaults() []fault {
	return []fault{
		{name: "instance killed", about: "one of the instances is killed with -9", short: true, lasts: 5 * time.Second,
			during: promises{back: backWithin},
			inject: func(_ context.Context, s *stage) error { s.cluster.Instances[1].Kill(); return nil },
			heal:   func(ctx context.Context, s *stage) error { return s.cluster.Instances[1].Start(ctx) }},
		{name: "all instances killed", about: "all instances are killed with -9 and started again", lasts: 2 * time.Second,
			inject: func(ctx context.Context, s *stage) error {
				s.cluster.KillInstances()
				return s.cluster.StartInstances(ctx)
			}},
		{name: "instance frozen", about: "one of the instances is stopped for a minute and goes on", lasts: 60 * time.Second,
			during: promises{back: frozenWithin},
			inject: func(_ context.Context, s *stage) error { return s.cluster.Instances[1].Signal(syscall.SIGSTOP) },
			heal:   func(_ context.Context, s *stage) error { return s.cluster.Instances[1].Signal(syscall.SIGCONT) },
			after:  tellReturns},
		{name: "instance islanded", about: "one of the instances reaches neither the database nor Redis for 20 s; its clients stay, and the others' last messages come from before", lasts: 20 * time.Second,
			during: promises{socketsStay: true, answer: answerWithin}, inject: island},
		{name: "rolling restart", about: "each instance is asked to end and started again (P12)", short: true, probe: true,
			inject: rollingRestart},
		{name: "nginx reloaded", about: "nginx reads its configuration again, twice, while everything goes on", lasts: 5 * time.Second, probe: true,
			inject: func(ctx context.Context, s *stage) error {
				if err := s.cluster.Nginx.Signal(syscall.SIGHUP); err != nil {
					return err
				}
				if err := pause(ctx, time.Second); err != nil {
					return err
				}
				return s.cluster.Nginx.Signal(syscall.SIGHUP)
			}},
	}
}

// island silences both links of an instance. Its own clients write nothing, or a later message would show what is missing.
func island(ctx context.Context, s *stage) error {
	const alone = 1
	s.traffic.stop()
	if err := until(ctx, "all is said", func() bool { return s.missing(ctx) == "" }); err != nil {
		return err
	}
	links := []*proxy.Proxy{s.cluster.ToMySQL[alone], s.cluster.ToRedis[alone]}
	for _, p := range links {
		p.Admit(proxy.Silent)
		p.Hush(proxy.All)
	}
	s.undo = append(s.undo, func() {
		for _, p := range links {
			p.Heal()
		}
	})
	for _, c := range s.clients {
		for _, room := range c.Rooms() {
			if c.On() != s.cluster.Instances[alone].Name {
				write(c, room, "while one is alone")
			}
		}
	}
	return nil
}

// rollingRestart is a deploy (P12).
func rollingRestart(ctx context.Context, s *stage) error {
	for _, i := range s.cluster.Instances {
		code, took, err := i.Terminate(ctx, stopWithin)
		if err != nil {
			return err
		}
		s.note("%s ended after %v with exit code %d", i.Name, took.Round(10*time.Millisecond), code)
		if code != 0 {
			s.violatef(checker.Other, "P12: %s ended with exit code %d after %v", i.Name, code, took.Round(10*time.Millisecond))
		}
		if err := i.Start(ctx); err != nil {
			return err
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	for _, e := range checker.Within(s.watched(), checker.Window{From: s.injected}, record.Closed) {
		if len(e.Note) < 4 || e.Note[:4] != "1012" {
			s.violatef(checker.Other, "P12: a socket with %s was closed with %q, not with 1012", e.On, e.Note)
		}
	}
	return nil
}

// tellReturns notes how long the clients of a frozen instance were without an answer.
func tellReturns(_ context.Context, s *stage) error {
	var first, last time.Duration
	n := 0
	for _, l := range s.watched() {
		ended := false
		for _, e := range l.Events() {
			if !e.At.After(s.injected) {
				continue
			}
			ended = ended || e.Kind == record.Closed
			if ended && e.Kind == record.Resumed {
				took := e.At.Sub(s.injected)
				if n++; n == 1 || took < first {
					first = took
				}
				last = max(last, took)
				break
			}
		}
	}
	s.note("%d clients came back on other instances, the first after %v, the last after %v", n, first.Round(time.Second), last.Round(time.Second))
	return nil
}
