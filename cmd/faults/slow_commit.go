package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"mall/cmd/faults/internal/checker"
	"mall/cmd/faults/internal/client"
	"mall/cmd/faults/internal/record"
	"mall/modules/platform/testservers"
)

func slowCommitFaults() (all []fault) {
	for _, f := range []struct {
		held  time.Duration
		redis bool
	}{{12 * time.Second, true}, {12 * time.Second, false}, {25 * time.Second, true}} {
		name, about := fmt.Sprintf("commits held %v", f.held), fmt.Sprintf("COMMITs take %v, reads nothing; half of those who wrote leave", f.held)
		if !f.redis {
			name, about = name+", no redis", about+"; Redis is away"
		}
		all = append(all, fault{name: name, about: about, during: promises{answer: answerWithin, socketsStay: true},
			boot: func(ctx context.Context, s *stage) error {
				return s.serverWith(ctx, s.cluster.MySQL.SemiSync().Options, nil)
			},
			inject: holdCommits(f.held, f.redis),
			heal: func(ctx context.Context, s *stage) error {
				return errors.Join(s.cluster.Exec(ctx, "SET GLOBAL "+s.cluster.MySQL.SemiSync().Setting+"_enabled = OFF"), s.redisIsBack(ctx, f.redis))
			}})
	}
	return all
}

func (s *stage) redisIsBack(ctx context.Context, stayed bool) error {
	if stayed {
		return nil
	}
	return s.cluster.Redis.Start(ctx)
}

// holdCommits has one thing said in each room, and every COMMIT held. Half of those who said it leave while it is: nobody
// asks for what becomes of their words, and no later words in their rooms show it.
func holdCommits(held time.Duration, redis bool) act {
	return func(ctx context.Context, s *stage) error {
		if err := s.untilSaid(ctx); err != nil {
			return err
		}
		if !redis {
			if err := s.cluster.Redis.Kill(); err != nil {
				return err
			}
		}
		before, err := checker.Heads(ctx, s.cluster.Root)
		if err != nil {
			return err
		}
		setting := "SET GLOBAL " + s.cluster.MySQL.SemiSync().Setting
		if err := s.cluster.Exec(ctx, fmt.Sprintf("%s_timeout = %d", setting, held.Milliseconds()), setting+"_enabled = ON"); err != nil {
			return err
		}
		began := time.Now()
		s.sayOnce(func(*client.Client) bool { return true })
		limited, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		if err := until(limited, "a COMMIT waits", func() bool { return s.commitsHeld(ctx) > 0 }); err != nil {
			return err
		}
		if err := pause(ctx, time.Second); err != nil { // whoever is in the same transaction has sent theirs
			return err
		}
		s.everySecondWriterLeaves(ctx)
		limited, cancel = context.WithTimeout(ctx, held+s.patience)
		defer cancel()
		if err := until(limited, "what was held is visible", func() bool { return s.anyHeadPast(ctx, before) }); err != nil {
			return err
		}
		visible := time.Now()
		if took := visible.Sub(began); took < held-time.Second {
			return fmt.Errorf("the COMMITs were held for %v, not for %v", took, held)
		}
		s.nothingAcked("P1", "every COMMIT was held", checker.Window{From: began, To: visible.Add(-200 * time.Millisecond)})
		s.arrives(ctx, "after the COMMITs", completeWithin)
		return nil
	}
}

// commitsHeld counts the COMMITs that wait for the replica, themselves or behind one that does.
func (s *stage) commitsHeld(ctx context.Context) (n int) {
	all, _ := testservers.Connections(ctx, s.cluster.Root) // whoever counts asks again
	for _, c := range all {
		if c.User == "mall" && strings.HasSuffix(c.Info, "COMMIT") {
			n++
		}
	}
	return n
}

// everySecondWriterLeaves sends home half of those whose words are not answered.
func (s *stage) everySecondWriterLeaves(ctx context.Context) {
	var left []string
	writers := 0
	for _, c := range s.clients {
		if c.Unsent() == 0 {
			continue
		}
		if writers++; writers%2 == 1 {
			s.sendHome(ctx, c)
			left = append(left, c.Name())
		}
	}
	s.note("%d of %d who wrote left: %s", len(left), writers, strings.Join(left, " "))
}

// sendHome ends a device's run until the fault is healed. What is in its outbox waits with it.
func (s *stage) sendHome(ctx context.Context, c *client.Client) {
	s.away[c] = true
	s.leave(c)
	var staying []*client.Client
	for _, other := range s.clients {
		if other != c {
			staying = append(staying, other)
		}
	}
	s.clients = staying
	s.undo = append(s.undo, func() { s.clients = append(s.clients, c); s.join(ctx, c) })
}

// nothingAcked: while the database confirms nothing, nobody is told that anything is stored.
func (s *stage) nothingAcked(promise, why string, w checker.Window) {
	if acks := checker.Within(s.logs(), w, record.Ack); len(acks) > 0 {
		s.violatef(checker.Other, "%s: %d acks while %s, the first at %s for room %s seq %d",
			promise, len(acks), why, acks[0].At.Format("15:04:05.000"), acks[0].Room, acks[0].Seq)
	}
}

// head is how far a room has come; 0 when the database does not say.
func (s *stage) head(ctx context.Context, room string) int64 {
	heads, err := checker.Heads(ctx, s.cluster.Root)
	if err != nil {
		return 0
	}
	return heads[room]
}

// anyHeadPast says whether a room has come further.
func (s *stage) anyHeadPast(ctx context.Context, before map[string]int64) bool {
	heads, err := checker.Heads(ctx, s.cluster.Root)
	if err != nil {
		return false
	}
	for room, head := range heads {
		if head > before[room] {
			return true
		}
	}
	return false
}
