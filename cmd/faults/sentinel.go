package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/proxy"
	"mall/modules/platform/testservers"
)

// How long Redis must be silent until its Sentinels take another, and how long they and the instances may need for it.
const (
	sentinelPatience = time.Second
	switchedWithin   = 10 * time.Second
	byHand           = 4 * time.Second // until an operator has noticed
)

func sentinelFaults() []fault {
	again := func(ctx context.Context, s *stage) error { return s.broke.Start(ctx) }
	return []fault{
		{name: "sentinel failover", about: "three Sentinels watch Redis and its replica; the one that writes is killed, and comes back as the replica",
			short: true, lasts: 3 * time.Second, during: redisDown, boot: watchRedis, inject: anotherRedis((*testservers.RedisServer).Kill), heal: again},
		{name: "sentinel failover, frozen", about: "as before, but it is frozen, and still believes that it writes when it goes on", lasts: 3 * time.Second,
			during: redisDown, boot: watchRedis, inject: anotherRedis((*testservers.RedisServer).Pause),
			heal: func(_ context.Context, s *stage) error { return s.broke.Resume() }},
		{name: "sentinel switch", about: "an operator tells the Sentinels to let the replica write", lasts: 3 * time.Second, during: redisDown,
			boot: watchRedis, inject: func(ctx context.Context, s *stage) error {
				return anotherRedis(func(*testservers.RedisServer) error { return s.sentinels.Switch(ctx) })(ctx, s)
			}},
		{name: "redis replica promoted by hand", about: "Redis is killed; an operator lets its replica write and moves its address there", lasts: 3 * time.Second,
			during: redisDown, inject: promoteByHand},
	}
}

// watchRedis starts a Redis with a replica and Sentinels of its own for the fault, and has the instances ask those.
func watchRedis(ctx context.Context, s *stage) error {
	r, err := testservers.StartSentinelRedis(ctx, filepath.Join(s.cluster.Private(), strings.ReplaceAll(s.fault.name, " ", "-")), sentinelPatience)
	if err != nil {
		return err
	}
	s.sentinels = r
	s.closers = append(s.closers, func() { _ = r.Kill() })
	s.cluster.With(append(slices.Clip(s.fault.settings), "MALL_REDIS__ADDR="+r.Addr(), "MALL_REDIS__SENTINEL_MASTER="+testservers.SentinelMaster)...)
	return nil
}

// anotherRedis breaks the server that writes, and returns when all instances listen at the one that has taken its place.
func anotherRedis(breaks func(*testservers.RedisServer) error) act {
	return func(ctx context.Context, s *stage) error {
		before, after, err := s.sentinels.Primary(ctx)
		if err != nil {
			return err
		}
		s.broke = before
		if n, err := s.listening(ctx, before); err != nil || n != instances {
			return errors.Join(err, fmt.Errorf("%d instances listen at the server that is to be broken", n))
		}
		began := time.Now()
		if err := breaks(before); err != nil {
			return err
		}
		limited, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := until(limited, "another server writes", func() bool {
			now, _, err := s.sentinels.Primary(ctx)
			return err == nil && now == after
		}); err != nil {
			return err
		}
		chosen := time.Since(began)
		return s.allListen(ctx, after, began, fmt.Sprintf("the Sentinels took another server after %v", chosen.Round(10*time.Millisecond)))
	}
}

// allListen waits until all instances do at a server, and for not much longer than they may take for it.
func (s *stage) allListen(ctx context.Context, at *testservers.RedisServer, began time.Time, before string) error {
	limited, cancel := context.WithTimeout(ctx, 2*switchedWithin)
	defer cancel()
	n := 0
	err := until(limited, "all instances listen there", func() bool {
		n, _ = s.listening(limited, at)
		return n == instances
	})
	took := time.Since(began).Round(10 * time.Millisecond)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.violatef(checker.Late, "%s, %d of %d instances listened at the other Redis after %v", before, n, instances, took)
	case took > switchedWithin:
		s.violatef(checker.Late, "%s, all instances listened at the other Redis after %v, limit %v", before, took, switchedWithin)
	default:
		s.note("%s, all instances listened there after %v", before, took)
	}
	return nil
}

// listening counts the instances that hear themselves at a server.
func (s *stage) listening(ctx context.Context, at *testservers.RedisServer) (int, error) {
	answer, err := tellRedis(ctx, at.Addr(), []byte("PUBSUB"), []byte("CHANNELS"), []byte("*:probe:*"))
	return bytes.Count(answer, []byte(":probe:")), err
}

// promoteByHand does what is done where nobody watches: whoever connects to Redis by its address finds the replica behind it.
func promoteByHand(ctx context.Context, s *stage) error {
	primary := s.cluster.Redis
	replica, err := testservers.StartRedis(ctx, filepath.Join(s.cluster.Private(), "replica"), "--repl-diskless-sync-delay", "0",
		"--replicaof", strings.ReplaceAll(primary.Addr(), ":", " "))
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() {
		_ = replica.Kill()
		s.onRedis(func(p *proxy.Proxy) { p.Aim(proxy.To(primary.Addr())) })
		if err := primary.Start(context.WithoutCancel(ctx)); err != nil {
			s.violatef(checker.Other, "the harness could not heal: %v", err)
		}
	})
	if err := until(ctx, "the replica has all", func() bool {
		answer, err := tellRedis(ctx, replica.Addr(), []byte("INFO"), []byte("replication"))
		return err == nil && bytes.Contains(answer, []byte("master_link_status:up"))
	}); err != nil {
		return err
	}
	began := time.Now()
	if err := primary.Kill(); err != nil {
		return err
	}
	if err := pause(ctx, byHand); err != nil {
		return err
	}
	if _, err := tellRedis(ctx, replica.Addr(), []byte("REPLICAOF"), []byte("NO"), []byte("ONE")); err != nil {
		return err
	}
	s.onRedis(func(p *proxy.Proxy) { p.Aim(proxy.To(replica.Addr())) })
	return s.allListen(ctx, replica, began, fmt.Sprintf("the operator took %v", byHand))
}
